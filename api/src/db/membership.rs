use entity::membership::{Column, Entity, Model};
use entity::workspace_member;
use sea_orm::prelude::*;
use tenancy::TenantScope;

/// What the user is in the scope's organisation.
pub(crate) async fn find(
    db: &impl ConnectionTrait,
    scope: &TenantScope,
    user_id: Uuid,
) -> Result<Option<Model>, DbErr> {
    let rows = Entity::find().filter(Column::OrganisationId.eq(scope.organisation()));
    rows.filter(Column::UserId.eq(user_id)).one(db).await
}

/// Whether the user is in the workspace, or an owner or admin of the scope's organisation.
pub(crate) async fn reaches(
    db: &impl ConnectionTrait,
    scope: &TenantScope,
    user_id: Uuid,
    workspace_id: Option<Uuid>,
) -> Result<bool, DbErr> {
    let Some(row) = find(db, scope, user_id).await? else { return Ok(false) };
    match workspace_id.filter(|_| row.role == "member") {
        Some(id) => Ok(workspace_member::Entity::find_by_id((id, user_id)).one(db).await?.is_some()),
        None => Ok(true),
    }
}
