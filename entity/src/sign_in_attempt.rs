//! How often in a row a sign-in to an account failed, whether or not there is such an account.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "sign_in_attempt")]
pub struct Model {
    /// SHA-256 of the e-mail address in lower case.
    #[sea_orm(primary_key, auto_increment = false)]
    pub account: Vec<u8>,
    pub failures: i32,
    /// The next attempt is looked at from this moment on.
    pub next_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
