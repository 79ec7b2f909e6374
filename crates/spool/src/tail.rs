//! The end of the newest segment, where records are written: by the spool thread, or, where nothing is in the way, by who
//! appends.
//!
//! Whatever fails, the tail goes on: a failed write is cut off again, and a file that cannot be trusted any more is sealed at
//! its last good record and left for a new one.

use std::{
    fs::{self, File},
    io, mem,
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use crate::{disk::Disk, error::AppendError, frame, open::sync_folder, segment::Segment, shelf::Shelf};

/// A buffer that has grown beyond this is given back. Bytes.
const KEPT_BYTES: usize = 2 << 20;
const PROBE_BYTES: usize = 64 << 10;
/// A write to the page cache takes microseconds. One that takes this long waits for the disk, and nobody who serves may
/// wait with it: for the next [`SLOW_FOR`] the thread writes.
const SLOW_WRITE: Duration = Duration::from_millis(2);
const SLOW_FOR: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub struct Tail {
    shelf: Arc<Shelf>,
    disk: Box<dyn Disk>,
    segment: Arc<Segment>,
    file: File,
    /// Why the current file takes no more: it may hold garbage behind `committed`, or bytes that will never
    /// be synced.
    distrusted: Option<AppendError>,
    /// The length at which the next segment is due.
    full_at: u64,
    /// Whole frames that are not written yet.
    group: Vec<u8>,
    grouped: u64,
    slow_since: Option<Instant>,
    /// The thread has ended: nothing more is written.
    ended: bool,
}

impl Tail {
    /// Creates the start's first segment.
    pub fn new(shelf: Arc<Shelf>, disk: Box<dyn Disk>, sequence: u64) -> io::Result<Self> {
        let (segment, file) = begin_segment(&shelf, sequence)?;
        let full_at = shelf.segment_bytes;
        Ok(Self {
            shelf,
            disk,
            segment,
            file,
            distrusted: None,
            full_at,
            group: Vec::new(),
            grouped: 0,
            slow_since: None,
            ended: false,
        })
    }

    /// Puts a record into the group.
    pub fn add(&mut self, record: &[u8]) {
        frame::encode(self.segment.id, record, &mut self.group);
        self.grouped += 1;
    }

    pub fn group_bytes(&self) -> usize {
        self.group.len()
    }

    /// Writes one record now. None when that is for the thread: it may take time.
    pub fn write_one(&mut self, record: &[u8]) -> Option<Result<(), AppendError>> {
        let fast = !self.ended
            && self.distrusted.is_none()
            && !self.is_full()
            && !self.shelf.disk_full.load(Ordering::Relaxed)
            && self.slow_since.is_none_or(|since| since.elapsed() >= SLOW_FOR);
        if !fast {
            return None;
        }
        self.add(record);
        let begun = Instant::now();
        let written = self.write_group();
        self.slow_since = (begun.elapsed() >= SLOW_WRITE).then(Instant::now);
        Some(written)
    }

    /// Writes the group; empty afterwards, whatever came of it.
    pub fn write_group(&mut self) -> Result<(), AppendError> {
        let outcome = self.try_write_group();
        if outcome.is_err() {
            self.shelf.release(self.group.len() as u64);
        }
        self.group.clear();
        self.group.shrink_to(KEPT_BYTES);
        self.grouped = 0;
        outcome
    }

    fn try_write_group(&mut self) -> Result<(), AppendError> {
        if let Some(reason) = &self.distrusted {
            return Err(reason.clone());
        }
        let committed = self.written();
        if let Err(error) = self.disk.write(&self.file, &self.group, committed) {
            self.cut_off(committed);
            return Err(self.refusal(error));
        }
        self.shelf.disk_full.store(false, Ordering::Relaxed);
        self.shelf.commit(&self.segment, self.grouped, self.group.len() as u64);
        Ok(())
    }

    /// After a failed fsync nobody knows which bytes will reach the disk, and a second fsync may wrongly
    /// succeed: the file is left for a new one. Its records stay, for they can be read as long as the power
    /// is on.
    pub fn sync(&mut self) -> Result<(), AppendError> {
        self.disk.sync(&self.file).map_err(|error| {
            tracing::warn!(segment.id = %self.segment.id, %error, "cannot sync the spool");
            let refusal = AppendError::Io(Arc::new(error));
            self.distrusted = Some(refusal.clone());
            refusal
        })
    }

    fn refusal(&self, error: io::Error) -> AppendError {
        let full = matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
        if !full || !self.shelf.disk_full.swap(full, Ordering::Relaxed) {
            tracing::warn!(segment.id = %self.segment.id, %error, "cannot write to the spool");
        }
        if full { AppendError::Full } else { AppendError::Io(Arc::new(error)) }
    }

    /// Removes what a failed write left behind the last good record.
    fn cut_off(&mut self, committed: u64) {
        if let Err(error) = self.disk.cut(&self.file, committed) {
            tracing::warn!(segment.id = %self.segment.id, offset = committed, %error, "cannot cut off a failed write");
            self.distrusted = Some(AppendError::Io(Arc::new(error)));
        }
    }

    /// Finds out whether a full disk has room again, by writing where the next group will go.
    pub fn probe(&mut self) {
        let committed = self.written();
        if self.disk.write(&self.file, &vec![0; PROBE_BYTES], committed).is_ok() {
            self.shelf.disk_full.store(false, Ordering::Relaxed);
        }
        self.cut_off(committed);
    }

    fn written(&self) -> u64 {
        self.segment.committed.load(Ordering::Relaxed)
    }

    /// Whether the segment, with the group, has reached its size.
    pub fn is_full(&self) -> bool {
        self.written() + self.group.len() as u64 >= self.full_at
    }

    pub fn is_distrusted(&self) -> bool {
        self.distrusted.is_some()
    }

    /// Whether all that was written to the segment is forgotten, and something was.
    pub fn is_drained(&self) -> bool {
        self.segment.is_drained() && self.written() > 0
    }

    /// Goes on in a new segment. Where none can be made, the old one takes as much again before the next
    /// attempt.
    pub fn rotate(&mut self) {
        match begin_segment(&self.shelf, self.segment.sequence.saturating_add(1)) {
            Ok((segment, file)) => {
                self.file = file;
                let old = mem::replace(&mut self.segment, segment);
                old.sealed.store(true, Ordering::Release);
                self.distrusted = None;
                self.full_at = self.shelf.segment_bytes;
                self.shelf.retire();
                self.shelf.changed.notify_one();
            }
            Err(error) => {
                tracing::warn!(%error, "cannot begin a new segment");
                self.full_at = self.written() + self.shelf.segment_bytes;
            }
        }
    }

    /// Nothing is written any more.
    pub fn end(&mut self) {
        self.ended = true;
        self.segment.sealed.store(true, Ordering::Release);
        self.shelf.changed.notify_one();
    }
}

fn begin_segment(shelf: &Shelf, sequence: u64) -> io::Result<(Arc<Segment>, File)> {
    let (segment, file) = Segment::create(&shelf.dir, sequence)?;
    if shelf.fsync
        && let Err(error) = sync_folder(&shelf.dir)
    {
        // Best effort: an empty segment that stays is deleted at the next start.
        let _ = fs::remove_file(&segment.path);
        return Err(error);
    }
    let segment = Arc::new(segment);
    shelf.push(Arc::clone(&segment));
    Ok((segment, file))
}
