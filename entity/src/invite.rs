//! Somebody who may join an organisation, under an address and with what they are to be there. The token itself is never stored.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "invite")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub organisation_id: Uuid,
    /// Lower case.
    pub email: String,
    /// `admin` or `member`.
    pub role: String,
    /// An array of `{"workspace_id": <uuid>, "role": ..}`.
    pub workspaces: Json,
    /// What the key may that they get in each of the workspaces; null: they get none.
    pub key_scopes: Option<Json>,
    /// SHA-256 of the token that works.
    #[sea_orm(unique)]
    pub token_hash: Vec<u8>,
    /// The person or the key.
    pub invited_by: Option<Uuid>,
    pub created_at: i64,
    pub expires_at: i64,
    pub accepted_at: Option<i64>,
    pub cancelled_at: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
