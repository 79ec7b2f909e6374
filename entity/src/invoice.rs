//! An organisation's invoice for a month. What is final is never changed.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "invoice")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub organisation_id: Uuid,
    /// Year and month in UTC as `yyyymm`.
    pub month: i32,
    /// `draft` or `final`.
    pub status: String,
    /// Of this installation, without gaps; none while it is a draft.
    #[sea_orm(unique)]
    pub number: Option<i32>,
    /// The catalogue that it was made under.
    pub catalogue_version: String,
    pub total_cents: i64,
    /// Its lines and all else that it shows.
    pub document: Json,
    pub drafted_at: i64,
    pub finalised_at: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
