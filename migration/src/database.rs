//! Opening the database and bringing it to the newest schema.

use std::str::FromStr as _;
use std::time::Duration;

use sea_orm_migration::MigratorTrait;
use sea_orm_migration::sea_orm::sqlx::ConnectOptions as _;
use sea_orm_migration::sea_orm::sqlx::postgres::PgConnectOptions;
use sea_orm_migration::sea_orm::sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous};
use sea_orm_migration::sea_orm::{
    ConnectOptions, ConnectionTrait as _, Database, DatabaseConnection, DbBackend, DbErr, RuntimeErr,
    Statement, TransactionTrait as _,
};

use crate::Migrator;

/// Connections a process keeps to a PostgreSQL at the most.
const POSTGRES_CONNECTIONS: u32 = 16;

/// A PostgreSQL that gives no connection for this long is away, and calls are told so.
const ACQUIRED_WITHIN: Duration = Duration::from_secs(10);

/// Pages that SQLite's log of writes gathers before they go into the database: 16 MiB, as a batch of the shipper's is 2 to 3.
const CHECKPOINT_PAGES: &str = "4096";

/// What that file is cut back to after it had to grow beyond, behind a long reader: bytes.
const WAL_KEPT: &str = "33554432";

/// Pages of SQLite that each connection may hold, in KiB; negative, as SQLite has it.
const CACHE_KIB: &str = "-8192";

/// What replicas that start at the same time take turns by, on PostgreSQL: an arbitrary number of ours.
const MIGRATING: i64 = 0x7475_726e_7069_6b65;

/// Opens `url`: `sqlite://FILE` or `postgres://…`. `durable`: a commit survives power loss, not only the end of the
/// process; on PostgreSQL that is the server's to say, and its default.
///
/// # Errors
/// [`DbErr`] when the database cannot be opened.
pub async fn connect(url: &str, durable: bool) -> Result<DatabaseConnection, DbErr> {
    if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        return connect_postgres(url).await;
    }
    let mut options = ConnectOptions::new(url);
    options.min_connections(1).sqlx_logging(false);
    // Readers beside the one writer; a writer waits its turn for up to the busy time-out.
    options.max_connections(8);
    let synchronous = if durable { SqliteSynchronous::Full } else { SqliteSynchronous::Normal };
    options.map_sqlx_sqlite_opts(move |sqlite| {
        sqlite
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(synchronous)
            .pragma("wal_autocheckpoint", CHECKPOINT_PAGES)
            .pragma("journal_size_limit", WAL_KEPT)
            .pragma("cache_size", CACHE_KIB)
            .busy_timeout(Duration::from_secs(30))
            .foreign_keys(false)
    });
    Database::connect(options).await
}

/// SeaORM traces the URL that it is given, and panics at what is none: it is given one without a password or anything else.
async fn connect_postgres(url: &str) -> Result<DatabaseConnection, DbErr> {
    let server = PgConnectOptions::from_str(url)
        .map_err(|error| DbErr::Conn(RuntimeErr::SqlxError(error.into())))?
        .application_name("turnpike")
        .disable_statement_logging();
    let mut options = ConnectOptions::new("postgres://turnpike");
    options
        .min_connections(1)
        .max_connections(POSTGRES_CONNECTIONS)
        .acquire_timeout(ACQUIRED_WITHIN)
        .map_sqlx_postgres_opts(move |_| server.clone());
    Database::connect(options).await
}

/// Applies what is missing of the migrations. Safe to repeat, and for several processes at once.
///
/// # Errors
/// [`DbErr`] when a migration fails; on PostgreSQL none is applied then, on SQLite those before it stay.
pub async fn apply(db: &DatabaseConnection) -> Result<(), DbErr> {
    if db.get_database_backend() != DbBackend::Postgres {
        return Migrator::up(db, None).await;
    }
    let txn = db.begin().await?;
    let turn = Statement::from_sql_and_values(
        DbBackend::Postgres,
        "SELECT pg_advisory_xact_lock($1)",
        [MIGRATING.into()],
    );
    txn.execute_raw(turn).await?;
    Migrator::up(&txn, None).await?;
    txn.commit().await
}
