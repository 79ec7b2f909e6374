use async_trait::async_trait;
use uuid::Uuid;

/// What a counter is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Counts what the store has, and what is reserved. Missing, it is unknown. A reservation must fit as it is.
    Budget,
    /// Tokens of a window. Missing, it is 0. A reservation of more than the limit takes all of it.
    Tokens,
    /// Requests of a window. Missing, it is 0. There are no reservations: what is admitted counts.
    Requests,
}

/// What a call asks of one counter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// Unique within the organisation.
    pub counter: String,
    pub kind: Kind,
    pub limit: u64,
    pub n: u64,
    /// How long the counter is kept from now on.
    pub keep_ms: u64,
}

/// The call that asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    pub organisation: Uuid,
    /// Its log's.
    pub id: Uuid,
    /// When it came in, in unix milliseconds.
    pub at_ms: i64,
    /// Until when what it reserves is held, unless it is settled before.
    pub expires_ms: i64,
}

/// The answer to a reservation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// All is reserved.
    Reserved,
    /// Nothing is: these counters, by their place, have to be [seeded](Ledger::seed) before.
    Unknown(Vec<usize>),
    /// Nothing is: at this place there is no room; so much is used there, what is reserved among it.
    Refused { at: usize, used: u64 },
}

/// What became of calls at one counter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settling {
    pub counter: String,
    pub kind: Kind,
    /// Of a budget: what the store has now. It never falls within a period, so that an older one changes nothing.
    pub row: u64,
    /// The calls, and what each used: counted for [`Kind::Tokens`].
    pub calls: Vec<(Uuid, u64)>,
    pub keep_ms: u64,
}

/// Why a ledger did not answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It could not be reached, or answered what it should not.
    #[error("the ledger of limits did not answer")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Counts what calls use of their limits.
#[async_trait]
pub trait Ledger: Send + Sync {
    /// Reserves all that is asked for, or nothing, in one atomic step. A call that asks again has what it asked for last.
    ///
    /// # Errors
    /// [`Error`] if the ledger does not answer; it may have been reserved.
    async fn reserve(&self, call: Call, asks: &[Ask]) -> Result<Answer, Error>;

    /// Sets a budget's counter that is missing; one that is there stays as it is.
    ///
    /// # Errors
    /// [`Error`] if the ledger does not answer.
    async fn seed(&self, organisation: Uuid, counter: &str, row: u64, keep_ms: u64) -> Result<(), Error>;

    /// Ends the reservations of calls, at each counter in one step with what takes their place. Safe to repeat.
    ///
    /// # Errors
    /// [`Error`] if the ledger does not answer.
    async fn settle(&self, organisation: Uuid, settlings: &[Settling]) -> Result<(), Error>;

    /// Ends what a call has reserved at these counters, as if it had asked for nothing there. Safe to repeat.
    ///
    /// # Errors
    /// [`Error`] if the ledger does not answer.
    async fn release(&self, call: Call, counters: &[String]) -> Result<(), Error>;
}
