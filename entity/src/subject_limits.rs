//! The budgets and rate limits of an API key, a virtual key or a workspace.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "subject_limits")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub subject_id: Uuid,
    /// `key`, `virtual_key` or `workspace`.
    pub subject_kind: String,
    pub organisation_id: Uuid,
    /// What logs name a virtual key by: its slug; of others empty.
    pub name: String,
    /// Array, as on the wire.
    pub rate_limits: Json,
    /// Array, as on the wire.
    pub usage_limits: Json,
    /// What came before is not counted: when there first were budgets, or usage was reset.
    pub counted_from: i64,
    pub updated_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
