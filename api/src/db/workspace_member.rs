use std::collections::HashMap;

use entity::workspace_member::{ActiveModel, Column, Entity, Model};
use entity::{membership, workspace};
use sea_orm::prelude::*;
use sea_orm::sea_query::OnConflict;
use sea_orm::{IntoActiveModel, QueryOrder, QuerySelect, QueryTrait, Select, Set};
use tenancy::TenantScope;

use super::user;
use crate::paging::Paging;

/// A member, who they are, and what they are in the organisation.
pub(crate) struct Member {
    pub row: Model,
    pub user: entity::user::Model,
    pub role: String,
}

/// What a list of members is narrowed to.
pub(crate) struct Filter {
    pub role: Option<String>,
    pub email: Option<String>,
}

/// A page of a workspace's members, the newest first, and how many there are in all.
pub(crate) async fn list(
    db: &impl ConnectionTrait,
    scope: &TenantScope,
    workspace_id: Uuid,
    filter: Filter,
    paging: Paging,
) -> Result<(u64, Vec<Member>), DbErr> {
    let rows = of_workspace(scope, workspace_id)
        .apply_if(filter.role, |rows, role| rows.filter(Column::Role.eq(role)))
        .apply_if(filter.email, |rows, email| {
            rows.filter(Column::UserId.in_subquery(user::known_by(&email)))
        });
    let (total, rows) = paging.read(db, newest_first(rows)).await?;
    Ok((total, with_users(db, scope.organisation(), rows).await?))
}

/// A workspace's newest members.
pub(crate) async fn newest(
    db: &impl ConnectionTrait,
    workspace: &workspace::Model,
    limit: u64,
) -> Result<Vec<Member>, DbErr> {
    let rows = newest_first(Entity::find().filter(Column::WorkspaceId.eq(workspace.id))).limit(limit);
    with_users(db, workspace.organisation_id, rows.all(db).await?).await
}

pub(crate) async fn find(
    db: &impl ConnectionTrait,
    scope: &TenantScope,
    workspace_id: Uuid,
    user_id: Uuid,
) -> Result<Option<Member>, DbErr> {
    let rows = of_workspace(scope, workspace_id).filter(Column::UserId.eq(user_id)).all(db).await?;
    Ok(with_users(db, scope.organisation(), rows).await?.pop())
}

/// Makes a person a member, or a member something else.
pub(crate) async fn put(db: &impl ConnectionTrait, row: Model) -> Result<(), DbErr> {
    let again = OnConflict::columns([Column::WorkspaceId, Column::UserId])
        .update_columns([Column::Role, Column::LastUpdatedAt])
        .to_owned();
    Entity::insert(row.into_active_model()).on_conflict(again).exec_without_returning(db).await.map(|_| ())
}

/// False when the person is no member any more.
pub(crate) async fn set_role(
    db: &impl ConnectionTrait,
    workspace_id: Uuid,
    user_id: Uuid,
    role: &str,
    now_ms: i64,
) -> Result<bool, DbErr> {
    let change =
        ActiveModel { role: Set(role.to_owned()), last_updated_at: Set(now_ms), ..Default::default() };
    let rows = Entity::update_many().set(change).filter(Column::WorkspaceId.eq(workspace_id));
    Ok(rows.filter(Column::UserId.eq(user_id)).exec(db).await?.rows_affected == 1)
}

/// Takes a person, or everybody, out of a workspace; how many there were.
pub(crate) async fn remove(
    db: &impl ConnectionTrait,
    workspace_id: Uuid,
    user_id: Option<Uuid>,
) -> Result<u64, DbErr> {
    let rows = Entity::delete_many().filter(Column::WorkspaceId.eq(workspace_id));
    let rows = rows.apply_if(user_id, |rows, user| rows.filter(Column::UserId.eq(user)));
    Ok(rows.exec(db).await?.rows_affected)
}

fn newest_first(rows: Select<Entity>) -> Select<Entity> {
    rows.order_by_desc(Column::CreatedAt).order_by_desc(Column::UserId)
}

fn of_workspace(scope: &TenantScope, workspace_id: Uuid) -> Select<Entity> {
    Entity::find()
        .filter(Column::OrganisationId.eq(scope.organisation()))
        .filter(Column::WorkspaceId.eq(workspace_id))
}

async fn with_users(
    db: &impl ConnectionTrait,
    organisation: Uuid,
    rows: Vec<Model>,
) -> Result<Vec<Member>, DbErr> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<Uuid> = rows.iter().map(|row| row.user_id).collect();
    let mut users = user::of(db, ids.iter().copied()).await?;
    let roles = membership::Entity::find()
        .filter(membership::Column::OrganisationId.eq(organisation))
        .filter(membership::Column::UserId.is_in(ids))
        .all(db)
        .await?;
    let roles: HashMap<Uuid, String> = roles.into_iter().map(|row| (row.user_id, row.role)).collect();
    let member = |row: Model| {
        let (user, role) = (users.remove(&row.user_id)?, roles.get(&row.user_id)?.clone());
        Some(Member { row, user, role })
    };
    Ok(rows.into_iter().filter_map(member).collect())
}
