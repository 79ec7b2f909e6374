//! Opens a folder: locks it, takes up what earlier starts left there, begins a segment and starts the thread.

use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64},
        mpsc,
    },
    thread,
};

use tokio::sync::watch;

use crate::{
    disk::{Disk, Kernel},
    drain::Drain,
    error::Error,
    mark::{MarkFile, Place},
    segment::{Segment, parse_name},
    shelf::Shelf,
    spool::{Inner, Spool},
    tail::Tail,
    writer::Writer,
};

/// What [`Options::segment_bytes`] is unless set: 64 MiB.
pub const DEFAULT_SEGMENT_BYTES: u64 = 64 << 20;

/// Where the spool lies, and how much it may hold.
#[derive(Debug, Clone)]
pub struct Options {
    /// The folder; it is made when missing. For one process at a time.
    pub dir: PathBuf,
    /// Bound of all segments together, in bytes.
    pub max_bytes: u64,
    /// A segment that has reached this size, or an eighth of the bound, is followed by another. In bytes.
    pub segment_bytes: u64,
    /// Whether an append survives a loss of power, not only a killed process.
    pub fsync: bool,
}

impl Options {
    /// Segments of the default size, no fsync.
    #[must_use]
    pub fn new(dir: impl Into<PathBuf>, max_bytes: u64) -> Self {
        Self { dir: dir.into(), max_bytes, segment_bytes: DEFAULT_SEGMENT_BYTES, fsync: false }
    }
}

/// Opens the folder. Blocks while it reads through what earlier starts left there. The lock goes with the
/// last handle and the thread; to open the folder again in the same process, await [`Spool::close`] and drop
/// the handles first.
///
/// # Errors
/// [`Error::Locked`] if another process has the folder; [`Error::Io`] if it cannot be made, read or written.
#[expect(clippy::needless_pass_by_value, reason = "the options have no further use")]
pub fn open(options: Options) -> Result<(Spool, Drain), Error> {
    open_on(&options, Box::new(Kernel))
}

pub(crate) fn open_on(options: &Options, disk: Box<dyn Disk>) -> Result<(Spool, Drain), Error> {
    let dir = &options.dir;
    fs::create_dir_all(dir).map_err(Error::io("make the folder", dir))?;
    let lock = lock_folder(dir)?;
    let mark_path = dir.join("mark");
    let (mark, place) = MarkFile::open(&mark_path).map_err(Error::io("open", &mark_path))?;
    let recovered = recover(dir, place)?;
    let last =
        recovered.iter().map(|segment| segment.sequence).chain(place.map(|place| place.sequence)).max();
    let resumed = place
        .filter(|place| place.end > place.start && recovered.first().is_some_and(|s| s.id == place.segment));

    let shelf = Arc::new(Shelf::new(options, lock, recovered));
    let (commands, received) = mpsc::channel();
    let queued = Arc::new(AtomicU64::new(0));
    let tail = Tail::new(Arc::clone(&shelf), disk, last.map_or(1, |last| last.saturating_add(1)))
        .map_err(Error::io("begin a segment in", dir))?;
    let tail = Arc::new(Mutex::new(tail));
    let writer = Writer::new(Arc::clone(&shelf), Arc::clone(&tail), received, Arc::clone(&queued));
    let (ending, ended) = watch::channel(());
    thread::Builder::new()
        .name("spool".to_owned())
        .spawn(move || {
            writer.run();
            drop(ending);
        })
        .map_err(Error::io("start the thread for", dir))?;
    let inner = Arc::new(Inner {
        shelf: Arc::clone(&shelf),
        tail,
        commands,
        queued,
        closed: AtomicBool::new(false),
        ended,
    });
    let drain = Drain::new(shelf, mark, resumed, Arc::downgrade(&inner));
    Ok((Spool(inner), drain))
}

fn lock_folder(dir: &Path) -> Result<File, Error> {
    let path = dir.join("lock");
    let file = File::options()
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .map_err(Error::io("open", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::Locked { dir: dir.to_owned() }),
        Err(TryLockError::Error(error)) => Err(Error::io("lock", &path)(error)),
    }
}

/// The segments that earlier starts left, oldest first. Those with nothing to deliver are deleted.
fn recover(dir: &Path, place: Option<Place>) -> Result<Vec<Segment>, Error> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).map_err(Error::io("list", dir))? {
        let path = entry.map_err(Error::io("list", dir))?.path();
        if let Some((sequence, id)) = parse_name(&path) {
            found.push((sequence, id, path));
        }
    }
    found.sort();
    let mut segments = Vec::new();
    for (sequence, id, path) in found {
        let is_behind = place.is_some_and(|place| sequence < place.sequence);
        let forgotten = place.filter(|place| place.segment == id).map_or(0, |place| place.start);
        if !is_behind {
            let segment =
                Segment::recover(path.clone(), sequence, id, forgotten).map_err(Error::io("read", &path))?;
            if !segment.is_drained() {
                segments.push(segment);
                continue;
            }
        }
        fs::remove_file(&path).map_err(Error::io("delete", &path))?;
    }
    Ok(segments)
}

/// Makes a new file's name survive a loss of power.
pub(crate) fn sync_folder(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}
