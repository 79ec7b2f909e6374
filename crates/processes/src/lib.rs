//! Which processes serve on one database: several may, when they all count in the same Redis; one that counts by itself may
//! only be alone.
//!
//! Each has a row that it renews while it lives. The row of a process that was killed is past after [`LEASE`]; a start on the
//! same data folder does not wait for that, as the lock of the folder's spool has told it that nobody else is there. Clocks of
//! hosts may differ by some seconds, not by more than the lease.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use clock::Clock;
use entity::process;
use sea_orm::prelude::*;
use sea_orm::{
    Condition, ConnectionTrait, DatabaseConnection, IntoActiveModel, QueryTrait, TransactionTrait,
};
use tokio_util::sync::CancellationToken;

/// How long a process is believed to live since it last said so.
pub const LEASE: Duration = Duration::from_secs(15);

/// How often it says so.
const RENEW_EVERY: Duration = Duration::from_secs(3);

/// How often a start looks whether another process has ended.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Where a process counts the logs of the month.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counts {
    /// In its own memory.
    Alone,
    /// In Redis.
    Together,
}

impl Counts {
    fn as_str(self) -> &'static str {
        match self {
            Self::Alone => "embedded",
            Self::Together => "redis",
        }
    }
}

/// Why a process may not serve.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(
        "another turnpike, on {host}, serves on this database, and without Redis only one may: give both the same \
         TURNPIKE_REDIS_URL, or stop the other, or give this one another database (TURNPIKE_DATABASE_URL)"
    )]
    WithoutRedis { host: String },
    #[error(
        "another turnpike, on {host}, serves on this database without Redis: stop it, and start it again with the same \
         TURNPIKE_REDIS_URL as this one"
    )]
    OtherWithoutRedis { host: String },
    #[error("the data folder cannot be looked at")]
    Folder(#[source] std::io::Error),
    #[error("the database failed")]
    Database(#[from] DbErr),
}

/// A process that serves.
pub struct Process {
    db: DatabaseConnection,
    clock: Clock,
    row: process::Model,
    counts: Counts,
}

/// Says that this process serves now. `id` is new at each start; the lock of `folder`'s spool must be held. Where another is in
/// the way, waits until that one says that it lives, or is past.
///
/// # Errors
/// [`Error`] says who is in the way, and what to do.
pub async fn enter(
    db: &DatabaseConnection,
    clock: &Clock,
    id: Uuid,
    folder: &Path,
    counts: Counts,
) -> Result<Process, Error> {
    let host = host();
    let of_folder = std::fs::metadata(folder).map_err(Error::Folder)?;
    // A copy of a folder is another folder, and the same path on another host or volume is too.
    let folder = format!("{host}:{}:{}", of_folder.dev(), of_folder.ino());
    let row = process::Model {
        id,
        folder,
        host,
        ledger: counts.as_str().to_owned(),
        started_at: clock.now_ms(),
        expires_at: 0,
    };
    let mut process = Process { db: db.clone(), clock: clock.clone(), row, counts };
    let begun = Instant::now();
    let mut seen: Option<process::Model> = None;
    while let Some(other) = process.take_place().await? {
        let renewed = seen.is_some_and(|seen| seen.id == other.id && seen.expires_at < other.expires_at);
        if renewed || begun.elapsed() > LEASE + RENEW_EVERY {
            return Err(process.refused(other));
        }
        if begun.elapsed() < LOOK_EVERY {
            tracing::info!(host = %other.host, "another process serves on this database, or was killed: looking which");
        }
        seen = Some(other);
        tokio::time::sleep(LOOK_EVERY).await;
    }
    // Two that began at the same time may not have seen each other: then neither is in.
    if let Some(other) = process.in_the_way(db).await? {
        let refused = process.refused(other);
        process.leave().await?;
        return Err(refused);
    }
    Ok(process)
}

impl Process {
    /// Renews the row until `stop`, then takes it away.
    pub async fn stay(mut self, stop: CancellationToken) {
        while stop.run_until_cancelled(tokio::time::sleep(RENEW_EVERY)).await.is_some() {
            if let Err(error) = self.renew().await {
                tracing::warn!(%error, "this process could not say that it lives");
            }
        }
        if let Err(error) = self.leave().await {
            tracing::warn!(%error, "this process could not say that it ends; others wait for its lease to pass");
        }
    }

    /// Takes the row away.
    ///
    /// # Errors
    /// [`DbErr`] if the database fails.
    pub async fn leave(self) -> Result<(), DbErr> {
        process::Entity::delete_by_id(self.row.id).exec(&self.db).await?;
        Ok(())
    }

    async fn renew(&mut self) -> Result<(), DbErr> {
        self.row.expires_at = self.lease_end();
        let renewed = process::Entity::update_many()
            .col_expr(process::Column::ExpiresAt, Expr::value(self.row.expires_at))
            .filter(process::Column::Id.eq(self.row.id))
            .exec(&self.db)
            .await?;
        if renewed.rows_affected == 0 {
            // We, or the database, stood still for longer than the lease.
            self.insert(&self.db).await?;
            if let Some(other) = self.in_the_way(&self.db).await? {
                tracing::error!(host = %other.host, "{}", self.refused(other.clone()));
            }
        }
        Ok(())
    }

    /// Puts the row in, unless another is in the way; rows of processes that have ended are taken away.
    async fn take_place(&mut self) -> Result<Option<process::Model>, DbErr> {
        let txn = self.db.begin().await?;
        let has_ended = Condition::any()
            .add(process::Column::ExpiresAt.lte(self.clock.now_ms()))
            .add(process::Column::Folder.eq(&self.row.folder));
        process::Entity::delete_many().filter(has_ended).exec(&txn).await?;
        let other = self.in_the_way(&txn).await?;
        if other.is_none() {
            self.row.expires_at = self.lease_end();
            self.insert(&txn).await?;
        }
        txn.commit().await?;
        Ok(other)
    }

    async fn in_the_way(&self, db: &impl ConnectionTrait) -> Result<Option<process::Model>, DbErr> {
        let together = (self.counts == Counts::Together).then_some(Counts::Alone.as_str());
        process::Entity::find()
            .filter(process::Column::Id.ne(self.row.id))
            .apply_if(together, |rows, alone| rows.filter(process::Column::Ledger.eq(alone)))
            .one(db)
            .await
    }

    async fn insert(&self, db: &impl ConnectionTrait) -> Result<(), DbErr> {
        process::Entity::insert(self.row.clone().into_active_model()).exec_without_returning(db).await?;
        Ok(())
    }

    fn lease_end(&self) -> i64 {
        let lease_ms = i64::try_from(LEASE.as_millis()).unwrap_or(i64::MAX);
        self.clock.now_ms().saturating_add(lease_ms)
    }

    fn refused(&self, other: process::Model) -> Error {
        match self.counts {
            Counts::Alone => Error::WithoutRedis { host: other.host },
            Counts::Together => Error::OtherWithoutRedis { host: other.host },
        }
    }
}

fn host() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name = name.trim();
    if name.is_empty() { "an unknown host".to_owned() } else { name.to_owned() }
}

#[cfg(test)]
mod tests;
