//! Deletes what is past its retention. What is deleted was no longer shown before: every query has the same cutoff.

use std::time::Duration;

use entity::{
    alert, alert_delivery, cost_correction, feedback, invite, job_run, log_export, log_export_part, mail,
    organisation, password_reset, payment_event, session, sign_in_attempt, signing_key, spending, spool_mark,
    usage,
};
use logstore::retention::Kept;
use plans::Month;
use sea_orm::prelude::*;
use sea_orm::{ExprTrait as _, QueryOrder, QuerySelect, QueryTrait};

use crate::lease::Lease;
use crate::registry::{
    ALERT_DAYS, CORRECTION_DAYS, FREQUENT_JOB_RUN_DAYS, INVITE_DAYS, JOB_RUN_DAYS, LOG_EXPORT_DAYS,
    MAIL_DAYS, PASSWORD_RESET_DAYS, PAYMENT_EVENT_DAYS, SESSION_DAYS, SIGN_IN_ATTEMPT_DAYS, SIGNING_KEY_DAYS,
    SPENDING_DAYS, SPOOL_MARK_DAYS, USAGE_DAYS,
};
use crate::{Error, Job, Parts, Report};

/// Organisations read at a time.
const ORGANISATIONS: u64 = 500;

/// Corrections deleted at a time.
const CORRECTIONS: u64 = 1_000;

const HOUR_MS: i64 = 3_600_000;

/// Between two chunks others get their turn to write: SQLite has one writer, and who waits for it looks again after some
/// milliseconds.
const PAUSE: Duration = Duration::from_millis(5);

/// Deletes all that is past its retention now, by whole days (`log_days`, on PostgreSQL) and chunk by chunk; the other counts
/// are of rows, by table.
///
/// # Errors
/// [`Error`] if the database fails or the lease is lost: the days and chunks before that are deleted.
pub(crate) async fn run(parts: &Parts, lease: &Lease) -> Result<Report, Error> {
    let now_ms = parts.clock.now_ms();
    let mut report = Report::default();
    // A day is dropped in a transaction of its own, which looks again under its locks and ends the same whoever does it, so
    // that the lease stands is asked once.
    lease.begin().await?.commit().await?;
    let days = logstore::retention::drop_expired(&parts.db, now_ms, |row| kept(parts, row, now_ms)).await?;
    report.add("log_days", days);
    let mut last = None;
    loop {
        let page = organisations_after(parts, last).await?;
        for organisation in &page {
            delete_statistics(parts, lease, organisation, now_ms, &mut report).await?;
            let kept = kept(parts, organisation, now_ms);
            let Some(cutoff_ms) = kept.cutoff_ms else { continue };
            report.add("log", delete_logs(parts, lease, organisation.id, kept).await?);
            report.add("log_external_id", delete_claims(parts, lease, organisation.id, cutoff_ms).await?);
        }
        match page.last() {
            Some(organisation) => last = Some(organisation.id),
            None => break,
        }
    }
    report.add("spool_mark", delete_spool_marks(lease, now_ms).await?);
    report.add("usage", delete_usage(lease, now_ms).await?);
    delete_alerts(lease, now_ms, &mut report).await?;
    report.add("cost_correction", delete_corrections(lease, now_ms).await?);
    report.add("spending", delete_spending(lease, now_ms).await?);
    report.add("payment_event", delete_payment_events(lease, now_ms).await?);
    delete_sign_ins(lease, now_ms, &mut report).await?;
    delete_invites(lease, now_ms, &mut report).await?;
    delete_log_exports(lease, now_ms, &mut report).await?;
    report.add("job_run", delete_runs(lease, now_ms).await?);
    Ok(report)
}

pub(super) async fn organisations_after(
    parts: &Parts,
    last: Option<Uuid>,
) -> Result<Vec<organisation::Model>, DbErr> {
    organisation::Entity::find()
        .apply_if(last, |rows, id| rows.filter(organisation::Column::Id.gt(id)))
        .order_by_asc(organisation::Column::Id)
        .limit(ORGANISATIONS)
        .all(&parts.db)
        .await
}

/// What the organisation's plan keeps now.
fn kept(parts: &Parts, organisation: &organisation::Model, now_ms: i64) -> Kept {
    match tenancy::terms(organisation, &parts.plan_overrides, now_ms) {
        Ok((_, terms)) => Kept {
            cutoff_ms: plans::retention_cutoff(&terms, now_ms),
            class: plans::retention_class(&terms, now_ms),
        },
        Err(error) => {
            // Deleting cannot be undone, and these terms can be mended.
            tracing::error!(%error, "the terms of an organisation cannot be read; its logs are kept");
            Kept { cutoff_ms: None, class: 0 }
        }
    }
}

