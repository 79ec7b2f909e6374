//! What a saved config said from one change to the next; a row is never changed.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "config_version")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub config_id: Uuid,
    pub organisation_id: Uuid,
    pub workspace_id: Uuid,
    /// The JSON text, which may hold providers' keys, sealed with the organisation and row id as context.
    pub content: Vec<u8>,
    /// The person or the key that made it.
    pub created_by: Option<Uuid>,
    pub created_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
