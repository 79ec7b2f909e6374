#![expect(clippy::unwrap_used, reason = "tests")]

use std::{fs, fs::File, io, path::Path, thread, time::Instant};

use super::*;
use crate::{
    Drain, Error, Options, Spool,
    disk::{Disk, Kernel},
    open::open_on,
};

#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    None,
    /// Half of a write arrives, then the disk is full.
    Full,
    /// Half of a write arrives, then the disk fails.
    Write,
    /// As `Write`, and it cannot be cut off.
    WriteAndCut,
    Sync,
}

#[derive(Clone, Debug)]
struct Faulty(Arc<Mutex<Fault>>);

impl Faulty {
    fn new() -> Self {
        Self(Arc::new(Mutex::new(Fault::None)))
    }

    fn set(&self, fault: Fault) {
        *self.0.lock().unwrap() = fault;
    }

    fn get(&self) -> Fault {
        *self.0.lock().unwrap()
    }
}

const NO_SPACE: i32 = 28;

impl Disk for Faulty {
    fn write(&mut self, file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
        let error = match self.get() {
            Fault::None | Fault::Sync => return Kernel.write(file, bytes, offset),
            Fault::Full => io::Error::from_raw_os_error(NO_SPACE),
            Fault::Write | Fault::WriteAndCut => io::Error::other("broken"),
        };
        Kernel.write(file, &bytes[..bytes.len() / 2], offset)?;
        Err(error)
    }

    fn cut(&mut self, file: &File, length: u64) -> io::Result<()> {
        match self.get() {
            Fault::WriteAndCut => Err(io::Error::other("broken")),
            _ => Kernel.cut(file, length),
        }
    }

    fn sync(&mut self, file: &File) -> io::Result<()> {
        match self.get() {
            Fault::Sync => Err(io::Error::other("broken")),
            _ => Kernel.sync(file),
        }
    }
}

fn open_faulty(dir: &Path, disk: &Faulty) -> (Spool, Drain) {
    open_on(&Options::new(dir, 1 << 20), Box::new(disk.clone())).unwrap()
}

fn drained(drain: &mut Drain) -> Result<Vec<String>, Error> {
    let mut records = Vec::new();
    while let Some(batch) = drain.try_next(2, usize::MAX)? {
        records.extend(batch.records.iter().map(|record| String::from_utf8(record.to_vec()).unwrap()));
        drain.forget(&batch)?;
    }
    Ok(records)
}

fn segment_files(dir: &Path) -> Vec<u64> {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap());
    let segments =
        entries.filter(|entry| entry.path().extension().is_some_and(|extension| extension == "seg"));
    segments.map(|entry| entry.metadata().unwrap().len()).collect()
}

#[tokio::test]
async fn a_full_disk_refuses_leaves_nothing_torn_and_recovers() {
    let dir = tempfile::tempdir().unwrap();
    let disk = Faulty::new();
    let (spool, mut drain) = open_faulty(dir.path(), &disk);
    spool.append(b"first".to_vec()).await.unwrap();
    disk.set(Fault::Full);
    let before = spool.depth();
    // More than the spool's bound in all: what is refused takes no room.
    for _ in 0..300 {
        assert!(matches!(spool.append(vec![7; 5000]).await, Err(AppendError::Full)));
        assert_eq!(spool.level(), Level::Full);
        assert_eq!(segment_files(dir.path()), [before.bytes]);
    }
    disk.set(Fault::None);
    spool.append(b"second".to_vec()).await.unwrap();
    assert_eq!(spool.level(), Level::Normal);
    assert_eq!(drained(&mut drain).unwrap(), ["first", "second"]);
    assert_eq!((spool.depth().records, spool.depth().bytes, spool.damaged()), (0, 0, 0));
}

#[tokio::test]
async fn a_full_disk_is_tried_again_while_nobody_appends() {
    let dir = tempfile::tempdir().unwrap();
    let disk = Faulty::new();
    let (spool, mut drain) = open_faulty(dir.path(), &disk);
    spool.append(b"first".to_vec()).await.unwrap();
    disk.set(Fault::Full);
    assert!(spool.append(b"lost".to_vec()).await.is_err());
    disk.set(Fault::None);
    let start = Instant::now();
    while spool.level() == Level::Full {
        assert!(start.elapsed() < 20 * PROBE_EVERY, "still full");
        tokio::task::yield_now().await;
    }
    spool.append(b"second".to_vec()).await.unwrap();
    assert_eq!(segment_files(dir.path()), [spool.depth().bytes]);
    assert_eq!(drained(&mut drain).unwrap(), ["first", "second"]);
}