/// The organisation's logs, with their content.
async fn delete_logs(parts: &Parts, lease: &Lease, organisation: Uuid, kept: Kept) -> Result<u64, Error> {
    let chunk = parts.settings.retention_chunk;
    let mut deleted = 0;
    loop {
        let txn = lease.begin().await?;
        let n = logstore::retention::delete_expired(&txn, organisation, kept, chunk).await?;
        txn.commit().await?;
        match n {
            0 => return Ok(deleted),
            n => deleted += n,
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// The organisation's claims on its own ids, of logs that were recorded and of those that were not.
async fn delete_claims(
    parts: &Parts,
    lease: &Lease,
    organisation: Uuid,
    cutoff_ms: i64,
) -> Result<u64, Error> {
    let chunk = parts.settings.retention_chunk;
    let mut deleted = 0;
    loop {
        let txn = lease.begin().await?;
        let n = logstore::retention::delete_expired_claims(&txn, organisation, cutoff_ms, chunk).await?;
        txn.commit().await?;
        match n {
            0 => return Ok(deleted),
            n => deleted += n,
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// There are few: one a segment. A segment whose mark is this old is not shipped again.
async fn delete_spool_marks(lease: &Lease, now_ms: i64) -> Result<u64, Error> {
    let txn = lease.begin().await?;
    let deleted = spool_mark::Entity::delete_many()
        .filter(spool_mark::Column::UpdatedAt.lt(days_before(now_ms, SPOOL_MARK_DAYS)))
        .exec(&txn)
        .await?;
    txn.commit().await?;
    Ok(deleted.rows_affected)
}

/// What is past the organisation's retention of statistics. Where the terms cannot be read, all is kept.
async fn delete_statistics(
    parts: &Parts,
    lease: &Lease,
    organisation: &organisation::Model,
    now_ms: i64,
    report: &mut Report,
) -> Result<(), Error> {
    let Ok((_, terms)) = tenancy::terms(organisation, &parts.plan_overrides, now_ms) else { return Ok(()) };
    let Some(cutoff_ms) = plans::analytics_cutoff(&terms, now_ms) else { return Ok(()) };
    let hour = i32::try_from(cutoff_ms.div_euclid(HOUR_MS)).unwrap_or(0);
    let txn = lease.begin().await?;
    let deleted = logstore::statistics::delete_before(&txn, organisation.id, hour).await?;
    report.add("usage_hourly", deleted);
    let old =
        feedback::Column::OrganisationId.eq(organisation.id).and(feedback::Column::CreatedAt.lt(cutoff_ms));
    let deleted = feedback::Entity::delete_many().filter(old).exec(&txn).await?;
    report.add("feedback", deleted.rows_affected);
    txn.commit().await?;
    Ok(())
}

/// There are few: some a month and organisation.
async fn delete_alerts(lease: &Lease, now_ms: i64, report: &mut Report) -> Result<(), Error> {
    let txn = lease.begin().await?;
    let before_ms = days_before(now_ms, ALERT_DAYS);
    let old = alert_delivery::Column::CreatedAt.lt(before_ms);
    let deleted = alert_delivery::Entity::delete_many().filter(old).exec(&txn).await?;
    report.add("alert_delivery", deleted.rows_affected);
    let old = alert::Column::CreatedAt.lt(before_ms);
    report.add("alert", alert::Entity::delete_many().filter(old).exec(&txn).await?.rows_affected);
    txn.commit().await?;
    Ok(())
}

/// Of periods that have ended: one that does not end is counted on.
async fn delete_spending(lease: &Lease, now_ms: i64) -> Result<u64, Error> {
    let txn = lease.begin().await?;
    let old = spending::Column::EndsAt.lt(days_before(now_ms, SPENDING_DAYS));
    let deleted = spending::Entity::delete_many().filter(old).exec(&txn).await?;
    txn.commit().await?;
    Ok(deleted.rows_affected)
}

/// Chunk by chunk: one correction may have been of every log there was.
async fn delete_corrections(lease: &Lease, now_ms: i64) -> Result<u64, Error> {
    let before_ms = days_before(now_ms, CORRECTION_DAYS);
    let mut deleted = 0;
    loop {
        let txn = lease.begin().await?;
        let old = cost_correction::Entity::find()
            .select_only()
            .column(cost_correction::Column::Id)
            .filter(cost_correction::Column::CreatedAt.lt(before_ms))
            .limit(CORRECTIONS);
        let gone = cost_correction::Entity::delete_many()
            .filter(cost_correction::Column::Id.in_subquery(old.into_query()))
            .exec(&txn)
            .await?;
        txn.commit().await?;
        deleted += gone.rows_affected;
        if gone.rows_affected < CORRECTIONS {
            return Ok(deleted);
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// There are few: one a month and organisation.
async fn delete_usage(lease: &Lease, now_ms: i64) -> Result<u64, Error> {
    let txn = lease.begin().await?;
    let oldest = Month::of(days_before(now_ms, USAGE_DAYS));
    let deleted =
        usage::Entity::delete_many().filter(usage::Column::Month.lt(oldest.as_i32())).exec(&txn).await?;
    txn.commit().await?;
    Ok(deleted.rows_affected)
}

/// There are few: one for each invoice that was paid or not.
async fn delete_payment_events(lease: &Lease, now_ms: i64) -> Result<u64, Error> {
    let txn = lease.begin().await?;
    let old = payment_event::Column::ReceivedAt.lt(days_before(now_ms, PAYMENT_EVENT_DAYS));
    let deleted = payment_event::Entity::delete_many().filter(old).exec(&txn).await?;
    txn.commit().await?;
    Ok(deleted.rows_affected)
}

/// Sessions long after their end, signing keys and failed attempts soon after theirs.
async fn delete_sign_ins(lease: &Lease, now_ms: i64, report: &mut Report) -> Result<(), Error> {
    let txn = lease.begin().await?;
    let db = &txn;
    let ended = session::Column::ExpiresAt.lt(days_before(now_ms, SESSION_DAYS));
    report.add("session", session::Entity::delete_many().filter(ended).exec(db).await?.rows_affected);
    let retired = signing_key::Column::RetiresAt.lt(days_before(now_ms, SIGNING_KEY_DAYS));
    report
        .add("signing_key", signing_key::Entity::delete_many().filter(retired).exec(db).await?.rows_affected);
    let past = sign_in_attempt::Column::NextAt.lt(days_before(now_ms, SIGN_IN_ATTEMPT_DAYS));
    let deleted = sign_in_attempt::Entity::delete_many().filter(past).exec(db).await?;
    report.add("sign_in_attempt", deleted.rows_affected);
    txn.commit().await?;
    Ok(())
}

/// There are few: some a person.
async fn delete_invites(lease: &Lease, now_ms: i64, report: &mut Report) -> Result<(), Error> {
    let txn = lease.begin().await?;
    let old = invite::Column::CreatedAt.lt(days_before(now_ms, INVITE_DAYS));
    report.add("invite", invite::Entity::delete_many().filter(old).exec(&txn).await?.rows_affected);
    let old = mail::Column::CreatedAt.lt(days_before(now_ms, MAIL_DAYS));
    report.add("mail", mail::Entity::delete_many().filter(old).exec(&txn).await?.rows_affected);
    let past = password_reset::Column::ExpiresAt.lt(days_before(now_ms, PASSWORD_RESET_DAYS));
    let deleted = password_reset::Entity::delete_many().filter(past).exec(&txn).await?;
    report.add("password_reset", deleted.rows_affected);
    txn.commit().await?;
    Ok(())
}

/// Those of each workspace are bounded.
async fn delete_log_exports(lease: &Lease, now_ms: i64, report: &mut Report) -> Result<(), Error> {
    let txn = lease.begin().await?;
    let old = log_export::Column::LastUpdatedAt.lt(days_before(now_ms, LOG_EXPORT_DAYS));
    let deleted = log_export::Entity::delete_many().filter(old).exec(&txn).await?;
    report.add("log_export", deleted.rows_affected);
    // After them: one that has gone on meanwhile is still there, and keeps its parts.
    let kept = log_export::Entity::find().select_only().column(log_export::Column::Id);
    let of_none = log_export_part::Column::ExportId.not_in_subquery(kept.into_query());
    let deleted = log_export_part::Entity::delete_many().filter(of_none).exec(&txn).await?;
    report.add("log_export_part", deleted.rows_affected);
    txn.commit().await?;
    Ok(())
}

/// There are few: one for each time that a job was due.
async fn delete_runs(lease: &Lease, now_ms: i64) -> Result<u64, Error> {
    let txn = lease.begin().await?;
    let mut n = 0;
    for job in Job::ALL {
        let days = if job.is_frequent() { FREQUENT_JOB_RUN_DAYS } else { JOB_RUN_DAYS };
        let before_ms = days_before(now_ms, days);
        let runs = || job_run::Entity::find().filter(job_run::Column::Job.eq(job.as_str()));
        let newest = runs().order_by_desc(job_run::Column::ScheduledAt).one(&txn).await?;
        let newest_ms = newest.map_or(i64::MIN, |run| run.scheduled_at);
        let deleted = job_run::Entity::delete_many()
            .filter(job_run::Column::Job.eq(job.as_str()))
            .filter(job_run::Column::ScheduledAt.lt(Ord::min(before_ms, newest_ms)))
            .exec(&txn)
            .await?;
        n += deleted.rows_affected;
    }
    txn.commit().await?;
    Ok(n)
}

fn days_before(now_ms: i64, days: u32) -> i64 {
    now_ms.saturating_sub(i64::from(days) * 86_400_000)
}

#[cfg(test)]
mod tests;
