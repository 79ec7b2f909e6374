//! A key that access tokens are signed with (Ed25519).

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "signing_key")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub kid: String,
    /// The 32 bytes of RFC 8032.
    pub public_key: Vec<u8>,
    /// PKCS #8 as base64, sealed by the vault.
    pub private_key: Vec<u8>,
    pub created_at: i64,
    /// It signs before this; what it signed is good until it ends by itself.
    pub retires_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
