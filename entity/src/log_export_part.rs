//! Some of the logs that an export has chosen. They are read when the file is, and what has gone by then is not in it.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "log_export_part")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub export_id: Uuid,
    /// Counted from 0; the logs of a later part are newer.
    #[sea_orm(primary_key, auto_increment = false)]
    pub position: i32,
    /// The logs' ids, 16 bytes each, the oldest first.
    pub log_ids: Vec<u8>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
