//! The segments of a folder, oldest first, and the counts that all handles share.

use std::{
    collections::VecDeque,
    fs::{self, File},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::sync::Notify;

use crate::{age::Ages, open::Options, segment::Segment};

/// Full is said this much before the bound (or at 1/64 of it, if that is less): room that one call's record
/// may need.
const HEADROOM_BYTES: u64 = 64 << 10;

/// How full the spool is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Below 80 % of the bound.
    Normal,
    /// At 80 % or more: append less.
    Shed,
    /// At the bound, or the disk is full: an append is likely refused.
    Full,
}

/// What waits to be taken out and forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Depth {
    pub records: u64,
    /// With their framing, in bytes.
    pub bytes: u64,
}

/// Shared by the spool's handles, its thread and its drain.
#[derive(Debug)]
pub struct Shelf {
    pub dir: PathBuf,
    pub fsync: bool,
    pub segment_bytes: u64,
    max_bytes: u64,
    /// Holds the folder's lock until the last of us is gone.
    _lock: File,
    segments: Mutex<VecDeque<Arc<Segment>>>,
    /// Bytes in all segment files, and of records on their way there.
    held: AtomicU64,
    waiting_records: AtomicU64,
    waiting_bytes: AtomicU64,
    /// Records that were left by earlier starts or came since: each has its place in their order.
    came: AtomicU64,
    ages: Ages,
    pub disk_full: AtomicBool,
    /// Damaged stretches that the drain has passed over.
    pub damaged: AtomicU64,
    /// Wakes the drain: something was appended or sealed.
    pub changed: Notify,
}

impl Shelf {
    pub fn new(options: &Options, lock: File, recovered: Vec<Segment>) -> Self {
        let sum = |of: fn(&Segment) -> u64| recovered.iter().map(of).sum::<u64>().into();
        let ages = recovered.first().map_or_else(Ages::default, |oldest| {
            Ages::left_by_earlier_starts(last_written(&oldest.path).unwrap_or_default())
        });
        Self {
            dir: options.dir.clone(),
            fsync: options.fsync,
            // Small against the bound, so that what a half-drained segment still holds never fills the spool.
            segment_bytes: options.segment_bytes.min(options.max_bytes / 8).max(1),
            max_bytes: options.max_bytes,
            _lock: lock,
            held: sum(|s| s.committed.load(Ordering::Relaxed) + s.torn_bytes),
            waiting_records: sum(|s| s.records.load(Ordering::Relaxed)),
            waiting_bytes: sum(|s| s.committed.load(Ordering::Relaxed) - s.forgotten.load(Ordering::Relaxed)),
            came: sum(|s| s.records.load(Ordering::Relaxed)),
            ages,
            segments: Mutex::new(recovered.into_iter().map(Arc::new).collect()),
            disk_full: AtomicBool::new(false),
            damaged: AtomicU64::new(0),
            changed: Notify::new(),
        }
    }

    pub fn level(&self) -> Level {
        let held = self.held.load(Ordering::Relaxed);
        let headroom = HEADROOM_BYTES.min(self.max_bytes / 64);
        if held >= self.max_bytes - headroom || self.disk_full.load(Ordering::Relaxed) {
            Level::Full
        } else if held >= self.max_bytes / 5 * 4 {
            Level::Shed
        } else {
            Level::Normal
        }
    }

    pub fn depth(&self) -> Depth {
        Depth {
            records: self.waiting_records.load(Ordering::Relaxed),
            bytes: self.waiting_bytes.load(Ordering::Relaxed),
        }
    }

    /// For how long the oldest record has waited; none when nothing waits.
    pub fn oldest_waits(&self) -> Option<Duration> {
        let waiting = self.waiting_records.load(Ordering::Relaxed);
        (waiting > 0).then(|| self.ages.of(self.came.load(Ordering::Relaxed).saturating_sub(waiting)))
    }

    /// Takes room for `bytes` under the bound; false where there is none.
    pub fn reserve(&self, bytes: u64) -> bool {
        self.held
            .try_update(Ordering::Relaxed, Ordering::Relaxed, |held| {
                held.checked_add(bytes).filter(|held| *held <= self.max_bytes)
            })
            .is_ok()
    }

    /// Gives room back that [`Self::reserve`] took for records that were not written.
    pub fn release(&self, bytes: u64) {
        self.held.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Counts records just written to the segment, shows them to the drain and wakes it.
    pub fn commit(&self, segment: &Segment, records: u64, bytes: u64) {
        let first = self.came.fetch_add(records, Ordering::Relaxed);
        let waiting = self.waiting_records.fetch_add(records, Ordering::Relaxed);
        self.ages.came(first, first.saturating_sub(waiting));
        self.waiting_bytes.fetch_add(bytes, Ordering::Relaxed);
        segment.records.fetch_add(records, Ordering::Relaxed);
        segment.committed.fetch_add(bytes, Ordering::Release);
        self.changed.notify_one();
    }

    /// Moves `forgotten` to `end`, past `records` records.
    pub fn forget(&self, segment: &Segment, end: u64, records: u64) {
        // After a loss of power a begun range may reach past what is left of its segment.
        let reached = end.min(segment.committed.load(Ordering::Acquire));
        let before = segment.forgotten.swap(end, Ordering::Release);
        segment.records.fetch_sub(records, Ordering::Relaxed);
        self.waiting_records.fetch_sub(records, Ordering::Relaxed);
        self.waiting_bytes.fetch_sub(reached.saturating_sub(before), Ordering::Relaxed);
    }

    pub fn oldest(&self) -> Option<Arc<Segment>> {
        self.segments().front().cloned()
    }

    pub fn push(&self, segment: Arc<Segment>) {
        self.segments().push_back(segment);
    }

    /// Deletes the oldest segments as far as they are spent, and gives their room back.
    pub fn retire(&self) {
        loop {
            let mut segments = self.segments();
            let Some(segment) = segments.pop_front_if(|oldest| oldest.is_spent()) else {
                return;
            };
            drop(segments);
            // Not an error for the caller: the mark has passed this segment, so the next start deletes it.
            if let Err(error) = fs::remove_file(&segment.path) {
                tracing::warn!(segment.id = %segment.id, %error, "cannot delete a segment");
            }
            // Records that were damaged since they were written are never delivered.
            self.waiting_records.fetch_sub(segment.records.load(Ordering::Relaxed), Ordering::Relaxed);
            self.release(segment.committed.load(Ordering::Relaxed) + segment.torn_bytes);
        }
    }

    fn segments(&self) -> MutexGuard<'_, VecDeque<Arc<Segment>>> {
        self.segments.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long ago a file was written to.
fn last_written(path: &Path) -> Option<Duration> {
    fs::metadata(path).ok()?.modified().ok()?.elapsed().ok()
}
