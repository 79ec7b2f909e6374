//! Chooses the logs of exports that were started, a part of each export's a transaction.
//!
//! What is written down is which logs they are. The file is made of them as it is read: what retention deletes until then is not in it,
//! and nothing is kept twice.

use entity::{log_export, log_export_part, organisation};
use log_export::Column;
use logstore::Filter;
use logstore::selection::{self, From};
use sea_orm::prelude::*;
use sea_orm::{
    ActiveValue::Set, DatabaseTransaction, ExprTrait as _, IntoActiveModel as _, QueryOrder as _,
    QuerySelect as _,
};
use tenancy::TenantScope;

use crate::lease::Lease;
use crate::{Error, Parts, Report};

/// Exports of a run. The next is soon.
const EXPORTS: u64 = 100;

/// Logs of a part.
const PART: i64 = if cfg!(test) { 3 } else { 1_000 };

/// Counts the logs that were chosen (`log`) and the exports that are whole (`log_export`).
///
/// # Errors
/// [`Error`] if the database fails or the lease is lost: the next run goes on after the last part.
pub(crate) async fn run(parts: &Parts, lease: &Lease) -> Result<Report, Error> {
    let mut report = Report::default();
    report.add("log_export", 0);
    let mut failed = None;
    for export in waiting(parts).await? {
        let id = export.id;
        match choose(parts, lease, export, &mut report).await {
            Ok(()) => {}
            // It keeps nobody else waiting, and has its turn again in the next run.
            Err(Error::Database(error)) => {
                tracing::error!(log_export_id = %id, %error, "the logs of an export could not be chosen");
                failed.get_or_insert(error);
            }
            Err(error) => return Err(error),
        }
    }
    failed.map_or(Ok(report), |error| Err(error.into()))
}

/// Those that have waited for longest.
async fn waiting(parts: &Parts) -> Result<Vec<log_export::Model>, DbErr> {
    let waiting = log_export::Entity::find().filter(Column::Status.eq("in_progress"));
    waiting.order_by_asc(Column::LastUpdatedAt).order_by_asc(Column::Id).limit(EXPORTS).all(&parts.db).await
}

/// Chooses until the export is whole, or was stopped. What cannot be read of it fails for good.
async fn choose(
    parts: &Parts,
    lease: &Lease,
    mut export: log_export::Model,
    report: &mut Report,
) -> Result<(), Error> {
    loop {
        let limit = Ord::min(PART, export.page_size - export.total_records);
        let (position, chosen) = match next_part(parts, &export, limit).await {
            Ok(next) => next,
            Err(error @ DbErr::Type(_)) => {
                tracing::error!(log_export_id = %export.id, %error, "the logs of an export cannot be chosen");
                let txn = lease.begin().await?;
                advance(&txn, parts, &export, 0, "failed").await?;
                return Ok(txn.commit().await?);
            }
            Err(error) => return Err(error.into()),
        };
        let n = i64::try_from(chosen.len()).unwrap_or(limit);
        let is_whole = n < limit || export.total_records + n >= export.page_size;
        let txn = lease.begin().await?;
        if !advance(&txn, parts, &export, n, if is_whole { "success" } else { "in_progress" }).await? {
            // It was stopped, or started once more.
            return Ok(txn.rollback().await?);
        }
        if n > 0 {
            let part =
                log_export_part::Model { export_id: export.id, position, log_ids: clock::pack(&chosen) };
            log_export_part::Entity::insert(part.into_active_model()).exec_without_returning(&txn).await?;
        }
        txn.commit().await?;
        report.add("log", n.unsigned_abs());
        if is_whole {
            report.add("log_export", 1);
            return Ok(());
        }
        export.total_records += n;
    }
}

/// The next logs of the export, of those that its organisation's plan still shows, and where they go.
async fn next_part(parts: &Parts, export: &log_export::Model, limit: i64) -> Result<(i32, Vec<Uuid>), DbErr> {
    let filter: Filter = serde_json::from_value(export.filter.clone())
        .map_err(|error| DbErr::Type(format!("the filter of an export: {error}")))?;
    let organisation = organisation::Entity::find_by_id(export.organisation_id).one(&parts.db).await?;
    let Some(organisation) = organisation else { return Ok((0, Vec::new())) };
    let now_ms = parts.clock.now_ms();
    let (_, terms) = tenancy::terms(&organisation, &parts.plan_overrides, now_ms)?;
    let cutoff_ms = plans::retention_cutoff(&terms, now_ms);
    let scope = TenantScope::of_workspace(export.organisation_id, export.workspace_id);
    let (position, from) = match last_chosen(parts, export).await? {
        Some((position, id)) => (position + 1, From::After(id)),
        None => (0, From::Past(export.page_size.saturating_mul(export.current_page).unsigned_abs())),
    };
    let limit = limit.unsigned_abs();
    let chosen = selection::choose(&parts.db, &scope, &filter, cutoff_ms, from, limit).await?;
    Ok((position, chosen))
}

/// The part that was chosen last, and the last log of it.
async fn last_chosen(parts: &Parts, export: &log_export::Model) -> Result<Option<(i32, Uuid)>, DbErr> {
    if export.total_records == 0 {
        return Ok(None);
    }
    let of_export = log_export_part::Entity::find().filter(log_export_part::Column::ExportId.eq(export.id));
    let last = of_export.order_by_desc(log_export_part::Column::Position).one(&parts.db).await?;
    let last = last.and_then(|part| Some((part.position, clock::unpack(&part.log_ids).next_back()?)));
    last.map(Some).ok_or_else(|| DbErr::Type("the parts of an export are gone".to_owned()))
}

/// Counts `n` more logs and says how it stands. False when this start of it is over.
async fn advance(
    txn: &DatabaseTransaction,
    parts: &Parts,
    export: &log_export::Model,
    n: i64,
    status: &str,
) -> Result<bool, DbErr> {
    let now = log_export::ActiveModel {
        status: Set(status.to_owned()),
        last_updated_at: Set(parts.clock.now_ms()),
        ..Default::default()
    };
    let advanced = log_export::Entity::update_many()
        .set(now)
        .col_expr(Column::TotalRecords, Expr::col(Column::TotalRecords).add(n))
        .filter(Column::Id.eq(export.id))
        .filter(Column::Status.eq("in_progress"))
        .filter(Column::Starts.eq(export.starts))
        .filter(Column::TotalRecords.eq(export.total_records))
        .exec(txn)
        .await?;
    Ok(advanced.rows_affected == 1)
}

#[cfg(test)]
mod tests;
