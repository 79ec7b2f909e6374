//! What an organisation was on, from when: the history that invoices are made from. It ends where the next begins.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "plan_period")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub organisation_id: Uuid,
    /// It may be still to come.
    #[sea_orm(primary_key, auto_increment = false)]
    pub from_ms: i64,
    pub plan: String,
    /// `plans::Overrides`: what it had in place of the plan's terms.
    pub overrides: Json,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
