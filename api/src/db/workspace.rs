use std::collections::{BTreeSet, HashMap};

use entity::workspace::{ActiveModel, Column, Entity, Model};
use entity::{api_key, config, guardrail, otel_destination, virtual_key};
use sea_orm::prelude::*;
use sea_orm::sea_query::{Expr, ExprTrait as _, Func};
use sea_orm::{IntoActiveModel, QueryOrder, QuerySelect, QueryTrait, Select};
use tenancy::TenantScope;

use crate::paging::Paging;

/// The workspace at work with this slug or id within `scope`.
pub(crate) async fn find(
    db: &impl ConnectionTrait,
    scope: &TenantScope,
    named: &str,
) -> Result<Option<Model>, DbErr> {
    Ok(ever(db, scope, named).await?.filter(|row| row.status == "active"))
}

/// The same, archived ones too: no slug is given twice.
pub(crate) async fn ever(
    db: &impl ConnectionTrait,
    scope: &TenantScope,
    named: &str,
) -> Result<Option<Model>, DbErr> {
    if named.contains('\0') {
        return Ok(None); // PostgreSQL refuses even to look for one.
    }
    let rows = within(scope);
    let rows = match named.parse::<Uuid>() {
        Ok(id) => rows.filter(Column::Id.eq(id)),
        Err(_) => rows.filter(Column::Slug.eq(named)),
    };
    rows.one(db).await
}

/// What a list of workspaces is narrowed to.
pub(crate) struct Filter {
    /// In the name, in these letters.
    pub contains: Option<String>,
    pub name: Option<String>,
    pub statuses: Vec<&'static str>,
}

/// A page, newest first, and how many there are in all.
pub(crate) async fn list(
    db: &impl ConnectionTrait,
    scope: &TenantScope,
    filter: Filter,
    paging: Paging,
) -> Result<(u64, Vec<Model>), DbErr> {
    // LIKE of SQLite knows no case.
    let contains = |rows: Select<Entity>, text: String| {
        let without = Func::cust("replace").args([Expr::col(Column::Name), Expr::val(text), Expr::val("")]);
        rows.filter(Expr::col(Column::Name).ne(without))
    };
    let rows = within(scope)
        .filter(Column::Status.is_in(filter.statuses))
        .apply_if(filter.contains, contains)
        .apply_if(filter.name, |rows, name| rows.filter(Column::Name.eq(name)))
        .order_by_desc(Column::CreatedAt)
        .order_by_desc(Column::Id);
    paging.read(db, rows).await
}

/// How many are at work in the whole organisation.
pub(crate) async fn count(db: &impl ConnectionTrait, organisation: Uuid) -> Result<u64, DbErr> {
    let rows = Entity::find().filter(Column::OrganisationId.eq(organisation));
    rows.filter(Column::Status.eq("active")).count(db).await
}

pub(crate) async fn insert(db: &impl ConnectionTrait, row: Model) -> Result<(), DbErr> {
    Entity::insert(row.into_active_model()).exec_without_returning(db).await.map(|_| ())
}

/// Changes what `change` sets. False when the workspace is not at work any more.
pub(crate) async fn update(db: &impl ConnectionTrait, id: Uuid, change: ActiveModel) -> Result<bool, DbErr> {
    let rows = Entity::update_many().set(change).filter(Column::Id.eq(id));
    Ok(rows.filter(Column::Status.eq("active")).exec(db).await?.rows_affected == 1)
}

/// What is at work in a workspace, and how much of it.
pub(crate) async fn resources(
    db: &impl ConnectionTrait,
    id: Uuid,
) -> Result<[(&'static str, u64); 4], DbErr> {
    let virtual_keys = virtual_key::Entity::find()
        .filter(virtual_key::Column::WorkspaceId.eq(id))
        .filter(virtual_key::Column::Status.eq("active"));
    let configs = config::Entity::find()
        .filter(config::Column::WorkspaceId.eq(id))
        .filter(config::Column::Status.eq("active"));
    let guardrails = guardrail::Entity::find()
        .filter(guardrail::Column::WorkspaceId.eq(id))
        .filter(guardrail::Column::Status.eq("active"));
    let destinations = otel_destination::Entity::find().filter(otel_destination::Column::WorkspaceId.eq(id));
    Ok([
        ("virtual keys", virtual_keys.count(db).await?),
        ("configs", configs.count(db).await?),
        ("guardrails", guardrails.count(db).await?),
        ("destinations of spans", destinations.count(db).await?),
    ])
}

/// Archives the keys to a workspace, of one person or all.
pub(crate) async fn archive_keys(
    db: &impl ConnectionTrait,
    id: Uuid,
    of_user: Option<Uuid>,
    now_ms: i64,
) -> Result<(), DbErr> {
    api_key::Entity::update_many()
        .col_expr(api_key::Column::Status, Expr::value("archived"))
        .col_expr(api_key::Column::LastUpdatedAt, Expr::value(now_ms))
        .filter(api_key::Column::WorkspaceId.eq(id))
        .filter(api_key::Column::Status.eq("active"))
        .apply_if(of_user, |rows, user| rows.filter(api_key::Column::UserId.eq(user)))
        .exec(db)
        .await
        .map(|_| ())
}

/// The slugs of these workspaces of the scope's organisation.
pub(crate) async fn slugs(
    db: &impl ConnectionTrait,
    scope: &TenantScope,
    ids: impl Iterator<Item = Uuid>,
) -> Result<HashMap<Uuid, String>, DbErr> {
    let ids: BTreeSet<Uuid> = ids.collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows: Vec<(Uuid, String)> = Entity::find()
        .select_only()
        .columns([Column::Id, Column::Slug])
        .filter(Column::OrganisationId.eq(scope.organisation()))
        .filter(Column::Id.is_in(ids))
        .into_tuple()
        .all(db)
        .await?;
    Ok(rows.into_iter().collect())
}

fn within(scope: &TenantScope) -> Select<Entity> {
    Entity::find()
        .filter(Column::OrganisationId.eq(scope.organisation()))
        .apply_if(scope.only(Column::Id), QueryFilter::filter)
}
