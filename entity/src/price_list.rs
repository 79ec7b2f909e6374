//! A list of prices that was added. Rows never change, for logs name them.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "price_list")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// When it was added, and what it is: `2026-11-26T10:00:00.000Z import portkey openai`.
    #[sea_orm(unique)]
    pub version: String,
    /// `import` (public prices) or `overrides` (the operator's own).
    pub kind: String,
    /// Where it is from, for people.
    pub source: String,
    /// Unix milliseconds.
    pub created_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
