use entity::otel_destination::{ActiveModel, Column, Entity, Model};
use entity::otel_outbox;
use sea_orm::prelude::*;
use sea_orm::{Condition, IntoActiveModel, QueryOrder, Select};
use tenancy::TenantScope;

pub(crate) async fn insert(db: &impl ConnectionTrait, row: Model) -> Result<(), DbErr> {
    Entity::insert(row.into_active_model()).exec_without_returning(db).await.map(|_| ())
}

/// Of the whole organisation.
pub(crate) async fn count(db: &impl ConnectionTrait, organisation: Uuid) -> Result<u64, DbErr> {
    Entity::find().filter(Column::OrganisationId.eq(organisation)).count(db).await
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

/// Changes what `change` sets. False when the destination is not within `scope` any more.
pub(crate) async fn update(
    db: &impl ConnectionTrait,
    scope: &TenantScope,
    id: Uuid,
    change: ActiveModel,
) -> Result<bool, DbErr> {
    let updated =
        Entity::update_many().set(change).filter(Column::Id.eq(id)).filter(reached(scope)).exec(db).await?;
    Ok(updated.rows_affected == 1)
}

/// Deletes it and what is on its way there. False when it is not within `scope` any more.
pub(crate) async fn delete(txn: &impl ConnectionTrait, scope: &TenantScope, id: Uuid) -> Result<bool, DbErr> {
    let deleted = Entity::delete_many().filter(Column::Id.eq(id)).filter(reached(scope)).exec(txn).await?;
    if deleted.rows_affected == 0 {
        return Ok(false);
    }
    otel_outbox::Entity::delete_many()
        .filter(otel_outbox::Column::DestinationId.eq(id))
        .filter(otel_outbox::Column::OrganisationId.eq(scope.organisation()))
        .exec(txn)
        .await?;
    Ok(true)
}

fn within(scope: &TenantScope) -> Select<Entity> {
    Entity::find().filter(reached(scope))
}

/// A workspace's key reaches what gets its workspace's logs alone.
fn reached(scope: &TenantScope) -> Condition {
    let mine = Condition::all().add(Column::OrganisationId.eq(scope.organisation()));
    mine.add_option(scope.only(Column::WorkspaceId))
}
