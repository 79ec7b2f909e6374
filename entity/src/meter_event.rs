//! The outbox of what the payment provider is told: a row for each finished block of overage.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "meter_event")]
pub struct Model {
    /// By which the provider knows it again: `<organisation>-<yyyymm>-<block>`, and never another.
    #[sea_orm(primary_key, auto_increment = false)]
    pub identifier: String,
    pub organisation_id: Uuid,
    /// As in `overage_block`.
    pub month: i32,
    pub block: i32,
    pub created_at: i64,
    /// Written before each is made.
    pub attempts: i32,
    pub first_attempt_at: Option<i64>,
    /// When it is said to have happened: settled by the first attempt.
    pub occurred_at: Option<i64>,
    pub next_attempt_at: i64,
    pub acknowledged_at: Option<i64>,
    /// What was wrong with the last attempt.
    pub last_error: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
