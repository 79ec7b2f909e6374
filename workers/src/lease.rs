//! One worker at a time runs a job: its lease is a row with an expiry and a fencing number.
//!
//! The number grows each time the lease is taken, and each transaction of a run begins by asserting it: a worker that was
//! paused for so long that another took over writes nothing more, whatever it believes.

use std::time::Duration;

use clock::Clock;
use entity::job_lease::{Column, Entity, Model};
use sea_orm::prelude::*;
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ActiveValue, DatabaseConnection, DatabaseTransaction, ExprTrait as _, IntoActiveModel, TransactionTrait,
};

use crate::{Error, Job, Parts};

/// The right to run a job, for as long as nobody took it over.
pub struct Lease {
    job: Job,
    fencing: i64,
    length: Duration,
    clock: Clock,
    db: DatabaseConnection,
}

/// Makes the job's row, or brings its schedule up to date.
pub(crate) async fn register(parts: &Parts, job: Job) -> Result<(), DbErr> {
    let row = Model {
        job: job.as_str().to_owned(),
        schedule: job.cron(&parts.settings).to_owned(),
        holder: None,
        fencing: 0,
        expires_at: 0,
    };
    let known = OnConflict::column(Column::Job).update_column(Column::Schedule).to_owned();
    Entity::insert(row.into_active_model()).on_conflict(known).exec_without_returning(&parts.db).await?;
    Ok(())
}

/// Whether somebody has the job now.
pub(crate) async fn is_held(parts: &Parts, job: Job) -> Result<bool, DbErr> {
    let row = Entity::find_by_id(job.as_str()).one(&parts.db).await?;
    Ok(row.is_some_and(|row| row.expires_at > parts.clock.now_ms()))
}

/// Takes the lease within `txn`, which it must begin: as a write, it waits for its turn. None: another has it.
pub(crate) async fn take(txn: &DatabaseTransaction, parts: &Parts, job: Job) -> Result<Option<Lease>, DbErr> {
    let length = parts.settings.lease;
    let now_ms = parts.clock.now_ms();
    let taken = Entity::update_many()
        .col_expr(Column::Holder, parts.holder.into())
        .col_expr(Column::Fencing, Expr::col(Column::Fencing).add(1))
        .col_expr(Column::ExpiresAt, expiry(now_ms, length).into())
        .filter(Column::Job.eq(job.as_str()))
        .filter(Column::ExpiresAt.lte(now_ms))
        .exec(txn)
        .await?;
    if taken.rows_affected == 0 {
        return Ok(None);
    }
    let row = Entity::find_by_id(job.as_str()).one(txn).await?;
    let lease = |row: Model| Lease {
        job,
        fencing: row.fencing,
        length,
        clock: parts.clock.clone(),
        db: parts.db.clone(),
    };
    Ok(row.map(lease))
}

impl Lease {
    /// Opens a transaction of the run, and renews the lease in it.
    ///
    /// # Errors
    /// [`Error::Replaced`] when another worker has taken the lease since.
    pub async fn begin(&self) -> Result<DatabaseTransaction, Error> {
        let txn = self.db.begin().await?;
        self.expire_at(&txn, expiry(self.clock.now_ms(), self.length)).await?;
        Ok(txn)
    }

    /// Gives the lease back within a transaction of the run.
    pub(crate) async fn give_back(&self, txn: &DatabaseTransaction) -> Result<(), Error> {
        self.expire_at(txn, 0).await
    }

    /// Gives the lease back before the run is done: another worker may go on with it at once.
    pub(crate) async fn release(&self) -> Result<(), Error> {
        self.expire_at(&self.db, 0).await
    }

    /// Renews the lease until it is lost, and says so.
    pub(crate) async fn keep(&self) -> Error {
        loop {
            tokio::time::sleep(self.length / 3).await;
            match self.expire_at(&self.db, expiry(self.clock.now_ms(), self.length)).await {
                Ok(()) => {}
                // Nobody can take it over either, while the database does not answer.
                Err(Error::Database(error)) => tracing::warn!(%error, "the lease of a job is not renewed"),
                Err(replaced) => return replaced,
            }
        }
    }

    pub(crate) fn fencing(&self) -> i64 {
        self.fencing
    }

    async fn expire_at(&self, db: &impl ConnectionTrait, at_ms: i64) -> Result<(), Error> {
        // A write, and not a look: it holds the row until the transaction ends, so that nobody takes over meanwhile.
        let renewed = Entity::update_many()
            .set(entity::job_lease::ActiveModel { expires_at: ActiveValue::Set(at_ms), ..Default::default() })
            .filter(Column::Job.eq(self.job.as_str()))
            .filter(Column::Fencing.eq(self.fencing))
            .exec(db)
            .await?;
        if renewed.rows_affected == 0 { Err(Error::Replaced { job: self.job.as_str() }) } else { Ok(()) }
    }
}

fn expiry(now_ms: i64, length: Duration) -> i64 {
    now_ms.saturating_add(i64::try_from(length.as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests;
