//! Who changed what of an organisation, and when. Never changed.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "audit_entry")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub organisation_id: Uuid,
    pub created_at: i64,
    /// `operator`, `person:<id>`, `key:<id>`, `payment-provider` or `turnpike`.
    pub actor: String,
    /// As `plan.change`.
    pub action: String,
    pub subject: Option<String>,
    /// What it was and what it is now.
    pub change: Json,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
