//! Logs that are chosen once and read later: how many a filter finds, which, and what is still there of those.

use entity::log::{self, Column};
use sea_orm::prelude::*;
use sea_orm::{ConnectionTrait, QueryOrder as _, QuerySelect as _};
use tenancy::TenantScope;

use crate::query::{found, times, to_list, within};
use crate::sort::{By, sorted};
use crate::{Cursor, Filter, Sort, Start};

/// The oldest log first.
const OLDEST: Sort = Sort { by: By::CreatedAt, descending: false };

/// Where a choice goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
    /// After so many of the oldest.
    Past(u64),
    /// After this log.
    After(Uuid),
}

/// How many logs a filter finds.
///
/// # Errors
/// [`DbErr`] if the database fails.
pub async fn count(
    db: &impl ConnectionTrait,
    scope: &TenantScope,
    filter: &Filter,
    cutoff_ms: Option<i64>,
) -> Result<u64, DbErr> {
    found(scope, filter, cutoff_ms, db.get_database_backend()).count(db).await
}

/// The next `limit` logs that a filter finds, the oldest first.
///
/// # Errors
/// [`DbErr`] if the database fails.
pub async fn choose(
    db: &impl ConnectionTrait,
    scope: &TenantScope,
    filter: &Filter,
    cutoff_ms: Option<i64>,
    from: From,
    limit: u64,
) -> Result<Vec<Uuid>, DbErr> {
    let (start, passed) = match from {
        From::Past(logs) => (Start::First(OLDEST), logs),
        From::After(id) => (Start::After(Cursor { sort: OLDEST, value: None, id }), 0),
    };
    let mut filter = filter.clone();
    if let From::After(id) = from {
        // Words are looked for from there on, too.
        filter.created_ms.min = filter.created_ms.min.max(clock::millis(id));
    }
    let rows = sorted(to_list(db, scope, &filter, cutoff_ms).await?, start);
    rows.select_only().column(Column::Id).offset(passed).limit(limit).into_tuple().all(db).await
}

/// Those of the logs that `scope` still reaches, the oldest first.
///
/// # Errors
/// [`DbErr`] if the database fails.
pub async fn read(
    db: &impl ConnectionTrait,
    scope: &TenantScope,
    ids: &[Uuid],
    cutoff_ms: Option<i64>,
) -> Result<Vec<log::Model>, DbErr> {
    let Some((from, to)) = times(ids.iter().copied()) else { return Ok(Vec::new()) };
    within(scope, cutoff_ms)
        .filter(Column::CreatedAt.between(from, to))
        .filter(Column::Id.is_in(ids.iter().copied()))
        .order_by_asc(Column::Id)
        .all(db)
        .await
}
