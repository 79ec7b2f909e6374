//! What was recorded in an hour, for each workspace, key and model: statistics that outlive the logs.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "usage_hourly")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub organisation_id: Uuid,
    /// Hours since 1970, by the ids of the logs.
    #[sea_orm(primary_key, auto_increment = false)]
    pub hour: i32,
    #[sea_orm(primary_key, auto_increment = false)]
    pub workspace_id: Uuid,
    /// Nil where a log was made by no key.
    #[sea_orm(primary_key, auto_increment = false)]
    pub api_key_id: Uuid,
    /// Empty where none is known.
    #[sea_orm(primary_key, auto_increment = false)]
    pub model: String,
    pub logs: i64,
    /// Those with a status of 400 or more.
    pub failed: i64,
    pub input_tokens: i64,
    pub output_tokens: i64,
    /// Pico-dollars.
    pub cost_pusd: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
