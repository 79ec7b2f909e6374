//! Handing a record to the spool.

use std::future::Future;

use plans::Month;
use spool::{AppendError, Appended, Level, Spool};

use crate::{Measured, Message, Payload, Record, Unrecorded};

/// Why a record is not in the spool.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the record cannot be encoded")]
    Encode(#[from] rmp_serde::encode::Error),
    #[error("the spool did not take the record")]
    Spool(#[from] AppendError),
    #[error("the content could not be measured")]
    Measure(#[from] tokio::task::JoinError),
}

/// The writer's end: cheap to clone, one for all of a process.
#[derive(Clone)]
pub struct Recorder {
    spool: Spool,
    unrecorded: Unrecorded,
}

impl Recorder {
    /// `unrecorded` is shared with the shipper, which brings the counts to the store.
    #[must_use]
    pub fn new(spool: Spool, unrecorded: Unrecorded) -> Self {
        Self { spool, unrecorded }
    }

    /// Whether the spool has no room: calls go unrecorded until the shipper has caught up.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.spool.level() == Level::Full
    }

    /// Hands the record over at once; the future resolves when it is appended, and dropping it takes nothing back.
    /// A record that finds no room is counted as unrecorded.
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
        append: fn(&Spool, Vec<u8>) -> Appended,
    ) -> impl Future<Output = Result<(), Error>> + Send + use<> {
        let recorder = self.clone();
        let meter = (record.organisation_id, Month::of(clock::millis(record.id).unwrap_or_default()));
        // Under Do Not Track the content is measured before it is dropped, and it must not reach the spool. Counting
        // tokens may take milliseconds: that has a thread of its own, which runs on when nobody waits for it.
        let handed = if record.payload == Payload::Withheld && record.measured.is_none() {
            let spool = self.spool.clone();
            Err(tokio::task::spawn_blocking(move || {
                let measured = Measured::of(&record);
                rmp_serde::to_vec_named(&without_content(record, measured)).map(|bytes| append(&spool, bytes))
            }))
        } else {
            let record = lightened(record, self.spool.level());
            Ok(rmp_serde::to_vec_named(&record).map(|bytes| append(&self.spool, bytes)))
        };
        async move {
            let appended = match handed {
                Ok(appended) => appended?,
                Err(measuring) => measuring.await??,
            };
            let result = appended.await;
            if matches!(result, Err(AppendError::Full)) {
                recorder.unrecorded.add(meter);
            }
            Ok(result?)
        }
    }
}

/// As it goes into a spool at this level: one that is nearly full takes statistics only.
fn lightened(mut record: Record, level: Level) -> Record {
    match (record.payload, level) {
        (Payload::Withheld, _) => {}
        (_, Level::Normal) => return record,
        (_, Level::Shed | Level::Full) => record.payload = Payload::Shed,
    }
    // On the caller's thread nothing is counted that the provider did not tell.
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
