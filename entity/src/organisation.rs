//! A tenant: the unit of plan, quota, retention and billing.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "organisation")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub name: String,
    /// `developer`, `production` or `enterprise`; from `next_plan_at` on it is `next_plan`.
    pub plan: String,
    /// `plans::Overrides`: what this organisation has in place of its plan's terms.
    pub overrides: Json,
    pub created_at: i64,
    pub next_plan: Option<String>,
    /// `plans::Overrides`, as `overrides`.
    pub next_overrides: Option<Json>,
    pub next_plan_at: Option<i64>,
    /// What becomes of calls past the limit: `pass` (unrecorded) or `reject`.
    pub over_quota: String,
    /// Blocks of overage a month at the most; none: as many as the plan sells.
    pub cap_blocks: Option<i64>,
    /// US cents of overage a month at the most.
    pub cap_cents: Option<i64>,
    /// `good`, `past_due`, `restricted` or `suspended`: whether it has paid.
    pub standing: String,
    pub standing_since: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
