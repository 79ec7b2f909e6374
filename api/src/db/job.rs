//! Jobs are the installation's, not a tenant's: these queries have no scope.

use entity::{job_lease, job_run};
use sea_orm::prelude::*;
use sea_orm::{QueryOrder, QuerySelect};

/// The lease of every job, by name.
pub(crate) async fn leases(db: &impl ConnectionTrait) -> Result<Vec<job_lease::Model>, DbErr> {
    job_lease::Entity::find().order_by_asc(job_lease::Column::Job).all(db).await
}

/// The last runs of a job, newest first.
pub(crate) async fn runs(
    db: &impl ConnectionTrait,
    job: &str,
    limit: u64,
) -> Result<Vec<job_run::Model>, DbErr> {
    job_run::Entity::find()
        .filter(job_run::Column::Job.eq(job))
        .order_by_desc(job_run::Column::ScheduledAt)
        .limit(limit)
        .all(db)
        .await
}
