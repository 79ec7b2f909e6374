//! Sends logs, and what is thought of them, as spans: what waits in the outbox, batch by batch, to all destinations at a time.
//!
//! A row of the outbox ends when the receiver has acknowledged its logs: what was taken and not yet written down when a worker
//! died is sent again, with the same ids of spans.

mod batch;

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use entity::otel_destination;
use exports::outbox::{self, Bounds, Outcome, Taken};
use exports::{Destination, SendError, Sender};
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use sea_orm::prelude::Uuid;

use batch::Batch;

use crate::lease::Lease;
use crate::{Error, Parts, Report};

/// How long a run goes on while there is work. The next is soon.
const RUN: Duration = Duration::from_secs(30);

/// How often is looked for destinations that something waits for since.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Destinations that are asked at a time. One that does not answer keeps its place for as long as it is waited for, and is then left
/// alone for longer each time.
const AT_A_TIME: usize = 64;

/// Counts the logs that were acknowledged (`sent`) and given up (`dropped`), the spans that were `rejected`, and the attempts that
/// `failed`.
///
/// # Errors
/// [`Error`] if the database fails or the lease is lost: what was not written down is sent again.
pub(crate) async fn run(parts: &Parts, lease: &Lease) -> Result<Report, Error> {
    let mut report = Report::default();
    for counted in ["sent", "rejected", "dropped", "failed"] {
        report.add(counted, 0);
    }
    if outbox::is_empty(&parts.db).await? {
        return Ok(report);
    }
    let settings = &parts.settings;
    let bounds = Bounds { age: settings.span_export_max_age, logs: settings.span_export_max_logs };
    let txn = lease.begin().await?;
    report.add("dropped", outbox::trim(&txn, bounds, parts.clock.now_ms()).await?);
    txn.commit().await?;
    let exporter = Exporter {
        parts,
        lease,
        sender: Sender::new(parts.reach, parts.clock.clone()),
        until: Instant::now() + RUN,
    };
    exporter.serve_all(&mut report).await?;
    Ok(report)
}

struct Exporter<'a> {
    parts: &'a Parts,
    lease: &'a Lease,
    sender: Sender,
    until: Instant,
}

/// What came of serving a destination.
#[derive(Default)]
struct Served {
    sent: u64,
    rejected: u64,
    dropped: u64,
    failed: u64,
}

