//! What a person is in an organisation, and in which of its workspaces.

use entity::{membership, workspace, workspace_member};
use sea_orm::QueryOrder;
use sea_orm::prelude::*;

use crate::Role;
use crate::tenant::Membership;

/// A person's role in an organisation; `None` when they are not in it.
pub(super) async fn role(
    db: &impl ConnectionTrait,
    organisation: Uuid,
    user: Uuid,
) -> Result<Option<Role>, DbErr> {
    let row = membership::Entity::find_by_id((organisation, user)).one(db).await?;
    row.map(|row| parse_role(&row)).transpose()
}

pub(super) fn parse_role(row: &membership::Model) -> Result<Role, DbErr> {
    row.role.parse().map_err(|error| DbErr::Type(format!("role of user {}: {error}", row.user_id)))
}

/// The workspaces at work that a person is in, the default one first.
pub(super) async fn memberships(
    db: &impl ConnectionTrait,
    organisation: Uuid,
    user: Uuid,
) -> Result<Vec<Membership>, DbErr> {
    let rows = workspace_member::Entity::find()
        .filter(workspace_member::Column::OrganisationId.eq(organisation))
        .filter(workspace_member::Column::UserId.eq(user))
        .all(db)
        .await?;
    let workspaces = workspace::Entity::find()
        .filter(workspace::Column::OrganisationId.eq(organisation))
        .filter(workspace::Column::Status.eq("active"))
        .filter(workspace::Column::Id.is_in(rows.iter().map(|row| row.workspace_id)))
        .order_by_desc(workspace::Column::IsDefault)
        .order_by_asc(workspace::Column::CreatedAt)
        .all(db)
        .await?;
    let as_member = |workspace: workspace::Model| {
        let row = rows.iter().find(|row| row.workspace_id == workspace.id)?;
        let role = row.role.parse();
        let role = role.map_err(|error| DbErr::Type(format!("role of user {user}: {error}")));
        Some(role.map(|role| Membership { workspace_id: workspace.id, slug: workspace.slug, role }))
    };
    workspaces.into_iter().filter_map(as_member).collect()
}

/// Whether a person of the organisation is in the workspace, or reaches all of them.
pub(crate) async fn reaches(
    db: &impl ConnectionTrait,
    organisation: Uuid,
    user: Uuid,
    workspace: Option<Uuid>,
) -> Result<bool, DbErr> {
    match (role(db, organisation, user).await?, workspace) {
        (None, _) => Ok(false),
        (Some(Role::Member), Some(workspace)) => {
            let row = workspace_member::Entity::find_by_id((workspace, user)).one(db).await?;
            Ok(row.is_some())
        }
        (Some(_), _) => Ok(true),
    }
}
