use std::collections::HashMap;

use entity::membership::{Column, Entity, Model};
use entity::workspace_member;
use sea_orm::QuerySelect as _;
use sea_orm::prelude::*;
use sea_orm::{QueryOrder, QueryTrait};
use tenancy::{Role, TenantScope};

use super::{user, workspace};
use crate::paging::Paging;

/// What the user is in the scope's organisation.
pub(crate) async fn find(
    db: &impl ConnectionTrait,
    scope: &TenantScope,
    user_id: Uuid,
) -> Result<Option<Model>, DbErr> {
    let rows = Entity::find().filter(Column::OrganisationId.eq(scope.organisation()));
    rows.filter(Column::UserId.eq(user_id)).one(db).await
}

/// A page of the organisation's people, those who came first first, and how many there are in all.
pub(crate) async fn list(
    db: &impl ConnectionTrait,
    scope: &TenantScope,
    role: Option<Role>,
    email: Option<String>,
    paging: Paging,
) -> Result<(u64, Vec<Model>), DbErr> {
    let rows = Entity::find()
        .filter(Column::OrganisationId.eq(scope.organisation()))
        .apply_if(role, |rows, role| rows.filter(Column::Role.eq(role.as_str())))
        .apply_if(email, |rows, email| rows.filter(Column::UserId.in_subquery(user::known_by(&email))))
        .order_by_asc(Column::CreatedAt)
        .order_by_asc(Column::UserId);
    paging.read(db, rows).await
}

/// Whether somebody of the organisation has this address.
pub(crate) async fn has_address(
    db: &impl ConnectionTrait,
    scope: &TenantScope,
    email: &str,
) -> Result<bool, DbErr> {
    let rows = Entity::find().filter(Column::OrganisationId.eq(scope.organisation()));
    Ok(rows.filter(Column::UserId.in_subquery(user::known_by(email))).one(db).await?.is_some())
}

/// The slugs of the workspaces that each of these people is in.
pub(crate) async fn workspaces(
    db: &impl ConnectionTrait,
    scope: &TenantScope,
    users: impl Iterator<Item = Uuid>,
) -> Result<HashMap<Uuid, Vec<String>>, DbErr> {
    let rows = workspace_member::Entity::find()
        .filter(workspace_member::Column::OrganisationId.eq(scope.organisation()))
        .filter(workspace_member::Column::UserId.is_in(users))
        .order_by_asc(workspace_member::Column::CreatedAt)
        .all(db)
        .await?;
    let slugs = workspace::slugs(db, scope, rows.iter().map(|row| row.workspace_id)).await?;
    let mut of: HashMap<Uuid, Vec<String>> = HashMap::new();
    for row in rows {
        if let Some(slug) = slugs.get(&row.workspace_id) {
            of.entry(row.user_id).or_default().push(slug.clone());
        }
    }
    Ok(of)
}

/// Whether the user is in the workspace, or an owner or admin of the scope's organisation, and stays so until the transaction ends.
pub(crate) async fn hold(
    txn: &impl ConnectionTrait,
    scope: &TenantScope,
    user_id: Uuid,
    workspace_id: Option<Uuid>,
) -> Result<bool, DbErr> {
    let row = Entity::find_by_id((scope.organisation(), user_id)).lock_shared().one(txn).await?;
    let Some(row) = row else { return Ok(false) };
    match workspace_id.filter(|_| row.role == "member") {
        Some(id) => {
            let row = workspace_member::Entity::find_by_id((id, user_id)).lock_shared().one(txn).await?;
            Ok(row.is_some())
        }
        None => Ok(true),
    }
}
