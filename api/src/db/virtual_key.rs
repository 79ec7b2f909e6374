use std::collections::HashMap;

use entity::virtual_key::{ActiveModel, Column, Entity, Model};
use sea_orm::prelude::*;
use sea_orm::{IntoActiveModel, QueryOrder, QuerySelect, QueryTrait, Select};
use tenancy::TenantScope;

use crate::paging::Paging;

pub(crate) async fn insert(db: &impl ConnectionTrait, row: Model) -> Result<(), DbErr> {
    Entity::insert(row.into_active_model()).exec_without_returning(db).await.map(|_| ())
}

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

/// The statuses of those that there are of these slugs.
pub(crate) async fn statuses(
    db: &impl ConnectionTrait,
    scope: &TenantScope,
    slugs: impl Iterator<Item = &str>,
) -> Result<HashMap<String, String>, DbErr> {
    // PostgreSQL refuses even to look for one with a NUL.
    let slugs = slugs.filter(|slug| !slug.contains('\0'));
    let rows: Vec<(String, String)> = Entity::find()
        .select_only()
        .column(Column::Slug)
        .column(Column::Status)
        .filter(Column::OrganisationId.eq(scope.organisation()))
        .apply_if(scope.only(Column::WorkspaceId), QueryFilter::filter)
        .filter(Column::Slug.is_in(slugs))
        .into_tuple()
        .all(db)
        .await?;
    Ok(rows.into_iter().collect())
}

/// The status of the virtual key that a log was made with, whether archived or not.
pub(crate) async fn status(
    db: &impl ConnectionTrait,
    scope: &TenantScope,
    log: &entity::log::Model,
) -> Result<Option<String>, DbErr> {
    let Some(slug) = log.virtual_key.as_deref() else { return Ok(None) };
    let rows = Entity::find().select_only().column(Column::Status);
    let rows = rows.filter(Column::OrganisationId.eq(scope.organisation()));
    let rows = rows.filter(Column::WorkspaceId.eq(log.workspace_id)).filter(Column::Slug.eq(slug));
    rows.into_tuple().one(db).await
}

/// A page of the virtual keys, newest first, and how many there are in all.
pub(crate) async fn list(
    db: &impl ConnectionTrait,
    scope: &TenantScope,
    paging: Paging,
) -> Result<(u64, Vec<Model>), DbErr> {
    let rows = within(scope);
    let rows = rows.order_by_desc(Column::CreatedAt).order_by_desc(Column::Id);
    paging.read(db, rows).await
}

/// Changes what `change` sets. False when the virtual key is not within `scope` any more.
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
        .filter(Column::Status.eq("active"))
        .exec(db)
        .await?;
    Ok(updated.rows_affected == 1)
}

fn within(scope: &TenantScope) -> Select<Entity> {
    Entity::find()
        .filter(Column::OrganisationId.eq(scope.organisation()))
        .filter(Column::Status.eq("active"))
        .apply_if(scope.only(Column::WorkspaceId), QueryFilter::filter)
}
