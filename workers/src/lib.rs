//! The time plane: what runs by the clock.
//!
//! To add a job: `jobs/<job>.rs` with `run(&Parts, &Lease) -> Result<Report, Error>`, safe to repeat, and a variant of
//! [`Job`]. It writes in transactions that [`Lease::begin`] opens. To add a table: a row in [`retention_registry`].
//!
//! Any number of workers may run on one database: a job has one leader at a time ([`Lease`]), and each time that it is due
//! has one run.

mod job;
mod jobs;
mod lease;
mod registry;
mod report;
mod run;
mod schedule;
mod service;
#[cfg(test)]
mod testing;

use clock::{Clock, Ids};
use egress::Reach;
use sea_orm::prelude::Uuid;
use sea_orm::{DatabaseConnection, DbErr};
use secrecy::SecretString;
use settings::{JobsSettings, PaymentsSettings, SmtpSettings};
use telemetry::Metrics;
use tenancy::PlanOverrides;
use vault::Vault;

pub use job::Job;
pub use jobs::partitions::run as make_partitions;
pub use lease::Lease;
pub use registry::{Retention, retention_registry};
pub use report::Report;
pub use run::run_now;
pub use schedule::{BadSchedule, Schedule, run};
pub use service::{begin, main, start};

/// What jobs work with.
#[derive(Clone)]
pub struct Parts {
    pub clock: Clock,
    pub db: DatabaseConnection,
    pub settings: JobsSettings,
    /// This process, as leases name it; a new one at each start.
    pub holder: Uuid,
    /// What the settings put in place of the catalogue's numbers.
    pub plan_overrides: PlanOverrides,
    pub metrics: Metrics,
    pub ids: Ids,
    /// Opens what webhooks are signed with.
    pub vault: Vault,
    /// Where webhooks may go.
    pub reach: Reach,
    /// How mail is sent.
    pub smtp: SmtpSettings,
    /// The payment provider, and what becomes of who does not pay.
    pub payments: PaymentsSettings,
    /// Whether logs are to be found by the words of their prompts and answers.
    pub text_index: bool,
    /// Where other processes are told of changes.
    pub redis_url: Option<SecretString>,
}

/// Why a job did not end well. What it had done stays done; its next run does the rest.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the database failed")]
    Database(#[from] DbErr),
    #[error("an invoice could not be made")]
    Billing(#[from] billing::Error),
    /// It was silent for longer than its lease.
    #[error("another worker has taken the {job} job over")]
    Replaced { job: &'static str },
    #[error("another worker runs the {job} job at the moment")]
    Held { job: &'static str },
    #[error("no mail can be sent by these settings")]
    Smtp(#[from] alerts::BadSmtp),
    #[error("the words of logs were not read to their end")]
    Words(#[from] tokio::task::JoinError),
    #[error("the payment provider cannot be asked")]
    Payments(#[from] payments::BadSettings),
}
