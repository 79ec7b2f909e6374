//! The month's meter of an organisation: the last word on what is recorded and billed.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "usage")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub organisation_id: Uuid,
    /// Year and month in UTC as `yyyymm`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub month: i32,
    /// Logs recorded.
    pub used: i64,
    /// Calls answered past the quota, not recorded.
    pub dropped: i64,
    /// Calls answered whose logs could not be recorded: the spool had no room, or the store refused them.
    pub unrecorded: i64,
    /// Logs that were past their retention before they could be stored.
    pub expired: i64,
    pub overage_blocks: i64,
    pub updated_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
