//! The spool from outside, a file for each thing it promises.
#![expect(clippy::unwrap_used, reason = "tests")]

mod damage;
mod delivery;
mod kill;
mod restart;

use std::{
    fs,
    path::{Path, PathBuf},
};

use spool::{Batch, Drain, Options, Spool};
use tempfile::TempDir;

/// A spool folder of its own for each test.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// Small segments, so that tests cross their borders.
    fn options(&self) -> Options {
        Options { segment_bytes: 2000, ..Options::new(self.path(), 1 << 20) }
    }

    fn open(&self) -> (Spool, Drain) {
        spool::open(self.options()).unwrap()
    }

    /// What a process that is killed now leaves behind.
    fn snapshot(&self) -> Self {
        let copy = Self::new();
        for entry in fs::read_dir(self.path()).unwrap() {
            let entry = entry.unwrap();
            fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
        }
        copy
    }

    /// Oldest first.
    fn segments(&self) -> Vec<PathBuf> {
        let paths = fs::read_dir(self.path()).unwrap().map(|entry| entry.unwrap().path());
        let mut segments: Vec<_> =
            paths.filter(|path| path.extension().is_some_and(|extension| extension == "seg")).collect();
        segments.sort();
        segments
    }
}

async fn append_all(spool: &Spool, records: impl IntoIterator<Item = String>) {
    for record in records {
        spool.append(record.into_bytes()).await.unwrap();
    }
}

fn texts(batch: &Batch) -> Vec<String> {
    batch.records.iter().map(|record| String::from_utf8(record.to_vec()).unwrap()).collect()
}

/// Takes and forgets all that waits; checks that each segment's ranges join.
fn drain_all(drain: &mut Drain) -> Vec<String> {
    let mut records = Vec::new();
    let mut last: Option<Batch> = None;
    while let Some(batch) = drain.try_next(3, usize::MAX).unwrap() {
        if let Some(last) = last.filter(|last| last.segment == batch.segment) {
            assert_eq!(last.end, batch.start);
        }
        records.extend(texts(&batch));
        drain.forget(&batch).unwrap();
        last = Some(batch);
    }
    records
}

fn numbered(range: std::ops::Range<u32>) -> Vec<String> {
    range.map(|n| format!("record {n} {}", "x".repeat(n as usize * 37 % 200))).collect()
}
