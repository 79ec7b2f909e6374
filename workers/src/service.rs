//! The plane as a process of its own, and as a part of one.

use std::process::ExitCode;

use clock::Clock;
use host::{Base, Running, Service, Task};
use settings::Settings;
use telemetry::Telemetry;

use crate::{Parts, Schedule};

const SERVICE: Service = Service {
    name: "turnpike-workers",
    about: "What runs by the clock: retention, partitions, invoices, alerts, the payment provider.",
    usage: "\
Any number of them may run on the gateways' database (TURNPIKE_DATABASE_URL), with their master key (TURNPIKE_MASTER_KEY), which
opens what webhooks are signed with: a job runs in one of them at a time, and another takes over where one ends. They listen
(TURNPIKE_ADDR) for probes alone.",
};

/// The process `turnpike-workers`.
#[must_use]
pub fn main() -> ExitCode {
    host::main(&SERVICE, start)
}

/// Starts the workers of a process.
///
/// # Errors
/// Says what could not be had, and what to do about it.
pub async fn start(settings: Settings, clock: Clock, telemetry: Telemetry) -> anyhow::Result<Running> {
    host::require_master_key(&settings)?;
    let running = Base::open(settings, clock, telemetry).await?.serve(|_| {}, host::not_watched)?;
    let jobs = begin(&running).await?;
    Ok(running.beside(jobs))
}

/// Begins to run jobs by their schedule.
///
/// # Errors
/// Names the setting that is not right.
pub async fn begin(base: &Base) -> anyhow::Result<Task> {
    let schedule = Schedule::new(&base.settings.jobs)?;
    let smtp = &base.settings.smtp;
    alerts::Mailer::new(smtp.url.as_ref(), smtp.from.as_deref())?;
    payments::Stripe::new(&base.settings.payments)?;
    let parts = Parts::over(base);
    // Where logs are partitioned; what is missing all the same is made with the first log that needs it.
    if let Err(error) = crate::make_partitions(&parts).await {
        tracing::warn!(%error, "the partitions of the next days could not be made; they are tried again");
    }
    Ok(Task::start(|stop| crate::run(schedule, parts, stop)))
}

impl Parts {
    /// What jobs work with in a process, under a name of its own in their leases.
    #[must_use]
    pub fn over(base: &Base) -> Self {
        Self {
            holder: base.ids.fresh(),
            clock: base.clock.clone(),
            db: base.db.clone(),
            settings: base.settings.jobs.clone(),
            plan_overrides: base.settings.plans.clone(),
            metrics: base.telemetry.metrics.clone(),
            ids: base.ids.clone(),
            vault: base.vault.clone(),
            reach: base.settings.gateway.allow_private_hosts,
            smtp: base.settings.smtp.clone(),
            payments: base.settings.payments.clone(),
            text_index: base.settings.log.text_index,
            redis_url: base.settings.redis_url.clone(),
        }
    }
}
