//! From a batch's records to the rows of their logs.

use bytes::Bytes;
use logstore::{Entry, Packer, append, content};
use pricing::Book;

use crate::{Late, Record, row};

/// How a record's rows are made.
pub(crate) type Make = fn(Record, &mut Packer, &Book) -> Entry;

/// The logs of a batch, in their order.
pub(crate) struct Prepared {
    pub entries: Vec<Entry>,
    /// What came after its log.
    pub late: Vec<append::Late>,
    /// Records that could not be decoded.
    pub unreadable: u64,
}

/// Makes the rows of all records; whatever one of them does, the others' are made. It is computation, and counting
/// tokens can be slow: not for a thread that serves. The packer is made when there is none, and left for the next batch.
pub(crate) fn prepare(
    records: &[Bytes],
    packer: &mut Option<Packer>,
    book: &Book,
    make: Make,
) -> Result<Prepared, content::Error> {
    let mut prepared =
        Prepared { entries: Vec::with_capacity(records.len()), late: Vec::new(), unreadable: 0 };
    for bytes in records {
        match rmp_serde::from_slice::<Record>(bytes) {
            Ok(record) => {
                let bare = || {
                    let again: Option<Record> = rmp_serde::from_slice(bytes).ok();
                    again.map(|record| row::bare_entry(record, book))
                };
                prepared.entries.extend(entry(record, packer, book, make)?.or_else(bare));
            }
            // What is rare is tried last.
            Err(_) if let Ok(late) = rmp_serde::from_slice::<Late>(bytes) => {
                prepared.late.push(row::late(late));
            }
            Err(error) => {
                tracing::error!(%error, length_bytes = bytes.len(), "a record in the spool cannot be read");
                prepared.unreadable += 1;
            }
        }
    }
    Ok(prepared)
}

/// The record's rows; none after a panic, which also takes the packer along, for it may be torn.
fn entry(
    record: Record,
    packer: &mut Option<Packer>,
    book: &Book,
    make: Make,
) -> Result<Option<Entry>, content::Error> {
    let log_id = record.id;
    let mut ready = match packer.take() {
        Some(ready) => ready,
        None => Packer::new()?,
    };
    let done = row::guarded(move || {
        let entry = make(record, &mut ready, book);
        (entry, ready)
    });
    let Some((entry, ready)) = done else {
        tracing::error!(%log_id, "a record could not be looked into; its log is kept without its content");
        return Ok(None);
    };
    *packer = Some(ready);
    Ok(Some(entry))
}

#[cfg(test)]
mod tests;