impl Exporter<'_> {
    /// Serves each destination that something waits for, and again while something does; none waits for another. Who looks for them is
    /// polled together with who serves them: each may have the connection to the database that the others wait for.
    async fn serve_all(&self, report: &mut Report) -> Result<(), Error> {
        let busy = Mutex::new(HashSet::new());
        let (mut serving, mut looking) = (FuturesUnordered::new(), Some(Box::pin(self.next(&busy))));
        loop {
            let look = async {
                match &mut looking {
                    Some(looking) => looking.await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                due = look => {
                    let due = due?;
                    looking = due.is_some().then(|| Box::pin(self.next(&busy)));
                    for id in due.into_iter().flatten() {
                        serving.push(async move { (id, self.serve(id).await) });
                    }
                }
                Some((id, served)) = serving.next() => {
                    locked(&busy).remove(&id);
                    served?.count(report);
                }
            }
            if looking.is_none() && serving.is_empty() {
                return Ok(());
            }
        }
    }

    /// Those that are to be served besides the busy ones, which they are then, as soon as there are any; none: the run is over, or nothing
    /// waits for anybody.
    async fn next(&self, busy: &Mutex<HashSet<Uuid>>) -> Result<Option<Vec<Uuid>>, Error> {
        while !self.is_over() {
            let others: Vec<Uuid> = locked(busy).iter().copied().collect();
            let room = AT_A_TIME.saturating_sub(others.len()) as u64;
            let due = outbox::due(&self.parts.db, self.parts.clock.now_ms(), others, room).await?;
            if !due.is_empty() {
                locked(busy).extend(due.iter().copied());
                return Ok(Some(due));
            }
            if locked(busy).is_empty() {
                break;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Ok(None)
    }

    fn is_over(&self) -> bool {
        Instant::now() >= self.until
    }

    /// One batch after the other, until nothing waits, one fails or the run is over.
    async fn serve(&self, id: Uuid) -> Result<Served, Error> {
        let mut served = Served::default();
        while !self.is_over() {
            let db = &self.parts.db;
            let Some(row) = outbox::ready(db, id, self.parts.clock.now_ms()).await? else { break };
            let destination = match exports::stored::open(&self.parts.vault, row.clone()) {
                Ok(destination) => destination,
                Err(error) => {
                    tracing::error!(destination_id = %id, %error, "a destination of spans cannot be read");
                    let error = "it cannot be read; setting its headers anew mends that".to_owned();
                    let taken = outbox::take(db, id, 1).await?;
                    self.settle(&row, (&taken, 0), 0, &Outcome::Failed { error, retry_after: None }).await?;
                    served.failed += 1;
                    break;
                }
            };
            let Some(batch) = batch::next(self.parts, &destination).await? else { break };
            let outcome = self.send(&destination, &batch).await;
            let gone = batch.n - batch.there;
            self.settle(&row, (&batch.taken, batch.n), gone, &outcome).await?;
            if !served.add(&batch, &outcome) {
                break;
            }
        }
        Ok(served)
    }

    /// Sends the spans and then, where they are wanted, the metrics of the same calls. What may be tried again is, both of it: spans keep
    /// their ids, and metrics are sent last.
    async fn send(&self, to: &Destination, batch: &Batch) -> Outcome {
        if batch.is_empty() {
            return Outcome::Sent { rejected: 0, said: None };
        }
        let accepted = match self.sender.traces(to, &batch.traces).await {
            Ok(accepted) => accepted,
            Err(error) => return outcome_of(&error, ""),
        };
        let (mut rejected, mut said) = (accepted.rejected, accepted.message);
        if let Some(metrics) = &batch.metrics {
            match self.sender.metrics(to, metrics).await {
                Ok(accepted) => {
                    rejected += accepted.rejected;
                    said = said.or(accepted.message);
                }
                Err(error) if error.retryable => return outcome_of(&error, "metrics: "),
                // The spans are there.
                Err(error) => said = said.or(Some(format!("metrics: {error}"))),
            }
        }
        Outcome::Sent { rejected, said }
    }

    async fn settle(
        &self,
        to: &otel_destination::Model,
        taken: (&Taken, usize),
        gone: usize,
        outcome: &Outcome,
    ) -> Result<(), Error> {
        let txn = self.lease.begin().await?;
        outbox::settle(&txn, to, taken, gone, outcome, self.parts.clock.now_ms()).await?;
        txn.commit().await?;
        Ok(())
    }
}

fn outcome_of(error: &SendError, of: &str) -> Outcome {
    let told = format!("{of}{error}");
    if error.retryable {
        Outcome::Failed { error: told, retry_after: error.retry_after }
    } else {
        Outcome::Refused(told)
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Served {
    fn count(self, report: &mut Report) {
        let Self { sent, rejected, dropped, failed } = self;
        for (counted, n) in [("sent", sent), ("rejected", rejected), ("dropped", dropped), ("failed", failed)]
        {
            report.add(counted, n);
        }
    }

    /// Whether there may be a next.
    fn add(&mut self, batch: &Batch, outcome: &Outcome) -> bool {
        let Batch { n, there, .. } = *batch;
        match outcome {
            Outcome::Sent { rejected, .. } => {
                self.sent += there as u64;
                self.dropped += (n - there) as u64;
                self.rejected += u64::try_from(*rejected).unwrap_or(0);
            }
            Outcome::Refused(_) => self.dropped += n as u64,
            Outcome::Failed { .. } => self.failed += 1,
        }
        !matches!(outcome, Outcome::Failed { .. })
    }
}

#[cfg(test)]
mod tests;
