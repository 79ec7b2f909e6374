//! How far a spool segment is in the store: what makes shipping a batch twice count once.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "spool_mark")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub segment: Uuid,
    /// Byte offset up to which the segment has been taken in.
    pub next: i64,
    pub updated_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
