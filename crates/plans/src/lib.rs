//! What a plan gives and costs: logs a month, overage, retention. Pure functions, no I/O.
//!
//! [`terms`] is the one catalogue. A new plan is a variant of [`Plan`] and an arm there.

mod catalogue;
mod month;
mod plan;
mod projection;
mod retention;
mod terms;

pub use catalogue::{CATALOGUE_VERSION, Overrides, terms};
pub use month::{Month, UnknownMonth};
pub use plan::{Plan, UnknownPlan};
pub use projection::{Opened, Projection};
pub use retention::{NOTICE_MS, analytics_cutoff, retention_class, retention_cutoff};
pub use terms::{Block, Notice, Overage, Terms};

#[cfg(test)]
mod tests;
