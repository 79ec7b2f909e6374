//! When jobs run: at the times of their cron expressions on the given clock, one after the other.

use std::str::FromStr as _;
use std::time::Duration;

use chrono::DateTime;
use futures_util::future::join_all;
use sea_orm::DbErr;
use settings::JobsSettings;
use tokio_util::sync::CancellationToken;

use crate::run::{self, Begun};
use crate::{Job, Parts, lease};

/// How often the clock is looked at: it may be moved while we wait.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// What is left to a database that does not answer.
const AFTER_FAILURE: Duration = Duration::from_secs(2);

/// A cron expression that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{cron:?} is no schedule for the {job} job")]
pub struct BadSchedule {
    job: &'static str,
    cron: String,
    source: cron::error::Error,
}

/// When each job runs.
#[derive(Clone, Debug)]
pub struct Schedule(Vec<(Job, cron::Schedule)>);

impl Schedule {
    /// # Errors
    /// [`BadSchedule`] names the job.
    pub fn new(settings: &JobsSettings) -> Result<Self, BadSchedule> {
        let entry = |job: Job| {
            let cron = job.cron(settings);
            let bad = |source| BadSchedule { job: job.as_str(), cron: cron.to_owned(), source };
            Ok((job, cron::Schedule::from_str(cron).map_err(bad)?))
        };
        Job::ALL.into_iter().map(entry).collect::<Result<_, _>>().map(Self)
    }
}

/// A job and how far it is, in unix milliseconds.
struct Entry {
    job: Job,
    cron: cron::Schedule,
    /// What was due up to then is done, here or elsewhere, or is made up for by what was. None: not looked up yet.
    settled_ms: Option<i64>,
}

/// Runs jobs until `stop`, which also ends a run half-way. Times that were missed, while nobody ran, while another job ran
/// or because the clock was moved, are made up for by one run. Any number of workers may do this on one database.
pub async fn run(schedule: Schedule, parts: Parts, stop: CancellationToken) {
    let started_ms = parts.clock.now_ms();
    let entry = |(job, cron)| Entry { job, cron, settled_ms: None };
    let (beside, others): (Vec<_>, Vec<_>) =
        schedule.0.into_iter().map(entry).partition(|entry| entry.job.runs_beside());
    let beside = beside.into_iter().map(|entry| take_turns(vec![entry], &parts, started_ms, &stop));
    tokio::join!(take_turns(others, &parts, started_ms, &stop), join_all(beside));
}

/// One job after the other, as they are due.
async fn take_turns(mut entries: Vec<Entry>, parts: &Parts, started_ms: i64, stop: &CancellationToken) {
    while !stop.is_cancelled() {
        let mut pause = LOOK_EVERY;
        for entry in &mut entries {
            if let Err(error) = entry.look(parts, started_ms, stop).await {
                tracing::warn!(job = entry.job.as_str(), %error, "a job waits for the database");
                pause = AFTER_FAILURE;
            }
        }
        let now_ms = parts.clock.now_ms();
        let next_ms = entries.iter().filter_map(|entry| entry.next_after(now_ms)).min();
        let left = next_ms.and_then(|next| u64::try_from(next - now_ms).ok()).map(Duration::from_millis);
        let _ = tokio::time::timeout(left.map_or(pause, |left| left.min(pause)), stop.cancelled()).await;
    }
}

impl Entry {
    /// Makes the run that is due, if there is one.
    async fn look(&mut self, parts: &Parts, started_ms: i64, stop: &CancellationToken) -> Result<(), DbErr> {
        let settled_ms = match self.settled_ms {
            Some(settled_ms) => settled_ms,
            None => self.look_up(parts, started_ms).await?,
        };
        self.settled_ms = Some(settled_ms);
        let Some(due_ms) = self.last_until(parts.clock.now_ms()).filter(|due| *due > settled_ms) else {
            return Ok(());
        };
        let done = match run::begin(parts, self.job, due_ms).await? {
            Begun::Ours(run) => run.carry_out(parts, stop).await,
            Begun::Held => false,
            Begun::Ended => true,
        };
        if done {
            self.settled_ms = Some(due_ms);
        }
        Ok(())
    }

    /// A job that never ran on this database has missed nothing from before this worker started.
    async fn look_up(&self, parts: &Parts, started_ms: i64) -> Result<i64, DbErr> {
        lease::register(parts, self.job).await?;
        Ok(run::settled(parts, self.job).await?.unwrap_or(started_ms))
    }

    /// The first time after `ms`; `None`: never again.
    fn next_after(&self, ms: i64) -> Option<i64> {
        Some(self.cron.after(&DateTime::from_timestamp_millis(ms)?).next()?.timestamp_millis())
    }

    /// The last time up to `ms` and with it.
    fn last_until(&self, ms: i64) -> Option<i64> {
        // Times are whole seconds, and the one before the next second is asked for.
        let next_s = DateTime::from_timestamp(ms.div_euclid(1000) + 1, 0)?;
        Some(self.cron.after(&next_s).next_back()?.timestamp_millis())
    }
}

#[cfg(test)]
mod tests;
