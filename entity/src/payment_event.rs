//! Events of the payment provider's that were taken: each once.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "payment_event")]
pub struct Model {
    /// As `evt_...`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// As `invoice.paid`.
    pub kind: String,
    pub received_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
