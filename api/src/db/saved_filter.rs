//! They are of all who are in the organisation, whatever workspace they reach.

use entity::saved_filter::{ActiveModel, Column, Entity, Model};
use sea_orm::prelude::*;
use sea_orm::{Condition, IntoActiveModel, QueryOrder};
use tenancy::TenantScope;

pub(crate) async fn insert(db: &impl ConnectionTrait, row: Model) -> Result<(), DbErr> {
    Entity::insert(row.into_active_model()).exec_without_returning(db).await.map(|_| ())
}

pub(crate) async fn count(db: &impl ConnectionTrait, scope: &TenantScope) -> Result<u64, DbErr> {
    Entity::find().filter(Column::OrganisationId.eq(scope.organisation())).count(db).await
}

/// All of them, the newest first.
pub(crate) async fn list(db: &impl ConnectionTrait, scope: &TenantScope) -> Result<Vec<Model>, DbErr> {
    let rows = Entity::find().filter(Column::OrganisationId.eq(scope.organisation()));
    rows.order_by_desc(Column::CreatedAt).order_by_desc(Column::Id).all(db).await
}

pub(crate) async fn find(
    db: &impl ConnectionTrait,
    scope: &TenantScope,
    id: Uuid,
) -> Result<Option<Model>, DbErr> {
    Entity::find().filter(within(scope, id)).one(db).await
}

/// Changes what `change` sets. False when it is not there any more.
pub(crate) async fn update(
    db: &impl ConnectionTrait,
    scope: &TenantScope,
    id: Uuid,
    change: ActiveModel,
) -> Result<bool, DbErr> {
    let updated = Entity::update_many().set(change).filter(within(scope, id)).exec(db).await?;
    Ok(updated.rows_affected == 1)
}

/// False when it is not there any more.
pub(crate) async fn delete(db: &impl ConnectionTrait, scope: &TenantScope, id: Uuid) -> Result<bool, DbErr> {
    let deleted = Entity::delete_many().filter(within(scope, id)).exec(db).await?;
    Ok(deleted.rows_affected == 1)
}

fn within(scope: &TenantScope, id: Uuid) -> Condition {
    Condition::all().add(Column::Id.eq(id)).add(Column::OrganisationId.eq(scope.organisation()))
}
