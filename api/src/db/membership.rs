use entity::membership::{Column, Entity};
use sea_orm::prelude::*;
use tenancy::TenantScope;

/// Whether the user belongs to the scope's organisation.
pub(crate) async fn exists(
    db: &impl ConnectionTrait,
    scope: &TenantScope,
    user_id: Uuid,
) -> Result<bool, DbErr> {
    let found = Entity::find()
        .filter(Column::OrganisationId.eq(scope.organisation()))
        .filter(Column::UserId.eq(user_id))
        .one(db)
        .await?;
    Ok(found.is_some())
}
