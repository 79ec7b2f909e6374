//! The people of an organisation: what becomes of them when their role changes, or when they go.
//!
//! Each is done in a transaction that holds the organisation ([`crate::organisation::hold`]), so that of the last two owners who
//! go at once one stays; when it is done, everybody is told: [`crate::Keys::invalidate_person`].

use entity::{invite, membership, session, user, workspace_member};
use sea_orm::Set;
use sea_orm::prelude::*;

use super::membership::parse_role;
use super::session::revoke_in;
use crate::{Role, archive_of_user};

/// Why a person stays what they are.
#[derive(Debug, thiserror::Error)]
pub enum MemberError {
    #[error("nobody of the organisation has this id")]
    Unknown,
    /// Without one nobody could ever make another.
    #[error("it is the organisation's last owner")]
    LastOwner,
    #[error("the database failed")]
    Database(#[from] DbErr),
}

/// What somebody was who is removed, and what went with them.
#[derive(Debug)]
pub struct Removed {
    pub role: Role,
    pub email: String,
    /// Those that were open for their address.
    pub invites: Vec<Uuid>,
    pub sessions: u64,
    pub api_keys: u64,
}

/// What the person is now.
///
/// # Errors
/// [`MemberError::Unknown`], or that the database failed.
pub async fn role_of(
    txn: &impl ConnectionTrait,
    organisation: Uuid,
    user: Uuid,
) -> Result<Role, MemberError> {
    let row = membership::Entity::find_by_id((organisation, user)).one(txn).await?;
    Ok(parse_role(&row.ok_or(MemberError::Unknown)?)?)
}

/// Gives a person another role.
///
/// # Errors
/// [`MemberError`].
pub async fn change_role(
    txn: &impl ConnectionTrait,
    organisation: Uuid,
    user: Uuid,
    role: Role,
    now_ms: i64,
) -> Result<(), MemberError> {
    let was = role_of(txn, organisation, user).await?;
    if was == Role::Owner && role != Role::Owner {
        another_owner(txn, organisation, user).await?;
    }
    let change = membership::ActiveModel {
        role: Set(role.as_str().to_owned()),
        last_updated_at: Set(now_ms),
        ..Default::default()
    };
    membership::Entity::update_many()
        .set(change)
        .filter(membership::Column::OrganisationId.eq(organisation))
        .filter(membership::Column::UserId.eq(user))
        .exec(txn)
        .await?;
    Ok(())
}

/// Takes a person out of the organisation: out of its workspaces, with their sessions in it, their keys of it and what invites
/// their address. Their account stays: it may be in others.
///
/// # Errors
/// [`MemberError`].
pub async fn remove(
    txn: &impl ConnectionTrait,
    organisation: Uuid,
    user: Uuid,
    now_ms: i64,
) -> Result<Removed, MemberError> {
    let role = role_of(txn, organisation, user).await?;
    if role == Role::Owner {
        another_owner(txn, organisation, user).await?;
    }
    let email = user::Entity::find_by_id(user).one(txn).await?.map(|row| row.email).unwrap_or_default();
    membership::Entity::delete_by_id((organisation, user)).exec(txn).await?;
    workspace_member::Entity::delete_many()
        .filter(workspace_member::Column::OrganisationId.eq(organisation))
        .filter(workspace_member::Column::UserId.eq(user))
        .exec(txn)
        .await?;
    let invites = cancel_invites(txn, organisation, &email, now_ms).await?;
    let sessions = revoke_in(txn, user, session::Column::OrganisationId.eq(organisation), now_ms).await?;
    let api_keys = archive_of_user(txn, organisation, user, now_ms).await?.len() as u64;
    Ok(Removed { role, email, invites, sessions: sessions.len() as u64, api_keys })
}

/// Refuses unless somebody else is an owner too.
async fn another_owner(
    txn: &impl ConnectionTrait,
    organisation: Uuid,
    user: Uuid,
) -> Result<(), MemberError> {
    let others = membership::Entity::find()
        .filter(membership::Column::OrganisationId.eq(organisation))
        .filter(membership::Column::Role.eq(Role::Owner.as_str()))
        .filter(membership::Column::UserId.ne(user))
        .count(txn)
        .await?;
    if others == 0 { Err(MemberError::LastOwner) } else { Ok(()) }
}

/// Cancels the open invites of an address; their ids.
async fn cancel_invites(
    txn: &impl ConnectionTrait,
    organisation: Uuid,
    email: &str,
    now_ms: i64,
) -> Result<Vec<Uuid>, DbErr> {
    let cancelled = invite::ActiveModel { cancelled_at: Set(Some(now_ms)), ..Default::default() };
    let rows = invite::Entity::update_many()
        .set(cancelled)
        .filter(invite::Column::OrganisationId.eq(organisation))
        .filter(invite::Column::Email.eq(email))
        .filter(invite::Column::AcceptedAt.is_null())
        .filter(invite::Column::CancelledAt.is_null())
        .exec_with_returning(txn)
        .await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}
