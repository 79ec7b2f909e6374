//! The plane as a process of its own, and as a part of one.

use std::process::ExitCode;

use clock::Clock;
use host::{Base, Running, Service, Task};
use settings::Settings;
use telemetry::Telemetry;

use crate::{BadSchedule, Parts, Schedule};

const SERVICE: Service = Service {
    name: "turnpike-workers",
    about: "What runs by the clock: retention, partitions.",
    usage: "\
Any number of them may run on the gateways' database (TURNPIKE_DATABASE_URL): a job runs in one of them at a time, and another
takes over where one ends. They listen (TURNPIKE_ADDR) for probes alone.",
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
    let running = Base::open(settings, clock, telemetry).await?.serve(|_| {}, host::not_watched)?;
    let jobs = begin(&running).await?;
    Ok(running.beside(jobs))
}

/// Begins to run jobs by their schedule.
///
/// # Errors
/// [`BadSchedule`] names the job.
pub async fn begin(base: &Base) -> Result<Task, BadSchedule> {
    let schedule = Schedule::new(&base.settings.jobs)?;
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
        }
    }
}
