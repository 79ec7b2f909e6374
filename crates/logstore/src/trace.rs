//! Traces: the logs that have a trace id in common, in a workspace.

pub mod tree;

use std::collections::HashMap;

use entity::log::{self, Column};
use sea_orm::prelude::*;
use sea_orm::{ConnectionTrait, FromQueryResult, QueryOrder as _, QuerySelect as _, QueryTrait as _};
use tenancy::TenantScope;

use crate::query::{since, until, within};
use crate::sort::sorted;
use crate::{Cursor, Range, Sort, Start};

/// Traces of a page, at most.
pub const MAX_PAGE: u64 = 100;

/// Logs that are shown of a trace, the first of them.
pub const MAX_LOGS: u64 = 1_000;

/// Which trace: an id is a workspace's own.
pub type Key = (Uuid, String);

/// The first log of a trace.
#[derive(Clone, Debug, PartialEq, FromQueryResult)]
pub struct Head {
    pub id: Uuid,
    pub workspace_id: Uuid,
    pub trace_id: String,
    pub span_name: Option<String>,
}

/// What the logs of a trace come to. What providers and clients tell may be of any size: it is added up as `f64`.
#[derive(Clone, Debug, PartialEq, FromQueryResult)]
pub struct Sums {
    pub workspace_id: Uuid,
    pub trace_id: String,
    pub logs: i64,
    /// Those with a status other than 2xx.
    pub failed: i64,
    pub input_tokens: f64,
    pub output_tokens: f64,
    /// Pico-dollars, of the logs whose cost is known; none where that is none.
    pub cost_pusd: Option<f64>,
    /// When the first call was received, in unix milliseconds.
    pub started_ms: i64,
    /// When the last answer ended, in unix microseconds.
    pub ended_us: i64,
}

/// A page of traces that began in `began` (unix milliseconds), the last to begin first, and where the next goes on. Logs that come
/// in later do not move a trace.
///
/// # Errors
/// [`DbErr`] if the database fails.
pub async fn list(
    db: &impl ConnectionTrait,
    scope: &TenantScope,
    began: Range,
    cutoff_ms: Option<i64>,
    cursor: Option<Cursor>,
    limit: u64,
) -> Result<(Vec<Head>, Option<Cursor>), DbErr> {
    let limit = Ord::clamp(limit, 1, MAX_PAGE);
    let rows = within(scope, cutoff_ms)
        .apply_if(began.min, since)
        .apply_if(began.max, until)
        .filter(is_first(cutoff_ms))
        .select_only()
        .columns([Column::Id, Column::WorkspaceId, Column::TraceId, Column::SpanName]);
    let mut heads: Vec<Head> =
        sorted(rows, Start::from(cursor)).limit(limit + 1).into_model().all(db).await?;
    let size = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = heads.len() > size;
    heads.truncate(size);
    let next = |last: &Head| Cursor { sort: Sort::NEWEST, value: None, id: last.id };
    let next = heads.last().filter(|_| more).map(next);
    Ok((heads, next))
}

/// That no log of the trace which is still shown is older. Both bounds of the time are for the partitions of PostgreSQL.
fn is_first(cutoff_ms: Option<i64>) -> Expr {
    let shown = cutoff_ms.map(|ms| format!(r#" AND "earlier"."created_at" >= {ms}"#)).unwrap_or_default();
    Expr::cust(format!(
        r#"NOT EXISTS (SELECT 1 FROM "log" AS "earlier"
            WHERE "earlier"."organisation_id" = "log"."organisation_id" AND "earlier"."trace_id" = "log"."trace_id"
            AND "earlier"."workspace_id" = "log"."workspace_id" AND "earlier"."id" < "log"."id"
            AND "earlier"."created_at" <= "log"."created_at"{shown})"#
    ))
}

/// The sums of these traces, over all of their logs.
///
/// # Errors
/// [`DbErr`] if the database fails.
pub async fn sums(
    db: &impl ConnectionTrait,
    scope: &TenantScope,
    traces: impl IntoIterator<Item = String>,
    cutoff_ms: Option<i64>,
) -> Result<HashMap<Key, Sums>, DbErr> {
    let mut rows = within(scope, cutoff_ms)
        .filter(Column::TraceId.is_in(traces))
        .select_only()
        .columns([Column::WorkspaceId, Column::TraceId])
        .group_by(Column::WorkspaceId)
        .group_by(Column::TraceId);
    for (sum, name) in [
        ("count(*)", "logs"),
        ("count(CASE WHEN status_code < 200 OR status_code >= 300 THEN 1 END)", "failed"),
        ("COALESCE(sum(CAST(input_tokens AS double precision)), 0.0)", "input_tokens"),
        ("COALESCE(sum(CAST(output_tokens AS double precision)), 0.0)", "output_tokens"),
        ("sum(CAST(cost_pusd AS double precision))", "cost_pusd"),
        ("min(created_at)", "started_ms"),
        ("max(created_at * 1000 + latency_us)", "ended_us"),
    ] {
        rows = rows.column_as(Expr::cust(sum), name);
    }
    let sums: Vec<Sums> = rows.into_model().all(db).await?;
    Ok(sums.into_iter().map(|of| ((of.workspace_id, of.trace_id.clone()), of)).collect())
}

/// The first [`MAX_LOGS`] logs with that trace id, the oldest first.
///
/// # Errors
/// [`DbErr`] if the database fails.
pub async fn logs(
    db: &impl ConnectionTrait,
    scope: &TenantScope,
    trace_id: &str,
    cutoff_ms: Option<i64>,
) -> Result<Vec<log::Model>, DbErr> {
    let rows = within(scope, cutoff_ms).filter(Column::TraceId.eq(trace_id));
    rows.order_by_asc(Column::Id).limit(MAX_LOGS).all(db).await
}
