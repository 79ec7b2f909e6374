//! The ledger of logs used this month: it grants a batch its share of an organisation's quota before the batch is
//! appended. The store's own row has the last word, and corrects the ledger where they differ.
//!
//! A counter says how many logs the store has (its row, as it was last told) and how many are on their way to it: what was
//! granted to batches that are not settled. So several processes may count at once: the row of one does not take the
//! grants of another out of the count, and a row that was overtaken on its way here does not set the count back.
//!
//! A new ledger implements [`Ledger`] and passes the `conformance` suite (a feature of that name).

use std::time::Duration;

use async_trait::async_trait;
use plans::Month;
use uuid::Uuid;

#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
mod embedded;
mod known;
mod redis;

pub use embedded::Embedded;
pub use redis::{BadUrl, Redis};

/// How many of a key's latest batches keep their grant. One asked for again after that many others counts anew.
pub const REMEMBERED: usize = 256;

/// How long a batch is believed to be on its way to the store since it was asked for last, and a store's row to be on its
/// way here. A batch that waits is asked for again far more often; one that is not belongs to a process that has ended.
pub const IN_FLIGHT: Duration = Duration::from_mins(1);

/// What is counted: an organisation's logs in a month.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    pub organisation: Uuid,
    pub month: Month,
}

/// A batch of records: where it starts in a segment of a spool. A retry has the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BatchId {
    pub segment: Uuid,
    pub start: u64,
}

/// The answer to a reservation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reserved {
    /// There is no counter, which is not a count of 0: [`seed`](Ledger::seed) it from the store's row and ask again.
    Unknown,
    /// `granted` of the batch's logs may be recorded; `used` are counted now, these among them.
    Granted { granted: u64, used: u64 },
}

/// What a counter says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counted {
    /// The store's count, as it was last told.
    pub row: u64,
    /// What was granted to batches that are not settled.
    pub on_its_way: u64,
}

impl Counted {
    /// Whether it is right about a store that had `before` logs just before it was read and `after` just after.
    #[must_use]
    pub fn agrees(self, before: u64, after: u64) -> bool {
        self.row <= after && before <= self.row.saturating_add(self.on_its_way)
    }
}

/// Why a ledger did not answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It could not be reached, or answered what it should not.
    #[error("the quota ledger did not answer")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Counts logs against a limit, once a batch however often it is asked.
#[async_trait]
pub trait Ledger: Send + Sync {
    /// Counts up to `n` logs of a batch, as far as `limit` leaves room (`None`: all), in one atomic step. Asked again for the
    /// same key and batch, it gives the same grant and counts nothing; `n` and `limit` are those of the first time.
    ///
    /// # Errors
    /// [`Error`] if the ledger does not answer; the batch may have been counted.
    async fn reserve(&self, key: Key, batch: BatchId, n: u64, limit: Option<u64>) -> Result<Reserved, Error>;

    /// Sets a counter that is missing; one that is there stays as it is.
    ///
    /// # Errors
    /// [`Error`] if the ledger does not answer.
    async fn seed(&self, key: Key, used: u64) -> Result<(), Error>;

    /// The batch is in the store, whose count was `used` then: its grant is no longer on its way, and the row is the store's. A
    /// row that is no higher than one of the last [`IN_FLIGHT`] was overtaken, and changes nothing. A missing counter is set.
    ///
    /// Tells whether the store's count is one that the grants do not explain.
    ///
    /// # Errors
    /// [`Error`] if the ledger does not answer.
    async fn settle(&self, key: Key, batch: BatchId, used: u64) -> Result<bool, Error>;

    /// Whether it answers.
    ///
    /// # Errors
    /// [`Error`] if it does not.
    async fn ping(&self) -> Result<(), Error>;

    /// What the counter says, which is left as it is; none where there is no counter.
    ///
    /// # Errors
    /// [`Error`] if the ledger does not answer.
    async fn read(&self, key: Key) -> Result<Option<Counted>, Error>;

    /// The last count this process has seen, without a round trip: for a header, not for a decision.
    fn known(&self, key: Key) -> Option<u64>;
}
