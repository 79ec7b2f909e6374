//! Handing a record to the spool.

use std::future::Future;

use logstore::MeterKey;
use plans::Month;
use rmp_serde::encode;
use spool::{AppendError, Appended, Level, MAX_RECORD_BYTES, Spool};
use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

use crate::handed::Handed;
use crate::{Measured, Message, Payload, Record, Unrecorded};

/// What a record takes beyond its two bodies, mostly; more makes its buffer grow. Bytes.
const BESIDE_BODIES: usize = 2 << 10;

/// How the spool takes a record: synced or not.
type Append = fn(&Spool, Vec<u8>) -> Appended;

/// Why a record is not in the spool.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the record cannot be encoded")]
    Encode(#[from] encode::Error),
    #[error("the spool did not take the record")]
    Spool(#[from] AppendError),
    #[error("the content could not be measured")]
    Measure(#[from] tokio::task::JoinError),
}

/// The writer's end: cheap to clone, one for all of a process.
#[derive(Clone)]
pub struct Recorder {
    pub(crate) spool: Spool,
    pub(crate) unrecorded: Unrecorded,
    /// What may still bring a record, or is waited for to know whether it was taken.
    pub(crate) open: TaskTracker,
    /// The process's, not a worker's, which may end with records in its hands.
    pub(crate) runtime: Handle,
}

/// A call that has not handed its record over yet. [`Recorder::idle`] waits until it is dropped.
pub struct OpenCall {
    _token: TaskTrackerToken,
}

impl Recorder {
    /// `unrecorded` is shared with the shipper, which brings the counts to the store.
    ///
    /// To be called in a runtime that outlives the calls: it measures what is measured apart.
    #[must_use]
    pub fn new(spool: Spool, unrecorded: Unrecorded) -> Self {
        Self { spool, unrecorded, open: TaskTracker::new(), runtime: Handle::current() }
    }

    /// Whether the spool has no room: calls go unrecorded until the shipper has caught up.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.spool.level() == Level::Full
    }

    /// To be held by a call from its beginning until its record is handed over.
    #[must_use]
    pub fn open_call(&self) -> OpenCall {
        OpenCall { _token: self.open.token() }
    }

    /// Resolves when no call is open and every record is in the spool or counted as unrecorded: the spool may be closed
    /// then. Calls may begin again afterwards; nobody waits for those.
    pub async fn idle(&self) {
        self.open.close();
        self.open.wait().await;
    }

    /// Hands the record over at once; the future resolves when it is appended, and dropping it takes nothing back.
    /// A record that does not get into the spool is counted as unrecorded, awaited or not.
    ///
    /// # Errors
    /// [`Error::Spool`] with [`AppendError::Full`] when there was no room; the others are faults.
    pub fn record(&self, record: Record) -> impl Future<Output = Result<(), Error>> + Send + use<> {
        self.hand_over(record, Spool::append)
    }

    /// The same, resolved only when the record also survives power loss.
    ///
    /// # Errors
    /// As for [`Recorder::record`].
    pub fn record_synced(&self, record: Record) -> impl Future<Output = Result<(), Error>> + Send + use<> {
        self.hand_over(record, Spool::append_synced)
    }

    fn hand_over(
        &self,
        record: Record,
        append: Append,
    ) -> impl Future<Output = Result<(), Error>> + Send + use<> {
        let meter = (record.organisation_id, Month::of(clock::millis(record.id).unwrap_or_default()));
        // Under Do Not Track the content is measured before it is dropped, and it must not reach the spool. Counting
        // tokens may take milliseconds: that has a thread of its own, which runs on when nobody waits for it.
        let handed = if record.payload == Payload::Withheld && record.measured.is_none() {
            let recorder = self.clone();
            let measure = move || {
                let measured = Measured::of(&record);
                recorder.append(meter, append, encoded(&without_content(record, measured)))
            };
            Err(self.open.spawn_blocking_on(measure, &self.runtime))
        } else {
            let bytes = encoded_within_bounds(lightened(record, self.spool.level()));
            Ok(self.append(meter, append, bytes))
        };
        async move {
            let handed = match handed {
                Ok(handed) => handed,
                Err(measuring) => measuring.await?,
            };
            handed?.outcome().await
        }
    }

    fn append(
        &self,
        meter: MeterKey,
        append: Append,
        bytes: Result<Vec<u8>, encode::Error>,
    ) -> Result<Handed, Error> {
        match bytes {
            Ok(bytes) => Ok(Handed::new(self.clone(), meter, append(&self.spool, bytes))),
            Err(error) => {
                self.unrecorded.add(meter);
                Err(error.into())
            }
        }
    }
}

fn encoded(record: &Record) -> Result<Vec<u8>, encode::Error> {
    let bodies = record.request.body.len() + record.response.body.len();
    let mut bytes = Vec::with_capacity(BESIDE_BODIES + bodies);
    encode::write_named(&mut bytes, record)?;
    Ok(bytes)
}

/// A record that is too long for the spool goes in without its content.
fn encoded_within_bounds(record: Record) -> Result<Vec<u8>, encode::Error> {
    let bytes = encoded(&record)?;
    if bytes.len() <= MAX_RECORD_BYTES {
        return Ok(bytes);
    }
    tracing::warn!(log_id = %record.id, length_bytes = bytes.len(), "a record too long for the spool goes without its content");
    encoded(&shed(record))
}

/// As it goes into a spool at this level: one that is nearly full takes statistics only.
fn lightened(record: Record, level: Level) -> Record {
    match (record.payload, level) {
        (Payload::Withheld, _) | (_, Level::Shed | Level::Full) => shed(record),
        (_, Level::Normal) => record,
    }
}

/// Without content; on the caller's thread no tokens are counted that the provider did not tell.
fn shed(mut record: Record) -> Record {
    if record.payload != Payload::Withheld {
        record.payload = Payload::Shed;
    }
    let measured = record.measured.take().unwrap_or_else(|| Measured::told(&record));
    without_content(record, measured)
}

fn without_content(mut record: Record, measured: Measured) -> Record {
    record.measured = Some(measured);
    record.request = Message::default();
    record.response = Message::default();
    record
}

#[cfg(test)]
mod tests;
