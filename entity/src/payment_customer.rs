//! Which customer of the payment provider's an organisation is.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "payment_customer")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub organisation_id: Uuid,
    /// As `cus_...`.
    #[sea_orm(unique)]
    pub stripe_customer_id: String,
    pub created_at: i64,
    /// When the newest of the events that were applied was made there, in Unix seconds.
    pub last_event_at: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
