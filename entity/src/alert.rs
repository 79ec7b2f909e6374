//! Something that an organisation is told: once for each threshold and period.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "alert")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub organisation_id: Uuid,
    /// `allowance`, `block`, `limit`, `budget` or `standing`.
    pub kind: String,
    /// What it is about: a key, a workspace; empty for the organisation itself.
    pub subject: String,
    /// In which it is said once: a month as `2026-11`, or another period of the subject's.
    pub period: String,
    /// Per cent, or the number of a block.
    pub threshold: i32,
    pub data: Json,
    pub created_at: i64,
    /// When its deliveries were made; null: not yet.
    pub announced_at: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
