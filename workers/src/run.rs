//! One run of a job: begun, carried out and ended, each run by one worker.

use std::time::Instant;

use entity::job_run::{ActiveModel, Column, Entity, Model};
use sea_orm::prelude::*;
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ActiveValue::Set, DatabaseTransaction, ExprTrait as _, IntoActiveModel, QueryOrder, TransactionTrait,
};
use tokio_util::sync::CancellationToken;

use crate::lease::{self, Lease};
use crate::{Error, Job, Parts, Report};

/// What came of beginning a run.
pub(crate) enum Begun {
    Ours(Run),
    /// Another worker has the job.
    Held,
    /// This run was made before.
    Ended,
}

/// A run that this worker may carry out.
pub(crate) struct Run {
    job: Job,
    scheduled_at: i64,
    pub lease: Lease,
}

/// Begins the run that was due at `scheduled_at`: its row and the lease are written together or not at all. One that a
/// worker left unfinished is taken over once its lease has expired.
pub(crate) async fn begin(parts: &Parts, job: Job, scheduled_at: i64) -> Result<Begun, DbErr> {
    // Two looks, so that those who wait do not write.
    let known = Entity::find_by_id((job.as_str().to_owned(), scheduled_at)).one(&parts.db).await?;
    if known.is_some_and(|row| row.ended_at.is_some()) {
        return Ok(Begun::Ended);
    }
    if lease::is_held(parts, job).await? {
        return Ok(Begun::Held);
    }
    let txn = parts.db.begin().await?;
    let Some(lease) = lease::take(&txn, parts, job).await? else {
        txn.rollback().await?;
        return Ok(Begun::Held);
    };
    if !enter(&txn, parts, job, scheduled_at, lease.fencing()).await? {
        txn.rollback().await?;
        return Ok(Begun::Ended);
    }
    abandon_before(&txn, parts, job, scheduled_at).await?;
    txn.commit().await?;
    Ok(Begun::Ours(Run { job, scheduled_at, lease }))
}

/// Writes the run's row, or puts our name on it where its worker is gone. False: it has ended.
async fn enter(
    txn: &DatabaseTransaction,
    parts: &Parts,
    job: Job,
    scheduled_at: i64,
    fencing: i64,
) -> Result<bool, DbErr> {
    let row = Model {
        job: job.as_str().to_owned(),
        scheduled_at,
        started_at: parts.clock.now_ms(),
        ended_at: None,
        outcome: None,
        counts: None,
        holder: parts.holder,
        fencing,
    };
    let begun_before = OnConflict::columns([Column::Job, Column::ScheduledAt])
        .update_columns([Column::StartedAt, Column::Holder, Column::Fencing])
        .action_and_where(Expr::col((Entity, Column::EndedAt)).is_null())
        .to_owned();
    let entered =
        Entity::insert(row.into_active_model()).on_conflict(begun_before).exec_without_returning(txn).await?;
    Ok(entered > 0)
}

/// Closes what was left unfinished and is overtaken: this run does its work.
async fn abandon_before(
    txn: &DatabaseTransaction,
    parts: &Parts,
    job: Job,
    scheduled_at: i64,
) -> Result<(), DbErr> {
    let end = ActiveModel {
        ended_at: Set(Some(parts.clock.now_ms())),
        outcome: Set(Some("abandoned".to_owned())),
        ..Default::default()
    };
    Entity::update_many()
        .set(end)
        .filter(Column::Job.eq(job.as_str()))
        .filter(Column::ScheduledAt.lt(scheduled_at))
        .filter(Column::EndedAt.is_null())
        .exec(txn)
        .await?;
    Ok(())
}

/// Up to when nothing of the job is left to make up for, by its runs. None: it never ran.
pub(crate) async fn settled(parts: &Parts, job: Job) -> Result<Option<i64>, DbErr> {
    let newest = Entity::find()
        .filter(Column::Job.eq(job.as_str()))
        .order_by_desc(Column::ScheduledAt)
        .one(&parts.db)
        .await?;
    Ok(newest.map(|run| if run.ended_at.is_some() { run.scheduled_at } else { run.scheduled_at - 1 }))
}

impl Run {
    /// Carries the run out and ends it. False: it is not done, because of `stop` or because it could not be ended.
    pub async fn carry_out(self, parts: &Parts, stop: &CancellationToken) -> bool {
        let begun = Instant::now();
        let outcome = tokio::select! {
            outcome = self.job.run(parts, &self.lease) => outcome,
            lost = self.lease.keep() => Err(lost),
            () = stop.cancelled() => {
                if let Err(error) = self.lease.release().await {
                    tracing::warn!(%error, "the lease of a job is kept until it expires");
                }
                return false;
            }
        };
        log(self.job, begun, &outcome);
        let ended = if outcome.is_ok() { "done" } else { "failed" };
        parts.metrics.job_ran(self.job.as_str(), ended, begun.elapsed());
        match self.end(parts, &outcome).await {
            Ok(()) => true,
            Err(error) => {
                tracing::warn!(job = self.job.as_str(), %error, "the end of a run is not written; it is made again");
                false
            }
        }
    }

    /// Writes how the run ended and gives the lease back.
    pub async fn end(&self, parts: &Parts, outcome: &Result<Report, Error>) -> Result<(), Error> {
        let (name, counts) = match outcome {
            Ok(report) => ("done", Some(report.to_json())),
            Err(_) => ("failed", None),
        };
        let txn = self.lease.begin().await?;
        let end = ActiveModel {
            ended_at: Set(Some(parts.clock.now_ms())),
            outcome: Set(Some(name.to_owned())),
            counts: Set(counts),
            ..Default::default()
        };
        Entity::update_many()
            .set(end)
            .filter(Column::Job.eq(self.job.as_str()))
            .filter(Column::ScheduledAt.eq(self.scheduled_at))
            .exec(&txn)
            .await?;
        self.lease.give_back(&txn).await?;
        txn.commit().await?;
        Ok(())
    }
}

/// A failed run is logged: the next one does its work.
fn log(job: Job, begun: Instant, outcome: &Result<Report, Error>) {
    let (job, duration_ms) = (job.as_str(), begun.elapsed().as_millis());
    match outcome {
        Ok(report) if report.is_idle() => tracing::debug!(job, duration_ms, %report, "job done"),
        Ok(report) => tracing::info!(job, duration_ms, %report, "job done"),
        Err(error) => {
            let source = std::error::Error::source(error);
            tracing::error!(job, duration_ms, %error, source, "job failed; it is tried again at its next time");
        }
    }
}

/// Runs `job` now, beside its schedule, once it can be had.
///
/// # Errors
/// [`Error::Held`] while another worker runs it; else what the job itself fails with.
pub async fn run_now(job: Job, parts: &Parts) -> Result<Report, Error> {
    lease::register(parts, job).await?;
    let Begun::Ours(run) = begin(parts, job, parts.clock.now_ms()).await? else {
        return Err(Error::Held { job: job.as_str() });
    };
    let outcome = tokio::select! {
        outcome = job.run(parts, &run.lease) => outcome,
        lost = run.lease.keep() => Err(lost),
    };
    run.end(parts, &outcome).await?;
    outcome
}
