//! What there is to filter logs by: the values that the newest logs have.

use entity::log::Column;
use sea_orm::prelude::*;
use sea_orm::sea_query::{Func, Query, SelectStatement};
use sea_orm::{
    ConnectionTrait, DbBackend, ExprTrait as _, Order, QueryOrder as _, QueryResult, QuerySelect as _,
    QueryTrait as _, TryGetable,
};
use tenancy::TenantScope;

use crate::Range;
use crate::query::{since, until, within};

/// Logs that are looked at, the newest of those asked for.
pub const LOOKED_AT: u64 = 10_000;

/// Different values, at most.
const MAX_VALUES: u64 = 20_000;

/// What is looked at of each log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Field {
    Provider,
    Model,
    /// By slug.
    VirtualKey,
    /// By slug.
    Config,
    StatusCode,
    MetadataKey,
    /// What this key of the metadata has.
    Metadata(String),
}

/// What names another thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of {
    ApiKey,
    Workspace,
}

/// A value and how many of the logs looked at have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found<T> {
    pub value: T,
    pub logs: i64,
}

impl Field {
    const fn column(&self) -> Column {
        match self {
            Self::Provider => Column::Provider,
            Self::Model => Column::Model,
            Self::VirtualKey => Column::VirtualKey,
            Self::Config => Column::ConfigId,
            Self::StatusCode => Column::StatusCode,
            Self::MetadataKey | Self::Metadata(_) => Column::Metadata,
        }
    }
}

/// The values of `field` in the newest [`LOOKED_AT`] logs received in `created_ms`, the most frequent first.
///
/// # Errors
/// [`DbErr`] if the database fails.
pub async fn values(
    db: &impl ConnectionTrait,
    scope: &TenantScope,
    field: &Field,
    created_ms: Range,
    cutoff_ms: Option<i64>,
) -> Result<Vec<Found<String>>, DbErr> {
    let backend = db.get_database_backend();
    let mut found = Query::select();
    found.from_subquery(newest(scope, field.column(), created_ms, cutoff_ms), "newest");
    let value = match field {
        Field::MetadataKey | Field::Metadata(_) => {
            let each = if backend == DbBackend::Postgres { "json_each_text" } else { "json_each" };
            found.from_function(Func::cust(each).arg(Expr::col(("newest", "found"))), "pair");
            Expr::col(("pair", if *field == Field::MetadataKey { "key" } else { "value" }))
        }
        _ => Expr::col(("newest", "found")).cast_as("text"),
    };
    if let Field::Metadata(key) = field {
        found.and_where(Expr::col(("pair", "key")).eq(key.as_str()));
    }
    found.and_where(value.clone().ne(""));
    counted(db, found, value).await
}

/// The same of what names another thing.
///
/// # Errors
/// [`DbErr`] if the database fails.
pub async fn ids(
    db: &impl ConnectionTrait,
    scope: &TenantScope,
    of: Of,
    created_ms: Range,
    cutoff_ms: Option<i64>,
) -> Result<Vec<Found<Uuid>>, DbErr> {
    let column = match of {
        Of::ApiKey => Column::ApiKeyId,
        Of::Workspace => Column::WorkspaceId,
    };
    let mut found = Query::select();
    found.from_subquery(newest(scope, column, created_ms, cutoff_ms), "newest");
    let value = Expr::col(("newest", "found"));
    found.and_where(value.clone().is_not_null());
    counted(db, found, value).await
}

fn newest(scope: &TenantScope, column: Column, created_ms: Range, cutoff_ms: Option<i64>) -> SelectStatement {
    within(scope, cutoff_ms)
        .apply_if(created_ms.min, since)
        .apply_if(created_ms.max, until)
        .select_only()
        .column_as(column, "found")
        .order_by_desc(Column::Id)
        .limit(LOOKED_AT)
        .into_query()
}

async fn counted<T: TryGetable>(
    db: &impl ConnectionTrait,
    mut found: SelectStatement,
    value: Expr,
) -> Result<Vec<Found<T>>, DbErr> {
    let logs = Expr::cust("count(*)");
    found
        .expr_as(value.clone(), "value")
        .expr_as(logs.clone(), "logs")
        .add_group_by([value.clone()])
        .order_by_expr(logs, Order::Desc)
        .order_by_expr(value, Order::Asc)
        .limit(MAX_VALUES);
    let rows = db.query_all(&found).await?;
    let found =
        |row: &QueryResult| Ok(Found { value: row.try_get("", "value")?, logs: row.try_get("", "logs")? });
    rows.iter().map(found).collect()
}
