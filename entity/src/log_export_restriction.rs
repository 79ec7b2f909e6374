//! What of logs is in no export of an organisation, or of one of its workspaces.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "log_export_restriction")]
pub struct Model {
    /// The workspace, or the organisation for all of them.
    #[sea_orm(primary_key, auto_increment = false)]
    pub subject_id: Uuid,
    pub organisation_id: Uuid,
    /// A JSON array of names.
    pub denied_fields: Json,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
