//! By how much a log's cost was corrected when it was costed anew: a signed entry, written with the correction.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "cost_correction")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub organisation_id: Uuid,
    pub log_id: Uuid,
    /// Pico-dollars; none where the price was not known.
    pub old_pusd: Option<i64>,
    /// Pico-dollars.
    pub new_pusd: i64,
    /// The new less the old, pico-dollars.
    pub delta_pusd: i64,
    pub old_version: Option<String>,
    pub new_version: String,
    /// Unix milliseconds.
    pub created_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
