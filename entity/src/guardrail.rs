//! A saved guardrail: checks that configs name. What it says is in its versions.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "guardrail")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub organisation_id: Uuid,
    /// Null: every workspace's calls may run it.
    pub workspace_id: Option<Uuid>,
    /// Unique within the organisation; what a config names.
    pub slug: String,
    pub name: String,
    /// `active` or `archived`.
    pub status: String,
    /// The version that calls run.
    pub version_id: Uuid,
    /// The person or the key that made it.
    pub owner_id: Option<Uuid>,
    /// The person or the key that changed it last.
    pub updated_by: Option<Uuid>,
    pub created_at: i64,
    pub last_updated_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