#[tokio::test]
async fn after_a_failed_write_the_spool_goes_on() {
    for fault in [Fault::Write, Fault::WriteAndCut] {
        let dir = tempfile::tempdir().unwrap();
        let disk = Faulty::new();
        let (spool, mut drain) = open_faulty(dir.path(), &disk);
        spool.append(b"first".to_vec()).await.unwrap();
        disk.set(fault);
        assert!(matches!(spool.append(b"lost".to_vec()).await, Err(AppendError::Io(_))));
        disk.set(Fault::None);
        spool.append(b"second".to_vec()).await.unwrap();
        spool.close().await;
        let segments = if fault == Fault::Write { 1 } else { 2 };
        assert_eq!(segment_files(dir.path()).len(), segments, "{fault:?}");
        drop(spool);
        let begun = drain.try_next(1, usize::MAX).unwrap().unwrap();
        drop(drain);

        let (_spool, mut drain) = open_faulty(dir.path(), &disk);
        assert_eq!(drain.try_next(9, usize::MAX).unwrap(), Some(begun));
        assert_eq!(drained(&mut drain).unwrap(), ["first", "second"], "{fault:?}");
    }
}

#[tokio::test]
async fn a_failed_sync_fails_who_asked_for_it_and_leaves_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let disk = Faulty::new();
    let (spool, mut drain) = open_faulty(dir.path(), &disk);
    disk.set(Fault::Sync);
    spool.append(b"first".to_vec()).await.unwrap();
    assert!(matches!(spool.append_synced(b"perhaps".to_vec()).await, Err(AppendError::Io(_))));
    disk.set(Fault::None);
    spool.append_synced(b"second".to_vec()).await.unwrap();
    assert_eq!(segment_files(dir.path()).len(), 2);
    assert_eq!(drained(&mut drain).unwrap(), ["first", "perhaps", "second"]);
    assert_eq!(segment_files(dir.path()).len(), 1, "the first is sealed and deleted");
}

/// A disk that is slow as long as it is told to be, and remembers whose thread wrote.
#[derive(Clone, Debug, Default)]
struct Watched(Arc<Mutex<(Duration, Vec<String>)>>);

impl Watched {
    fn slow(&self, by: Duration) {
        self.0.lock().unwrap().0 = by;
    }

    fn by_the_thread(&self) -> Vec<bool> {
        self.0.lock().unwrap().1.iter().map(|name| name == "spool").collect()
    }
}

impl Disk for Watched {
    fn write(&mut self, file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut state = self.0.lock().unwrap();
        state.1.push(thread::current().name().unwrap_or_default().to_owned());
        thread::sleep(state.0);
        Kernel.write(file, bytes, offset)
    }

    fn cut(&mut self, file: &File, length: u64) -> io::Result<()> {
        Kernel.cut(file, length)
    }

    fn sync(&mut self, file: &File) -> io::Result<()> {
        Kernel.sync(file)
    }
}

#[tokio::test]
async fn who_appends_writes_unless_it_is_synced_or_the_disk_is_slow() {
    let dir = tempfile::tempdir().unwrap();
    let disk = Watched::default();
    let (spool, mut drain) = open_on(&Options::new(dir.path(), 1 << 20), Box::new(disk.clone())).unwrap();
    spool.append(b"mine".to_vec()).await.unwrap();
    spool.append_synced(b"synced".to_vec()).await.unwrap();
    assert_eq!(disk.by_the_thread(), [false, true]);
    disk.slow(Duration::from_millis(5));
    spool.append(b"slow".to_vec()).await.unwrap();
    disk.slow(Duration::ZERO);
    spool.append(b"the thread's".to_vec()).await.unwrap();
    assert!(*disk.by_the_thread().last().unwrap());
    assert_eq!(drained(&mut drain).unwrap(), ["mine", "synced", "slow", "the thread's"]);
}

#[test]
fn what_many_append_at_once_comes_out_once_and_each_ones_in_order() {
    const EACH: usize = 300;
    let dir = tempfile::tempdir().unwrap();
    // Many segments: they are begun while others write.
    let options = Options { segment_bytes: 2000, ..Options::new(dir.path(), 1 << 20) };
    let (spool, mut drain) = open_on(&options, Box::new(Kernel)).unwrap();
    thread::scope(|scope| {
        for who in 0..4 {
            let spool = spool.clone();
            scope.spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
                let appended: Vec<_> = (0..EACH)
                    .map(|n| {
                        let record = format!("{who} {n:03}").into_bytes();
                        if n % 7 == 0 { spool.append_synced(record) } else { spool.append(record) }
                    })
                    .collect();
                for appended in appended {
                    runtime.block_on(appended).unwrap();
                }
            });
        }
    });
    let records = drained(&mut drain).unwrap();
    assert_eq!(records.len(), 4 * EACH);
    for who in ["0", "1", "2", "3"] {
        let own: Vec<_> = records.iter().filter(|record| record.starts_with(who)).collect();
        assert!(own.len() == EACH && own.is_sorted(), "{own:?}");
    }
}
