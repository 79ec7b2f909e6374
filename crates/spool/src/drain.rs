//! The other end: batches out of the oldest segment, each begun on disk before it is handed out, and
//! forgotten once stored.

use std::{
    fs::File,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak, atomic::Ordering},
};

use bytes::Bytes;
use tokio::task::spawn_blocking;
use uuid::Uuid;

use crate::{
    error::Error,
    frame::Reader,
    mark::{MarkFile, Place},
    segment::Segment,
    shelf::{Level, Shelf},
    spool::Inner,
    writer::Command,
};

/// Records that were begun together: the whole records of one range of one segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    pub segment: Uuid,
    /// Byte offset in the segment; equals the `end` of the batch before it in this segment, and 0 for the
    /// first one.
    pub start: u64,
    /// Byte offset in the segment.
    pub end: u64,
    /// In the order in which they were appended.
    pub records: Vec<Bytes>,
}

/// The spool's only consumer. At most one batch is begun at a time.
#[derive(Debug)]
pub struct Drain {
    shelf: Arc<Shelf>,
    /// Shared with the blocking task that reads for [`Drain::next`]: if that future is dropped, the batch
    /// that the task begins is the next one.
    state: Arc<Mutex<State>>,
    spool: Weak<Inner>,
}

#[derive(Debug)]
struct State {
    shelf: Arc<Shelf>,
    mark: MarkFile,
    /// Begun and not forgotten.
    begun: Option<Batch>,
    /// The range that was begun before the start, until it is read again.
    resumed: Option<Place>,
    /// The file of the segment read last.
    open: Option<(Uuid, File)>,
}

impl Drain {
    pub(crate) fn new(shelf: Arc<Shelf>, mark: MarkFile, resumed: Option<Place>, spool: Weak<Inner>) -> Self {
        let state = State { shelf: Arc::clone(&shelf), mark, begun: None, resumed, open: None };
        Self { shelf, state: Arc::new(Mutex::new(state)), spool }
    }

    /// The batch that was begun and is not forgotten, else one of up to `max_records` and `max_bytes` (but
    /// always one record) from the oldest segment. Waits while there is nothing, even when the spool is
    /// closed. May be cancelled.
    ///
    /// # Errors
    /// [`Error::Io`] if a segment or the mark cannot be read or written. Nothing is lost: call it again.
    pub async fn next(&mut self, max_records: usize, max_bytes: usize) -> Result<Batch, Error> {
        loop {
            let changed = self.shelf.changed.notified();
            let state = Arc::clone(&self.state);
            if let Some(batch) = spawn_blocking(move || lock(&state).next(max_records, max_bytes)).await?? {
                return Ok(batch);
            }
            changed.await;
        }
    }

    /// As [`Self::next`], but `None` when there is nothing now. Blocks on the disk.
    ///
    /// # Errors
    /// As [`Self::next`].
    pub fn try_next(&mut self, max_records: usize, max_bytes: usize) -> Result<Option<Batch>, Error> {
        lock(&self.state).next(max_records, max_bytes)
    }

