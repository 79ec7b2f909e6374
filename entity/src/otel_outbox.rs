//! Logs, or feedback, on their way to one destination: those of one batch, until the receiver has acknowledged them.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "otel_outbox")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub destination_id: Uuid,
    pub organisation_id: Uuid,
    /// `log` or `feedback`.
    pub kind: String,
    /// Their ids, 16 bytes each.
    pub subjects: Vec<u8>,
    /// How many they are.
    pub n: i32,
    pub created_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
