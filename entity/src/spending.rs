//! What calls have spent of a budget in a period, by the logs that are in the store.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "spending")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub subject_id: Uuid,
    /// As `monthly 2026-11-01T00:00:00.000Z`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub period: String,
    /// `key`, `virtual_key` or `workspace`.
    pub subject_kind: String,
    pub organisation_id: Uuid,
    /// The first millisecond that is not in the period; none: it does not end.
    pub ends_at: Option<i64>,
    /// Of input and output together.
    pub tokens: i64,
    pub cost_pusd: i64,
    pub updated_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
