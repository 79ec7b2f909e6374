//! Reading logs. Every query takes a scope, and a cutoff: what is past its retention is not shown, deleted or not.

use entity::{log, log_external_id, log_payload, usage};
use plans::Month;
use sea_orm::prelude::*;
use sea_orm::{ConnectionTrait, DbBackend, QuerySelect, QueryTrait, Select};
use tenancy::TenantScope;

use crate::sort::sorted;
use crate::text::{self, Searched};
use crate::{Exchange, Filter, Page, Start, content};

/// Logs of a page, at most.
pub const MAX_PAGE: u64 = 1_000;

/// Why a log could not be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the database failed")]
    Database(#[from] DbErr),
    #[error("the content of a log is damaged")]
    Content(#[from] content::Error),
}

/// A log and its content, where any is kept. `cutoff_ms` is the first `created_at` that is still shown.
///
/// # Errors
/// [`Error`] if the database fails or the content is damaged. No such log within `scope` is `Ok(None)`.
pub async fn find(
    db: &impl ConnectionTrait,
    scope: &TenantScope,
    id: Uuid,
    cutoff_ms: Option<i64>,
) -> Result<Option<(log::Model, Option<Exchange>)>, Error> {
    let Some(created_at) = clock::millis(id) else { return Ok(None) };
    let Some(row) = by_id(scope, id, created_at, cutoff_ms).one(db).await? else { return Ok(None) };
    let payload = log_payload::Entity::find()
        .filter(log_payload::Column::RetentionClass.eq(row.retention_class))
        .filter(log_payload::Column::CreatedAt.eq(created_at))
        .filter(log_payload::Column::Id.eq(id))
        .filter(log_payload::Column::OrganisationId.eq(scope.organisation()))
        .one(db)
        .await?;
    let exchange = payload.map(|payload| content::unpack(&payload.content)).transpose()?;
    Ok(Some((row, exchange)))
}

/// A page of logs from `start` on, in its order; at most `limit` of them and never over [`MAX_PAGE`].
///
/// # Errors
/// [`DbErr`] if the database fails. No logs are an empty page.
pub async fn list(
    db: &impl ConnectionTrait,
    scope: &TenantScope,
    filter: &Filter,
    cutoff_ms: Option<i64>,
    start: impl Into<Start>,
    limit: u64,
) -> Result<Page, DbErr> {
    let start = start.into();
    let limit = Ord::clamp(limit, 1, MAX_PAGE);
    let rows = to_list(db, scope, filter, cutoff_ms).await?;
    let mut rows = sorted(rows, start).limit(limit + 1).all(db).await?;
    let size = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = rows.len() > size;
    rows.truncate(size);
    let next = rows.last().filter(|_| more).map(|last| start.sort().cursor(last));
    Ok(Page { rows, next })
}

/// The log that the organisation inserted under `external_id`, a client's own id; it may be past its retention.
///
/// # Errors
/// [`DbErr`] if the database fails.
pub async fn inserted(
    db: &impl ConnectionTrait,
    scope: &TenantScope,
    external_id: &str,
) -> Result<Option<Uuid>, DbErr> {
    let claim = log_external_id::Entity::find()
        .filter(log_external_id::Column::OrganisationId.eq(scope.organisation()))
        .filter(log_external_id::Column::ExternalId.eq(external_id))
        .one(db)
        .await?;
    Ok(claim.map(|claim| claim.log_id))
}

/// The organisation's meter of `month`; `None` while it counts nothing.
///
/// # Errors
/// [`DbErr`] if the database fails.
pub async fn usage(
    db: &impl ConnectionTrait,
    scope: &TenantScope,
    month: Month,
) -> Result<Option<usage::Model>, DbErr> {
    usage::Entity::find()
        .filter(usage::Column::OrganisationId.eq(scope.organisation()))
        .filter(usage::Column::Month.eq(month.as_i32()))
        .one(db)
        .await
}

pub(crate) fn within(scope: &TenantScope, cutoff_ms: Option<i64>) -> Select<log::Entity> {
    log::Entity::find()
        .filter(log::Column::OrganisationId.eq(scope.organisation()))
        .apply_if(scope.only(log::Column::WorkspaceId), QueryFilter::filter)
        .apply_if(cutoff_ms, since)
}

/// The logs that a filter finds, where some of them are wanted and not all.
pub(crate) async fn to_list(
    db: &impl ConnectionTrait,
    scope: &TenantScope,
    filter: &Filter,
    cutoff_ms: Option<i64>,
) -> Result<Select<log::Entity>, DbErr> {
    let rows = whatever_it_says(scope, filter, cutoff_ms, db.get_database_backend());
    match searched(scope, filter, cutoff_ms) {
        Some(searched) => text::narrow_list(db, rows, searched).await,
        None => Ok(rows),
    }
}

/// The logs that a filter finds.
pub(crate) fn found(
    scope: &TenantScope,
    filter: &Filter,
    cutoff_ms: Option<i64>,
    backend: DbBackend,
) -> Select<log::Entity> {
    let rows = whatever_it_says(scope, filter, cutoff_ms, backend);
    match searched(scope, filter, cutoff_ms) {
        Some(searched) => text::narrow(rows, searched, backend),
        None => rows,
    }
}

/// The same but for what prompt and answer say.
fn whatever_it_says(
    scope: &TenantScope,
    filter: &Filter,
    cutoff_ms: Option<i64>,
    backend: DbBackend,
) -> Select<log::Entity> {
    filter
        .apply(within(scope, cutoff_ms), backend)
        .apply_if(filter.feedback_condition(scope.organisation()), QueryFilter::filter)
}

fn searched<'f>(scope: &TenantScope, filter: &'f Filter, cutoff_ms: Option<i64>) -> Option<Searched<'f>> {
    let search = filter.text.as_ref()?;
    let organisation = scope.organisation();
    Some(Searched { search, organisation, created_ms: filter.created_ms, cutoff_ms })
}

/// The log of that id. Its time, which the id begins with, tells PostgreSQL the one day to look in.
fn by_id(scope: &TenantScope, id: Uuid, created_at: i64, cutoff_ms: Option<i64>) -> Select<log::Entity> {
    within(scope, cutoff_ms).filter(log::Column::Id.eq(id)).filter(log::Column::CreatedAt.eq(created_at))
}

/// From the first to the last of these logs: PostgreSQL opens no other days.
pub(crate) fn times(ids: impl Iterator<Item = Uuid> + Clone) -> Option<(i64, i64)> {
    let times = ids.filter_map(clock::millis);
    times.clone().min().zip(times.max())
}

/// Those from `ms` on: by the id, which the index has, and by the column, which partitions go by.
pub(crate) fn since(rows: Select<log::Entity>, ms: i64) -> Select<log::Entity> {
    rows.filter(log::Column::Id.gte(clock::floor(ms))).filter(log::Column::CreatedAt.gte(ms))
}

/// Those up to `ms`, in the same way.
pub(crate) fn until(rows: Select<log::Entity>, ms: i64) -> Select<log::Entity> {
    rows.filter(log::Column::Id.lte(clock::ceil(ms))).filter(log::Column::CreatedAt.lte(ms))
}

#[cfg(test)]
mod tests;
