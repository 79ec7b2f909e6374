//! The time plane: what runs by the clock.
//!
//! To add a job: `jobs/<job>.rs` with `run(&Parts, ..) -> Result<Report, Error>`, safe to repeat, and a variant of
//! [`Job`]. To add a table: a row in [`retention_registry`].
//!
//! Jobs run in one process. Where several run them, [`Job::run`] is the place to take a lease first.

mod job;
pub mod jobs;
mod registry;
mod report;
mod schedule;
#[cfg(test)]
mod testing;

use clock::Clock;
use sea_orm::{DatabaseConnection, DbErr};
use settings::JobsSettings;
use tenancy::PlanOverrides;

pub use job::Job;
pub use registry::{Retention, retention_registry};
pub use report::Report;
pub use schedule::{BadSchedule, Schedule, run};

/// What jobs work with.
#[derive(Clone)]
pub struct Parts {
    pub clock: Clock,
    pub db: DatabaseConnection,
    pub settings: JobsSettings,
    /// What the settings put in place of the catalogue's numbers.
    pub plan_overrides: PlanOverrides,
}

/// Why a job did not end well. What it had done stays done; its next run does the rest.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the database failed")]
    Database(#[from] DbErr),
}
