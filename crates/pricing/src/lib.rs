//! The prices that calls are costed by: those of this release, imported ones over them, the operator's own over both, and what is
//! adjusted for single organisations.
//!
//! Lists are only ever added, so that the version on a log says what it was costed by.

mod adjust;
mod book;
mod current;
mod detail;
mod store;

pub use adjust::{Adjusted, Adjustment, NewAdjustment, adjust, adjustments, withdraw};
pub use book::Book;
pub use current::Current;
pub use detail::{detail_of, usage_of};
pub use store::{Change, Imported, store};

/// Why prices could not be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the database failed")]
    Database(#[from] sea_orm::DbErr),
    /// Written by a newer release, or by hand.
    #[error("the {what} of {model:?} cannot be read: {error}")]
    Unreadable { what: &'static str, model: String, error: String },
    #[error("there is no organisation {0}")]
    NoOrganisation(sea_orm::prelude::Uuid),
    #[error("there is no adjustment {0} that holds")]
    NoAdjustment(sea_orm::prelude::Uuid),
    #[error("{field}: found {found}, expected 1 to 256 characters")]
    Name { field: &'static str, found: usize },
    #[error("price: {0}")]
    Price(#[from] providers::BadPrice),
}

#[cfg(test)]
mod tests;
