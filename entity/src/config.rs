//! A saved config of a workspace: how calls that name it are routed. What it says is in its versions.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "config")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub organisation_id: Uuid,
    pub workspace_id: Uuid,
    /// Unique within the organisation; what a call names.
    pub slug: String,
    pub name: String,
    /// A mark that one config of a workspace may have; no call looks at it.
    pub is_default: bool,
    /// `active` or `archived`.
    pub status: String,
    /// The version that calls run under.
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
