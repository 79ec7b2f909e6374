//! What an organisation owes: invoices, credits, changes of plan, caps.
//!
//! An invoice is computed from rows ([`live`]) until it is final: the plans that the organisation was on, the blocks of overage
//! that were opened, the credits that wait. [`draft`] keeps one of each month that has ended, [`finalise`] freezes
//! them. What is on an invoice and what it comes to is in [`invoice`], which reads nothing. To add a kind of line: a variant
//! of [`invoice::Kind`] and its place in [`invoice::lines`].

mod close;
mod credit;
mod finalise;
mod history;
pub mod invoice;
mod limits;
mod live;
mod plan;
mod proof;

use sea_orm::DbErr;

pub use close::{draft, unbilled};
pub use credit::{NewCredit, give};
pub use finalise::{Finalised, GRACE_MS, finalise, ripe};
pub use history::open_months;
pub use limits::{Cap, Limits, set_limits};
pub use live::{live, recompute};
pub use plan::request;
pub use proof::{Difference, Found, prove};

/// Why nothing was billed or changed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{field}: {problem}; expected {expected}")]
    Invalid { field: &'static str, problem: String, expected: &'static str },
    /// What only the operator does.
    #[error("{0}")]
    ByContract(&'static str),
    #[error("the database failed")]
    Database(#[from] DbErr),
    #[error(transparent)]
    Organisation(#[from] tenancy::organisation::Error),
    #[error("an invoice's document cannot be written or read")]
    Document(#[from] serde_json::Error),
}
