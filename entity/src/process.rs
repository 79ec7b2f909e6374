//! The processes that serve on this database now, each for as long as it says so.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "process")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Tells its data folder from all others.
    pub folder: String,
    pub host: String,
    /// `embedded` or `redis`.
    pub ledger: String,
    pub started_at: i64,
    /// It has ended when this is past.
    pub expires_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
