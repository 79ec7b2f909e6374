//! What a saved guardrail said from one change to the next; a row is never changed.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "guardrail_version")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub guardrail_id: Uuid,
    pub organisation_id: Uuid,
    /// JSON text with `checks` and `actions`, sealed with the organisation and row id as context: a webhook's headers are secrets.
    pub content: Vec<u8>,
    /// The person or the key that made it.
    pub created_by: Option<Uuid>,
    pub created_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
