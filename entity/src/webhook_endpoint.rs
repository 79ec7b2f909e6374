//! Where an organisation wants its alerts to be sent.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "webhook_endpoint")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub organisation_id: Uuid,
    pub url: String,
    /// An array of the names of events; empty: all of them.
    pub events: Json,
    /// What deliveries are signed with, sealed with the organisation and row id as context.
    pub secret: Vec<u8>,
    /// The secret before the last rotation, which signs too until `former_until`.
    pub former_secret: Option<Vec<u8>>,
    pub former_until: Option<i64>,
    /// `active` or `paused`.
    pub status: String,
    pub created_at: i64,
    pub last_updated_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
