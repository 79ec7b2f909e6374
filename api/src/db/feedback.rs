use entity::feedback::{ActiveModel, Column, Entity, Model};
use sea_orm::prelude::*;
use sea_orm::sea_query::{Asterisk, Query};
use sea_orm::{
    Condition, ExprTrait as _, FromQueryResult, IntoActiveModel, Order, QueryOrder as _, QuerySelect as _,
    QueryTrait as _,
};
use tenancy::TenantScope;

pub(crate) async fn insert(db: &impl ConnectionTrait, rows: &[Model]) -> Result<(), DbErr> {
    let rows = rows.iter().cloned().map(IntoActiveModel::into_active_model);
    Entity::insert_many(rows).exec_without_returning(db).await.map(|_| ())
}

pub(crate) async fn find(
    db: &impl ConnectionTrait,
    scope: &TenantScope,
    id: Uuid,
) -> Result<Option<Model>, DbErr> {
    Entity::find().filter(within(scope, id)).one(db).await
}

/// Changes what `change` sets. False when the feedback is not within `scope`.
pub(crate) async fn update(
    db: &impl ConnectionTrait,
    scope: &TenantScope,
    id: Uuid,
    change: ActiveModel,
) -> Result<bool, DbErr> {
    let updated = Entity::update_many().set(change).filter(within(scope, id)).exec(db).await?;
    Ok(updated.rows_affected == 1)
}

/// One of the feedbacks of a trace, with what all of them come to.
#[derive(FromQueryResult)]
pub(crate) struct Said {
    pub workspace_id: Uuid,
    pub trace_id: String,
    pub value: i16,
    pub weight: f64,
    pub count: i64,
    pub weighted_avg: f64,
}

/// What is thought of these traces: the newest `most` of each, by one query.
pub(crate) async fn of_traces(
    db: &impl ConnectionTrait,
    scope: &TenantScope,
    traces: impl Iterator<Item = String>,
    most: u64,
) -> Result<Vec<Said>, DbErr> {
    let of_trace = |what: &str, order: &str| {
        Expr::cust(format!("{what} OVER (PARTITION BY workspace_id, trace_id {order})"))
    };
    let all = Entity::find()
        .select_only()
        .columns([Column::WorkspaceId, Column::TraceId, Column::Value, Column::Weight])
        .column_as(of_trace("ROW_NUMBER()", "ORDER BY created_at DESC, id DESC"), "nth")
        .column_as(of_trace("COUNT(*)", ""), "count")
        .column_as(of_trace(r#"AVG("value" * "weight")"#, ""), "weighted_avg")
        .filter(Column::OrganisationId.eq(scope.organisation()))
        .filter(Column::TraceId.is_in(traces))
        .apply_if(scope.only(Column::WorkspaceId), QueryFilter::filter)
        .into_query();
    let nth = || Expr::col("nth");
    let mut newest = Query::select();
    newest.column(Asterisk).from_subquery(all, "said").and_where(nth().lte(most));
    newest.order_by_expr(nth(), Order::Asc);
    let rows = db.query_all(&newest).await?;
    rows.iter().map(|row| Said::from_query_result(row, "")).collect()
}

/// The newest `most` of a trace in a workspace.
pub(crate) async fn of_trace(
    db: &impl ConnectionTrait,
    scope: &TenantScope,
    workspace: Uuid,
    trace_id: &str,
    most: u64,
) -> Result<Vec<Model>, DbErr> {
    let rows = Entity::find()
        .filter(Column::OrganisationId.eq(scope.organisation()))
        .filter(Column::TraceId.eq(trace_id))
        .filter(Column::WorkspaceId.eq(workspace))
        .apply_if(scope.only(Column::WorkspaceId), QueryFilter::filter);
    rows.order_by_desc(Column::CreatedAt).order_by_desc(Column::Id).limit(most).all(db).await
}

fn within(scope: &TenantScope, id: Uuid) -> Condition {
    Condition::all()
        .add(Column::Id.eq(id))
        .add(Column::OrganisationId.eq(scope.organisation()))
        .add_option(scope.only(Column::WorkspaceId))
}
