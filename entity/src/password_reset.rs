//! A way to a new password that was asked for, whether or not there is such an account. The token itself is never stored.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "password_reset")]
pub struct Model {
    /// SHA-256 of the e-mail address in lower case.
    #[sea_orm(primary_key, auto_increment = false)]
    pub account: Vec<u8>,
    /// Null: nobody's.
    pub user_id: Option<Uuid>,
    /// SHA-256 of the one token that works.
    #[sea_orm(unique)]
    pub token_hash: Vec<u8>,
    pub created_at: i64,
    pub expires_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
