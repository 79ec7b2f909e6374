//! What a plan gives: logs a month, overage, retention. Pure functions, no I/O.
//!
//! [`terms`] is the one catalogue. A new plan is a variant of [`Plan`] and an arm there.

mod catalogue;
mod month;
mod plan;
mod retention;
mod terms;

pub use catalogue::{Overrides, terms};
pub use month::Month;
pub use plan::{Plan, UnknownPlan};
pub use retention::{retention_class, retention_cutoff};
pub use terms::{Overage, Terms};

#[cfg(test)]
mod tests;
