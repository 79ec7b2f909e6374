//! Runs of jobs: one row for each time that a job was due and was run.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "job_run")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub job: String,
    /// When it was due.
    #[sea_orm(primary_key, auto_increment = false)]
    pub scheduled_at: i64,
    pub started_at: i64,
    /// None: it is running, or its process is gone and nobody took it over yet.
    pub ended_at: Option<i64>,
    /// `done`, `failed`, or `abandoned`: its process was gone and a later run did its work.
    pub outcome: Option<String>,
    /// What it did: how many of what.
    pub counts: Option<Json>,
    /// The process that ran it, last.
    pub holder: Uuid,
    /// The number that the lease was taken under.
    pub fencing: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
