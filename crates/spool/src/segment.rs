//! One segment: its file's name, and how far it is written, sealed and forgotten.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
};

use uuid::Uuid;

use crate::frame::Reader;

const EXTENSION: &str = "seg";

/// A segment on disk. The writer moves `committed` and `sealed`, the drain moves `forgotten`.
#[derive(Debug)]
pub struct Segment {
    /// Orders the segments of a folder; goes into the name.
    pub sequence: u64,
    pub id: Uuid,
    pub path: PathBuf,
    /// End of the last whole record.
    pub committed: AtomicU64,
    /// Nothing more will be written here.
    pub sealed: AtomicBool,
    /// All before this is in the store.
    pub forgotten: AtomicU64,
    /// Records from `forgotten` to `committed`.
    pub records: AtomicU64,
    /// Bytes behind the last whole record, left by a crash.
    pub torn_bytes: u64,
}

impl Segment {
    /// A fresh one, and its file to write to.
    pub fn create(dir: &Path, sequence: u64) -> io::Result<(Self, File)> {
        let id = random_id();
        let path = dir.join(format!("{sequence:020}-{id}.{EXTENSION}"));
        let file = File::options().write(true).create_new(true).open(&path)?;
        let segment = Self {
            sequence,
            id,
            path,
            committed: AtomicU64::new(0),
            sealed: AtomicBool::new(false),
            forgotten: AtomicU64::new(0),
            records: AtomicU64::new(0),
            torn_bytes: 0,
        };
        Ok((segment, file))
    }

    /// One that an earlier start left behind, forgotten up to `forgotten`. Reads it through once, to count
    /// its records and to find where the last whole one ends.
    pub fn recover(path: PathBuf, sequence: u64, id: Uuid, forgotten: u64) -> io::Result<Self> {
        let file = File::open(&path)?;
        let length = file.metadata()?.len();
        let mut reader = Reader::new(&file, id, length);
        let (mut end, mut records) = (forgotten, 0);
        while let Some(found) = reader.next(end)? {
            end = found.end;
            records += 1;
        }
        let torn_bytes = length.saturating_sub(end);
        if torn_bytes > 0 {
            tracing::warn!(segment.id = %id, offset = end, torn_bytes, "a segment's tail is torn; ignored");
        }
        Ok(Self {
            sequence,
            id,
            path,
            committed: AtomicU64::new(end),
            sealed: AtomicBool::new(true),
            forgotten: AtomicU64::new(forgotten),
            records: AtomicU64::new(records),
            torn_bytes,
        })
    }

    /// Written to the end, and all of it forgotten.
    pub fn is_spent(&self) -> bool {
        // In this order: once sealed is seen, committed stands still.
        self.sealed.load(Ordering::Acquire) && self.is_drained()
    }

    /// All that is written so far is forgotten.
    pub fn is_drained(&self) -> bool {
        self.forgotten.load(Ordering::Acquire) >= self.committed.load(Ordering::Acquire)
    }
}

/// The store knows a batch by this id, and a frame is known by it: it may not repeat, in a test as little as
/// anywhere.
#[expect(clippy::disallowed_methods, reason = "an id that nobody may choose")]
fn random_id() -> Uuid {
    Uuid::new_v4()
}

/// Sequence and id from a segment file's name; none for any other file.
pub fn parse_name(path: &Path) -> Option<(u64, Uuid)> {
    if path.extension()? != EXTENSION {
        return None;
    }
    let (sequence, id) = path.file_stem()?.to_str()?.split_once('-')?;
    Some((sequence.parse().ok()?, Uuid::try_parse(id).ok()?))
}
