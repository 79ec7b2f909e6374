//! A person's sign-in to one organisation, from the password to the sign-out. The refresh token itself is never stored.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "session")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub user_id: Uuid,
    pub organisation_id: Uuid,
    /// SHA-256 of the part that all refresh tokens of the session have in common.
    #[sea_orm(unique)]
    pub family_hash: Vec<u8>,
    /// SHA-256 of the one refresh token that works.
    pub refresh_hash: Vec<u8>,
    pub created_at: i64,
    /// When it was signed in or refreshed last.
    pub last_used_at: i64,
    /// When its refresh token ends.
    pub expires_at: i64,
    pub revoked_at: Option<i64>,
    /// What the client said that it is, at most 256 characters of it.
    pub user_agent: Option<String>,
    /// Where it was signed in from.
    pub address: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
