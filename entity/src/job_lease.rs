//! Who may run a job now: one row a job.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "job_lease")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub job: String,
    /// The cron expression that the workers run it by, UTC.
    pub schedule: String,
    /// The process that took the lease last.
    pub holder: Option<Uuid>,
    /// One more each time the lease is taken: who has a smaller number was replaced.
    pub fencing: i64,
    /// From then on another may take it; 0: it was given back.
    pub expires_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
