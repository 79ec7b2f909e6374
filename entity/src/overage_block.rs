//! A block of overage: what an organisation owes from the first log in it on. Written once, by the append that opened it.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "overage_block")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub organisation_id: Uuid,
    /// Year and month in UTC as `yyyymm`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub month: i32,
    /// Counted from 1 in each month.
    #[sea_orm(primary_key, auto_increment = false)]
    pub block: i32,
    pub opened_at: i64,
    /// Logs recorded in the month by the batch that opened it, all of its logs included.
    pub used_at_opening: i64,
    /// The logs of the month that it is for, counted from 1.
    pub first_log: i64,
    pub last_log: i64,
    pub price_cents: i64,
    /// The catalogue that the price is from.
    pub catalogue_version: String,
    /// None until it stands on a final invoice.
    pub invoice_id: Option<Uuid>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
