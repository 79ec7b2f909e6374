//! When jobs run: at the times of their cron expressions on the given clock, one after the other.

use std::str::FromStr as _;
use std::time::{Duration, Instant};

use chrono::DateTime;
use settings::JobsSettings;
use tokio_util::sync::CancellationToken;

use crate::{Job, Parts};

/// How often the clock is looked at: it may be moved while we wait.
const LOOK_EVERY: Duration = Duration::from_millis(250);

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

/// A job and when it runs next, in unix milliseconds; `None`: never again.
struct Entry {
    job: Job,
    cron: cron::Schedule,
    next_ms: Option<i64>,
}

impl Entry {
    fn plan(&mut self, after_ms: i64) {
        let after = DateTime::from_timestamp_millis(after_ms);
        self.next_ms =
            after.and_then(|after| self.cron.after(&after).next()).map(|next| next.timestamp_millis());
    }
}

/// Runs jobs until `stop`, which also ends a run half-way. Times that were missed, while another job ran or because the
/// clock was moved, are made up for by one run.
pub async fn run(schedule: Schedule, parts: Parts, stop: CancellationToken) {
    let _ = stop.run_until_cancelled(run_for_ever(schedule, &parts)).await;
}

async fn run_for_ever(Schedule(schedule): Schedule, parts: &Parts) {
    let now_ms = parts.clock.now_ms();
    let planned = |(job, cron)| {
        let mut entry = Entry { job, cron, next_ms: None };
        entry.plan(now_ms);
        entry
    };
    let mut entries: Vec<Entry> = schedule.into_iter().map(planned).collect();
    loop {
        for entry in &mut entries {
            if entry.next_ms.is_some_and(|next| next <= parts.clock.now_ms()) {
                run_logged(entry.job, parts).await;
                entry.plan(parts.clock.now_ms());
            }
        }
        let next_ms = entries.iter().filter_map(|entry| entry.next_ms).min();
        let left_ms = next_ms.map_or(i64::MAX, |next| next.saturating_sub(parts.clock.now_ms()));
        let left = Duration::from_millis(u64::try_from(left_ms).unwrap_or(0));
        tokio::time::sleep(left.min(LOOK_EVERY)).await;
    }
}

/// A failed run is logged: the next one does its work.
async fn run_logged(job: Job, parts: &Parts) {
    let name = job.as_str();
    let begun = Instant::now();
    let outcome = job.run(parts).await;
    let duration_ms = begun.elapsed().as_millis();
    match outcome {
        Ok(report) if report.is_idle() => tracing::debug!(job = name, duration_ms, %report, "job done"),
        Ok(report) => tracing::info!(job = name, duration_ms, %report, "job done"),
        Err(error) => {
            let source = std::error::Error::source(&error);
            tracing::error!(job = name, duration_ms, %error, source, "job failed; it is tried again at its next time");
        }
    }
}

#[cfg(test)]
mod tests;
