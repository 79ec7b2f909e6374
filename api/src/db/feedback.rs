use entity::feedback::{ActiveModel, Column, Entity, Model};
use sea_orm::prelude::*;
use sea_orm::{Condition, IntoActiveModel};
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

fn within(scope: &TenantScope, id: Uuid) -> Condition {
    Condition::all()
        .add(Column::Id.eq(id))
        .add(Column::OrganisationId.eq(scope.organisation()))
        .add_option(scope.only(Column::WorkspaceId))
}
