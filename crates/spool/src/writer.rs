//! The spool thread: takes all records that wait, writes them with one write, then completes those who wait
//! for them.
//!
//! Whatever fails, the thread goes on: a failed write is cut off again, and a file that cannot be trusted any
//! more is sealed at its last good record and left for a new one.

use std::{
    fs::{self, File},
    io, mem,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, RecvTimeoutError},
    },
    time::Duration,
};

use tokio::sync::oneshot;

use crate::{
    disk::Disk,
    error::AppendError,
    frame::{self, HEADER_BYTES},
    open::sync_folder,
    segment::Segment,
    shelf::{Level, Shelf},
};

/// A group ends at this size, so that the buffer stays small.
const GROUP_BYTES: usize = 1 << 20;
/// How often a full disk is tried again while nobody appends.
const PROBE_EVERY: Duration = Duration::from_millis(500);
const PROBE_BYTES: usize = 64 << 10;

/// What the thread is asked to do.
#[derive(Debug)]
pub enum Command {
    Append(Job),
    /// The current segment is drained and keeps the spool from [`Level::Normal`]: begin another.
    Renew,
    Close,
}

/// A record and who waits for it.
#[derive(Debug)]
pub struct Job {
    pub record: Vec<u8>,
    pub synced: bool,
    pub done: oneshot::Sender<Result<(), AppendError>>,
}

/// One who waits for a record of the group.
struct Waiter {
    synced: bool,
    done: oneshot::Sender<Result<(), AppendError>>,
}

/// The thread's state.
pub struct Writer {
    shelf: Arc<Shelf>,
    commands: Receiver<Command>,
    queued: Arc<AtomicU64>,
    disk: Box<dyn Disk>,
    segment: Arc<Segment>,
    file: File,
    /// Why the current file takes no more: it may hold garbage behind `committed`, or bytes that will never
    /// be synced.
    distrusted: Option<AppendError>,
    /// The length at which the next segment is due.
    full_at: u64,
    closing: bool,
    group: Vec<u8>,
    waiters: Vec<Waiter>,
}

impl Writer {
    /// Creates the start's first segment.
    pub fn new(
        shelf: Arc<Shelf>,
        commands: Receiver<Command>,
        queued: Arc<AtomicU64>,
        disk: Box<dyn Disk>,
        sequence: u64,
    ) -> io::Result<Self> {
        let (segment, file) = begin_segment(&shelf, sequence)?;
        let full_at = shelf.segment_bytes;
        Ok(Self {
            shelf,
            commands,
            queued,
            disk,
            segment,
            file,
            distrusted: None,
            full_at,
            closing: false,
            group: Vec::new(),
            waiters: Vec::new(),
        })
    }

    /// Until closed, or until the last handle is dropped.
    pub fn run(mut self) {
        while let Some(command) = self.wait() {
            if self.distrusted.is_some() {
                self.rotate();
            }
            self.take(command);
            while self.has_room()
                && let Ok(command) = self.commands.try_recv()
            {
                self.take(command);
            }
            self.commit();
            if self.distrusted.is_some() || self.written() >= self.full_at {
                self.rotate();
            }
        }
        self.segment.sealed.store(true, Ordering::Release);
        self.shelf.changed.notify_one();
    }

    fn wait(&mut self) -> Option<Command> {
        if self.closing {
            return self.commands.try_recv().ok();
        }
        while self.shelf.disk_full.load(Ordering::Relaxed) {
            match self.commands.recv_timeout(PROBE_EVERY) {
                Ok(command) => return Some(command),
                Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) => {}
            }
            self.probe();
        }
        self.commands.recv().ok()
    }

    fn take(&mut self, command: Command) {
        match command {
            Command::Append(Job { record, synced, done }) => {
                frame::encode(self.segment.id, &record, &mut self.group);
                self.waiters.push(Waiter { synced, done });
                let bytes = (record.len() + HEADER_BYTES) as u64;
                self.queued.fetch_sub(bytes, Ordering::Relaxed);
            }
            Command::Renew => {
                if self.segment.is_drained() && self.written() > 0 && self.shelf.level() != Level::Normal {
                    self.commit();
                    self.rotate();
                }
            }
            Command::Close => self.closing = true,
        }
    }

    fn has_room(&self) -> bool {
        self.group.len() < GROUP_BYTES && self.written() + (self.group.len() as u64) < self.full_at
    }

    fn written(&self) -> u64 {
        self.segment.committed.load(Ordering::Relaxed)
    }

    /// Writes the group and tells everyone who waits for a part of it.
    fn commit(&mut self) {
        if self.waiters.is_empty() {
            return;
        }
        let mut outcome = self.write_group();
        if outcome.is_err() {
            self.shelf.release(self.group.len() as u64);
        }
        self.group.clear();
        self.group.shrink_to(2 * GROUP_BYTES);
        let (synced, written): (Vec<_>, Vec<_>) = self.waiters.drain(..).partition(|waiter| waiter.synced);
        answer(written, &outcome);
        if !synced.is_empty() {
            outcome = outcome.and_then(|()| self.sync());
            answer(synced, &outcome);
        }
    }

    fn write_group(&mut self) -> Result<(), AppendError> {
        if let Some(reason) = &self.distrusted {
            return Err(reason.clone());
        }
        let committed = self.written();
        if let Err(error) = self.disk.write(&self.file, &self.group, committed) {
            self.cut_off(committed);
            return Err(self.refusal(error));
        }
        self.shelf.disk_full.store(false, Ordering::Relaxed);
        let (records, bytes) = (self.waiters.len() as u64, self.group.len() as u64);
        self.shelf.commit(&self.segment, records, bytes);
        Ok(())
    }

    /// After a failed fsync nobody knows which bytes will reach the disk, and a second fsync may wrongly
    /// succeed: the file is left for a new one. Its records stay, for they can be read as long as the power
    /// is on.
    fn sync(&mut self) -> Result<(), AppendError> {
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
    fn probe(&mut self) {
        let committed = self.written();
        if self.disk.write(&self.file, &vec![0; PROBE_BYTES], committed).is_ok() {
            self.shelf.disk_full.store(false, Ordering::Relaxed);
        }
        self.cut_off(committed);
    }

    /// Goes on in a new segment. Where none can be made, the old one takes as much again before the next
    /// attempt.
    fn rotate(&mut self) {
        match begin_segment(&self.shelf, self.segment.sequence + 1) {
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
}

fn answer(waiters: Vec<Waiter>, outcome: &Result<(), AppendError>) {
    for waiter in waiters {
        // An error says that the caller does not wait any more.
        let _ = waiter.done.send(outcome.clone());
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

#[cfg(test)]
mod tests;
