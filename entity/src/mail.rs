//! An e-mail to one address, from when it is written until it is sent or given up.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "mail")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Whose it is; null: a person's own.
    pub organisation_id: Option<Uuid>,
    /// What it tells, as `invite`.
    pub kind: String,
    /// What it is about, by its id.
    pub about: Uuid,
    pub address: String,
    /// Subject and text, sealed: it may hold a token. Gone once it is sent or given up.
    pub sealed: Option<Vec<u8>>,
    /// `pending`, `sent`, `failed`, `expired` or `withdrawn`.
    pub state: String,
    pub attempts: i32,
    pub next_attempt_at: i64,
    pub last_error: Option<String>,
    pub created_at: i64,
    /// After that it is of no use.
    pub expires_at: i64,
    pub sent_at: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
