//! A set of filters of logs that an organisation keeps by name, for all of its members.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "saved_filter")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub organisation_id: Uuid,
    pub name: String,
    /// A JSON object of strings: the parameters of a list of logs.
    pub filters: Json,
    /// The person or the key.
    pub created_by: Option<Uuid>,
    pub updated_by: Option<Uuid>,
    pub created_at: i64,
    pub last_updated_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
