//! A part of an organisation with keys, configs and logs of its own.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "workspace")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub organisation_id: Uuid,
    /// Unique within the organisation; what the wire calls `workspace_id`.
    pub slug: String,
    pub name: String,
    pub is_default: bool,
    pub created_at: i64,
    pub description: Option<String>,
    /// What calls of its keys have unless the key or the call says otherwise.
    pub defaults: Option<Json>,
    /// `active` or `archived`.
    pub status: String,
    pub created_by: Option<Uuid>,
    pub last_updated_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
