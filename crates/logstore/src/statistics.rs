//! What is kept of logs beyond their retention: sums by hour, workspace, key and model.

use std::ops::Range;

use entity::usage_hourly::{Column, Entity};
use entity::{overage_block, usage_hourly};
use plans::{Month, Opened};
use sea_orm::prelude::*;
use sea_orm::{
    ConnectionTrait, FromQueryResult, Iterable as _, QueryOrder as _, QuerySelect as _, QueryTrait as _,
};
use tenancy::TenantScope;

/// Hours of a day.
const DAY_HOURS: i64 = 24;

/// What sums are told apart by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, sea_orm::EnumIter)]
pub enum Dimension {
    Day,
    Workspace,
    Key,
    Model,
}

/// A sum. Of the first four those are there that it was asked by. What providers and clients tell may be of any size: it is
/// added up as `f64`, exactly up to 2^53.
#[derive(Clone, Debug, PartialEq, FromQueryResult)]
pub struct Sum {
    /// Days since 1970, in UTC.
    pub day: Option<i64>,
    pub workspace_id: Option<Uuid>,
    /// Nil: by no key.
    pub api_key_id: Option<Uuid>,
    /// Empty: not known.
    pub model: Option<String>,
    pub logs: i64,
    pub failed: i64,
    pub input_tokens: f64,
    pub output_tokens: f64,
    /// Pico-dollars.
    pub cost_pusd: f64,
}

impl Dimension {
    /// Every dimension.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::iter()
    }

    /// Its name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Workspace => "workspace",
            Self::Key => "key",
            Self::Model => "model",
        }
    }

    /// Its column, or what is made of one.
    fn column(self) -> (Expr, &'static str) {
        match self {
            Self::Day => (Expr::cust(format!("CAST(hour / {DAY_HOURS} AS bigint)")), "day"),
            Self::Workspace => (Expr::col(Column::WorkspaceId), "workspace_id"),
            Self::Key => (Expr::col(Column::ApiKeyId), "api_key_id"),
            Self::Model => (Expr::col(Column::Model), "model"),
        }
    }
}

/// The sums of the hours `hours` (since 1970) within `scope`, in the order of `by`; `limit` of them at the most.
///
/// # Errors
/// [`DbErr`] if the database fails.
pub async fn sums(
    db: &impl ConnectionTrait,
    scope: &TenantScope,
    hours: Range<i32>,
    by: &[Dimension],
    limit: u64,
) -> Result<Vec<Sum>, DbErr> {
    let mut rows = Entity::find()
        .select_only()
        .filter(Column::OrganisationId.eq(scope.organisation()))
        .filter(Column::Hour.gte(hours.start))
        .filter(Column::Hour.lt(hours.end))
        .apply_if(scope.only(Column::WorkspaceId), QueryFilter::filter);
    for counted in ["logs", "failed"] {
        // A sum of 64-bit numbers is a decimal on PostgreSQL.
        rows = rows.column_as(Expr::cust(format!("CAST(sum({counted}) AS bigint)")), counted);
    }
    for told in ["input_tokens", "output_tokens", "cost_pusd"] {
        rows = rows.column_as(Expr::cust(format!("sum(CAST({told} AS double precision))")), told);
    }
    for dimension in by {
        let (column, name) = dimension.column();
        rows = rows.column_as(column.clone(), name).group_by(column.clone()).order_by_asc(column);
    }
    rows.limit(limit).into_model().all(db).await
}

/// The blocks of overage that the organisation has opened in a month.
///
/// # Errors
/// [`DbErr`] if the database fails.
pub async fn opened(db: &impl ConnectionTrait, scope: &TenantScope, month: Month) -> Result<Opened, DbErr> {
    let of: Option<(i64, Option<i64>, Option<i64>)> = overage_block::Entity::find()
        .select_only()
        .column_as(Expr::cust("count(*)"), "blocks")
        .column_as(Expr::cust("CAST(sum(price_cents) AS bigint)"), "cents")
        .column_as(Expr::cust("max(last_log)"), "last_log")
        .filter(overage_block::Column::OrganisationId.eq(scope.organisation()))
        .filter(overage_block::Column::Month.eq(month.as_i32()))
        .into_tuple()
        .one(db)
        .await?;
    let unsigned = |n: Option<i64>| n.and_then(|n| u64::try_from(n).ok()).unwrap_or(0);
    let (blocks, cents, last_log) = of.unwrap_or_default();
    Ok(Opened { blocks: unsigned(Some(blocks)), cents: unsigned(cents), last_log: unsigned(last_log) })
}

/// Deletes what is from before `hour` of an organisation; how many rows.
///
/// # Errors
/// [`DbErr`] if the database fails.
pub async fn delete_before(db: &impl ConnectionTrait, organisation: Uuid, hour: i32) -> Result<u64, DbErr> {
    let deleted = usage_hourly::Entity::delete_many()
        .filter(Column::OrganisationId.eq(organisation))
        .filter(Column::Hour.lt(hour))
        .exec(db)
        .await?;
    Ok(deleted.rows_affected)
}
