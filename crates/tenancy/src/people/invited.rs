//! What an invite says to who holds its link.

use entity::{invite, organisation, user};
use sea_orm::prelude::*;
use secrecy::SecretString;

use super::accept::is_open;
use super::{People, link_token};

/// An open invite.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invited {
    /// The organisation's name.
    pub organisation: String,
    /// `admin` or `member`.
    pub role: String,
    pub email: String,
    /// The name of the person who invites; none: a key did.
    pub invited_by: Option<String>,
    /// The account that has the address.
    pub account: Option<Uuid>,
    /// Unix milliseconds.
    pub expires_at: i64,
}

impl People {
    /// The open invite that has this token.
    ///
    /// # Errors
    /// [`DbErr`] if the database fails.
    pub async fn invited(&self, token: &SecretString) -> Result<Option<Invited>, DbErr> {
        let inner = &*self.0;
        let db = &inner.parts.db;
        let Some(hash) = link_token::hash(link_token::INVITE, token) else { return Ok(None) };
        let found = invite::Entity::find().filter(invite::Column::TokenHash.eq(hash)).one(db).await?;
        let Some(row) = found.filter(|row| is_open(row, inner.now_ms())) else { return Ok(None) };
        let organisation = organisation::Entity::find_by_id(row.organisation_id).one(db).await?;
        let Some(organisation) = organisation else { return Ok(None) };
        let invited_by = match row.invited_by {
            Some(id) => user::Entity::find_by_id(id).one(db).await?.map(|user| user.name()),
            None => None,
        };
        let account = user::Entity::find().filter(user::Column::Email.eq(&row.email)).one(db).await?;
        Ok(Some(Invited {
            organisation: organisation.name,
            role: row.role,
            email: row.email,
            invited_by,
            account: account.map(|user| user.id),
            expires_at: row.expires_at,
        }))
    }
}
