use entity::alert_delivery;
use entity::webhook_endpoint::{ActiveModel, Column, Entity, Model};
use sea_orm::prelude::*;
use sea_orm::{IntoActiveModel, QueryOrder, Select};
use tenancy::TenantScope;

pub(crate) async fn insert(db: &impl ConnectionTrait, row: Model) -> Result<(), DbErr> {
    Entity::insert(row.into_active_model()).exec_without_returning(db).await.map(|_| ())
}

pub(crate) async fn count(db: &impl ConnectionTrait, scope: &TenantScope) -> Result<u64, DbErr> {
    within(scope).count(db).await
}

pub(crate) async fn find(
    db: &impl ConnectionTrait,
    scope: &TenantScope,
    id: Uuid,
) -> Result<Option<Model>, DbErr> {
    within(scope).filter(Column::Id.eq(id)).one(db).await
}

/// All of them, the oldest first.
pub(crate) async fn list(db: &impl ConnectionTrait, scope: &TenantScope) -> Result<Vec<Model>, DbErr> {
    within(scope).order_by_asc(Column::CreatedAt).order_by_asc(Column::Id).all(db).await
}

/// Changes what `change` sets. False when the endpoint is not within `scope` any more.
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

/// Deletes it and the log of its deliveries. False when it is not within `scope` any more.
pub(crate) async fn delete(txn: &impl ConnectionTrait, scope: &TenantScope, id: Uuid) -> Result<bool, DbErr> {
    let deleted = Entity::delete_many()
        .filter(Column::Id.eq(id))
        .filter(Column::OrganisationId.eq(scope.organisation()))
        .exec(txn)
        .await?;
    alert_delivery::Entity::delete_many()
        .filter(alert_delivery::Column::EndpointId.eq(id))
        .filter(alert_delivery::Column::OrganisationId.eq(scope.organisation()))
        .exec(txn)
        .await?;
    Ok(deleted.rows_affected == 1)
}

fn within(scope: &TenantScope) -> Select<Entity> {
    Entity::find().filter(Column::OrganisationId.eq(scope.organisation()))
}