    /// Forgets the begun batch, for it is in the store; a segment that is forgotten to its end is deleted.
    /// Blocks on the disk for a small write, and now and then for a deletion.
    ///
    /// # Errors
    /// [`Error::NotBegun`] for any batch but the begun one, [`Error::Io`] if the mark cannot be written: call
    /// it again.
    pub fn forget(&mut self, batch: &Batch) -> Result<(), Error> {
        let drained = lock(&self.state).forget(batch)?;
        if drained
            && self.shelf.level() != Level::Normal
            && let Some(spool) = self.spool.upgrade()
        {
            // An error says that the thread has ended: then this segment is sealed already.
            let _ = spool.commands.send(Command::Renew);
        }
        Ok(())
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl State {
    fn next(&mut self, max_records: usize, max_bytes: usize) -> Result<Option<Batch>, Error> {
        if self.begun.is_none() {
            self.begun = match self.resume()? {
                Some(batch) => Some(batch),
                None => self.begin(max_records, max_bytes)?,
            };
        }
        Ok(self.begun.clone())
    }

    /// Reads the range again that was begun before the start.
    fn resume(&mut self) -> Result<Option<Batch>, Error> {
        let (Some(place), Some(segment)) = (self.resumed, self.shelf.oldest()) else {
            return Ok(None);
        };
        let limit = place.end.min(segment.committed.load(Ordering::Acquire));
        let (batch, _) = self.read(&segment, limit, usize::MAX, usize::MAX)?;
        self.resumed = None;
        if batch.is_none() {
            self.shelf.forget(&segment, place.end, 0);
        }
        // The end stays as it was begun, whatever a loss of power has left of the records.
        Ok(batch.map(|batch| Batch { end: place.end, ..batch }))
    }

    fn begin(&mut self, max_records: usize, max_bytes: usize) -> Result<Option<Batch>, Error> {
        while let Some(segment) = self.shelf.oldest() {
            // In this order: once sealed is seen, committed stands still.
            let sealed = segment.sealed.load(Ordering::Acquire);
            let end = segment.committed.load(Ordering::Acquire);
            if !segment.is_drained() {
                let (batch, damaged) = self.read(&segment, end, max_records, max_bytes)?;
                if let Some(batch) = batch {
                    let place = place(&segment, batch.start, batch.end);
                    self.write_mark(place, self.shelf.fsync)?;
                    self.shelf.damaged.fetch_add(damaged, Ordering::Relaxed);
                    return Ok(Some(batch));
                }
                if sealed {
                    tracing::warn!(segment.id = %segment.id, "nothing whole in the rest of a segment; skipped");
                    self.shelf.damaged.fetch_add(1, Ordering::Relaxed);
                    self.shelf.forget(&segment, end, segment.records.load(Ordering::Relaxed));
                }
            }
            if !segment.is_spent() {
                return Ok(None);
            }
            self.shelf.retire();
        }
        Ok(None)
    }

    /// What stands between `forgotten` and `limit`, and how many damaged stretches were passed over.
    fn read(
        &mut self,
        segment: &Segment,
        limit: u64,
        max_records: usize,
        max_bytes: usize,
    ) -> Result<(Option<Batch>, u64), Error> {
        let start = segment.forgotten.load(Ordering::Acquire);
        let file = match self.open.take() {
            Some((id, file)) if id == segment.id => file,
            _ => File::open(&segment.path).map_err(Error::io("open", &segment.path))?,
        };
        let mut reader = Reader::new(&file, segment.id, limit);
        let (mut records, mut bytes, mut end, mut damaged) = (Vec::new(), 0_usize, start, 0);
        while records.is_empty() || (records.len() < max_records && bytes < max_bytes) {
            let Some(found) = reader.next(end).map_err(Error::io("read", &segment.path))? else {
                break;
            };
            bytes = bytes.saturating_add(found.record.len());
            if !records.is_empty() && bytes > max_bytes {
                break;
            }
            if found.start > end {
                tracing::warn!(segment.id = %segment.id, offset = end, next = found.start, "damaged; skipped");
                damaged += 1;
            }
            end = found.end;
            records.push(found.record);
        }
        self.open = Some((segment.id, file));
        let batch = (!records.is_empty()).then_some(Batch { segment: segment.id, start, end, records });
        Ok((batch, damaged))
    }

    /// Whether the segment has nothing more at present.
    fn forget(&mut self, batch: &Batch) -> Result<bool, Error> {
        let named = |b: &&Batch| (b.segment, b.start, b.end) == (batch.segment, batch.start, batch.end);
        let (Some(begun), Some(segment)) = (self.begun.as_ref().filter(named), self.shelf.oldest()) else {
            return Err(Error::NotBegun { segment: batch.segment, start: batch.start, end: batch.end });
        };
        let (end, records) = (begun.end, begun.records.len() as u64);
        // Need not be synced: after a loss of power the same batch comes again, and the store knows it.
        self.write_mark(place(&segment, end, end), false)?;
        self.begun = None;
        self.shelf.forget(&segment, end, records);
        self.shelf.retire();
        Ok(segment.is_drained())
    }

    fn write_mark(&mut self, place: Place, sync: bool) -> Result<(), Error> {
        self.mark.write(place, sync).map_err(Error::io("write the mark in", &self.shelf.dir))
    }
}

fn place(segment: &Segment, start: u64, end: u64) -> Place {
    Place { sequence: segment.sequence, segment: segment.id, start, end }
}
