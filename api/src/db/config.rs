use entity::config::{ActiveModel, Column, Entity, Model};
use entity::config_version::{self, Model as Version};
use sea_orm::prelude::*;
use sea_orm::sea_query::Expr;
use sea_orm::{IntoActiveModel, QueryOrder, QueryTrait, Select};
use tenancy::TenantScope;

use crate::paging::Paging;

pub(crate) async fn insert(txn: &impl ConnectionTrait, row: Model, version: Version) -> Result<(), DbErr> {
    insert_version(txn, version).await?;
    Entity::insert(row.into_active_model()).exec_without_returning(txn).await.map(|_| ())
}

pub(crate) async fn insert_version(txn: &impl ConnectionTrait, version: Version) -> Result<(), DbErr> {
    let version = config_version::Entity::insert(version.into_active_model());
    version.exec_without_returning(txn).await.map(|_| ())
}

/// Archived ones too.
pub(crate) async fn find(
    db: &impl ConnectionTrait,
    scope: &TenantScope,
    slug: &str,
) -> Result<Option<Model>, DbErr> {
    if slug.contains('\0') {
        return Ok(None); // PostgreSQL refuses even to look for one.
    }
    within(scope).filter(Column::Slug.eq(slug)).one(db).await
}

/// The same by slug or id.
pub(crate) async fn named(
    db: &impl ConnectionTrait,
    scope: &TenantScope,
    named: &str,
) -> Result<Option<Model>, DbErr> {
    match named.parse::<Uuid>() {
        Ok(id) => within(scope).filter(Column::Id.eq(id)).one(db).await,
        Err(_) => find(db, scope, named).await,
    }
}

/// How many are at work.
pub(crate) async fn count(db: &impl ConnectionTrait, scope: &TenantScope) -> Result<u64, DbErr> {
    at_work(scope).count(db).await
}

/// A page of those at work, newest first, and how many there are in all.
pub(crate) async fn list(
    db: &impl ConnectionTrait,
    scope: &TenantScope,
    paging: Paging,
) -> Result<(u64, Vec<Model>), DbErr> {
    let rows = at_work(scope).order_by_desc(Column::CreatedAt).order_by_desc(Column::Id);
    paging.read(db, rows).await
}

/// Changes what `change` sets. False when the config is not within `scope` any more.
pub(crate) async fn update(
    db: &impl ConnectionTrait,
    scope: &TenantScope,
    id: Uuid,
    change: ActiveModel,
) -> Result<bool, DbErr> {
    let updated = Entity::update_many()
        .set(change)
        .filter(Column::Id.eq(id))
        .filter(Column::OrganisationId.eq(scope.organisation()))
        .exec(db)
        .await?;
    Ok(updated.rows_affected == 1)
}

/// Takes the mark of the default from whichever has it in this workspace.
pub(crate) async fn unmark(
    txn: &impl ConnectionTrait,
    scope: &TenantScope,
    workspace: Uuid,
) -> Result<(), DbErr> {
    Entity::update_many()
        .col_expr(Column::IsDefault, Expr::value(false))
        .filter(Column::OrganisationId.eq(scope.organisation()))
        .filter(Column::WorkspaceId.eq(workspace))
        .filter(Column::IsDefault.eq(true))
        .exec(txn)
        .await
        .map(|_| ())
}

/// A version of a config that was found within the scope.
pub(crate) async fn version(
    db: &impl ConnectionTrait,
    of: &Model,
    id: Uuid,
) -> Result<Option<Version>, DbErr> {
    versions_of(of).filter(config_version::Column::Id.eq(id)).one(db).await
}

/// A page of them, newest first, and how many there are in all.
pub(crate) async fn versions(
    db: &impl ConnectionTrait,
    of: &Model,
    paging: Paging,
) -> Result<(u64, Vec<Version>), DbErr> {
    let rows = versions_of(of);
    let rows =
        rows.order_by_desc(config_version::Column::CreatedAt).order_by_desc(config_version::Column::Id);
    paging.read(db, rows).await
}

fn versions_of(of: &Model) -> Select<config_version::Entity> {
    config_version::Entity::find()
        .filter(config_version::Column::ConfigId.eq(of.id))
        .filter(config_version::Column::OrganisationId.eq(of.organisation_id))
}

fn at_work(scope: &TenantScope) -> Select<Entity> {
    within(scope).filter(Column::Status.eq("active"))
}

fn within(scope: &TenantScope) -> Select<Entity> {
    Entity::find()
        .filter(Column::OrganisationId.eq(scope.organisation()))
        .apply_if(scope.only(Column::WorkspaceId), QueryFilter::filter)
}
