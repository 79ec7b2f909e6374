//! What feedback comes to: over time, by score, and by the models that it is about.

use entity::{feedback, log};
use feedback::Column;
use sea_orm::prelude::*;
use sea_orm::sea_query::{JoinType, Query, SelectStatement};
use sea_orm::{
    ConnectionTrait, DbBackend, ExprTrait as _, FromQueryResult, Order, QueryOrder as _, QuerySelect as _,
    QueryTrait as _, Select,
};
use tenancy::TenantScope;

use crate::query::found;
use crate::{Filter, Range};

/// Models, at most.
const MAX_MODELS: u64 = 1_000;

/// Which feedback: given at a time, on traces that have a log in the filter.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    /// In unix milliseconds.
    pub given: Range,
    /// Nothing is asked of logs where it is open.
    pub filter: Filter,
    /// The first log that is still shown, in unix milliseconds.
    pub cutoff_ms: Option<i64>,
}

/// What was given in a stretch of time.
#[derive(Clone, Copy, Debug, PartialEq, FromQueryResult)]
pub struct Stretch {
    /// Counted from 1970, in stretches.
    pub nth: i64,
    pub total: i64,
    /// Of value times weight.
    pub sum: f64,
}

/// How often a value was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromQueryResult)]
pub struct Score {
    pub score: i16,
    pub total: i64,
}

/// What was given on traces in which a model answered.
#[derive(Clone, Debug, PartialEq, FromQueryResult)]
pub struct OfModel {
    pub model: String,
    pub total: i64,
    /// Of value times weight.
    pub mean: f64,
}

/// By stretches of `width_ms`; those without any are left out.
///
/// # Errors
/// [`DbErr`] if the database fails.
pub async fn over_time(
    db: &impl ConnectionTrait,
    scope: &TenantScope,
    asked: &Asked,
    width_ms: i64,
) -> Result<Vec<Stretch>, DbErr> {
    let nth = Expr::cust(format!("CAST(created_at / {width_ms} AS bigint)"));
    given(scope, asked, db.get_database_backend())
        .select_only()
        .column_as(nth.clone(), "nth")
        .column_as(Expr::cust("count(*)"), "total")
        .column_as(Expr::cust(r#"sum("value" * "weight")"#), "sum")
        .group_by(nth.clone())
        .order_by_asc(nth)
        .into_model()
        .all(db)
        .await
}

/// By the value, the lowest first.
///
/// # Errors
/// [`DbErr`] if the database fails.
pub async fn by_score(
    db: &impl ConnectionTrait,
    scope: &TenantScope,
    asked: &Asked,
) -> Result<Vec<Score>, DbErr> {
    given(scope, asked, db.get_database_backend())
        .select_only()
        .column_as(Column::Value, "score")
        .column_as(Expr::cust("count(*)"), "total")
        .group_by(Column::Value)
        .order_by_asc(Column::Value)
        .into_model()
        .all(db)
        .await
}

/// By the models of the traces' logs, as long as these are there: a feedback counts for each model of its trace.
///
/// # Errors
/// [`DbErr`] if the database fails.
pub async fn by_model(
    db: &impl ConnectionTrait,
    scope: &TenantScope,
    asked: &Asked,
) -> Result<Vec<OfModel>, DbErr> {
    use log::Column::{Model, TraceId, WorkspaceId};
    let backend = db.get_database_backend();
    let of_given = given(scope, asked, backend).select_only().column(Column::TraceId);
    let mut answered: SelectStatement = found(scope, &asked.filter, asked.cutoff_ms, backend)
        .filter(TraceId.in_subquery(of_given.into_query()))
        .filter(Model.is_not_null())
        .select_only()
        .columns([WorkspaceId, TraceId, Model])
        .into_query();
    answered.distinct();
    let said = given(scope, asked, backend)
        .select_only()
        .columns([Column::WorkspaceId, Column::TraceId])
        .column_as(Expr::cust(r#""value" * "weight""#), "weighted")
        .into_query();
    let beside = |name: &'static str| Expr::col(("said", name)).eq(Expr::col(("answered", name)));
    let (model, total) = (Expr::col(("answered", "model")), Expr::cust("count(*)"));
    let mut by_model = Query::select();
    by_model
        .expr_as(model.clone(), "model")
        .expr_as(total.clone(), "total")
        .expr_as(Expr::col(("said", "weighted")).avg(), "mean")
        .from_subquery(said, "said")
        .join_subquery(
            JoinType::InnerJoin,
            answered,
            "answered",
            beside("workspace_id").and(beside("trace_id")),
        )
        .add_group_by([model.clone()])
        .order_by_expr(total, Order::Desc)
        .order_by_expr(model, Order::Asc)
        .limit(MAX_MODELS);
    let rows = db.query_all(&by_model).await?;
    rows.iter().map(|row| OfModel::from_query_result(row, "")).collect()
}

fn given(scope: &TenantScope, asked: &Asked, backend: DbBackend) -> Select<feedback::Entity> {
    let rows = feedback::Entity::find()
        .filter(Column::OrganisationId.eq(scope.organisation()))
        .apply_if(scope.only(Column::WorkspaceId), QueryFilter::filter)
        .apply_if(asked.given.min, |rows, ms| rows.filter(Column::CreatedAt.gte(ms)))
        .apply_if(asked.given.max, |rows, ms| rows.filter(Column::CreatedAt.lte(ms)));
    if asked.filter == Filter::default() {
        return rows;
    }
    let traces = found(scope, &asked.filter, asked.cutoff_ms, backend)
        .select_only()
        .columns([log::Column::WorkspaceId, log::Column::TraceId]);
    let trace = Expr::tuple([Column::WorkspaceId.into_expr(), Column::TraceId.into_expr()]);
    rows.filter(trace.in_subquery(traces.into_query()))
}
