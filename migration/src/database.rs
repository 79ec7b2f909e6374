//! Opening the database and bringing it to the newest schema.

use std::time::Duration;

use sea_orm_migration::MigratorTrait;
use sea_orm_migration::sea_orm::sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous};
use sea_orm_migration::sea_orm::{ConnectOptions, Database, DatabaseConnection, DbErr};

use crate::Migrator;

/// Opens `url` (`sqlite://FILE`). `durable`: a commit survives power loss, not only the end of the process.
///
/// # Errors
/// [`DbErr`] when the database cannot be opened.
pub async fn connect(url: &str, durable: bool) -> Result<DatabaseConnection, DbErr> {
    let mut options = ConnectOptions::new(url);
    // Readers beside the one writer; a writer waits its turn for up to the busy time-out.
    options.max_connections(8).min_connections(1).sqlx_logging(false);
    let synchronous = if durable { SqliteSynchronous::Full } else { SqliteSynchronous::Normal };
    options.map_sqlx_sqlite_opts(move |sqlite| {
        sqlite
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(synchronous)
            .busy_timeout(Duration::from_secs(30))
            .foreign_keys(false)
    });
    Database::connect(options).await
}

/// Applies what is missing of the migrations. Safe to repeat.
///
/// # Errors
/// [`DbErr`] when a migration fails; those before it stay applied.
pub async fn apply(db: &DatabaseConnection) -> Result<(), DbErr> {
    Migrator::up(db, None).await
}
