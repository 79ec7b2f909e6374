//! Where PostgreSQL keeps logs: a partition for each retention class, in it one for each day; months in the class that is
//! kept for ever. A partition of `log` and its twins of `log_payload` and `log_text` come and go together. On SQLite there are none.

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate, NaiveTime};
use plans::Month;
use sea_orm::prelude::*;
use sea_orm::{DatabaseConnection, DatabaseTransaction, DbBackend, Statement, TransactionTrait as _};

const DAY_MS: i64 = 86_400_000;

/// The tables that are partitioned.
const TABLES: [&str; 3] = ["log", "log_payload", "log_text"];

/// What makers of partitions take turns by: an arbitrary number of ours.
const TURN: i64 = 0x7061_7274_6974_696f;

/// A day of a retention class, or a month of class 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Partition {
    class: i16,
    /// First `created_at` that is in it, unix milliseconds.
    start_ms: i64,
}

impl Partition {
    /// The one for a log of this class and `created_at` in unix milliseconds.
    #[must_use]
    pub fn of(class: i16, created_at: i64) -> Self {
        let start_ms = match class {
            0 => Month::of(created_at).start_ms(),
            _ => created_at - created_at.rem_euclid(DAY_MS),
        };
        Self { class, start_ms }
    }

    /// Days that what is in it is kept; 0 is for ever.
    #[must_use]
    pub fn class(self) -> i16 {
        self.class
    }

    /// The first `created_at` that is in it, unix milliseconds.
    #[must_use]
    pub fn start_ms(self) -> i64 {
        self.start_ms
    }

    /// The first `created_at` after it, unix milliseconds.
    #[must_use]
    pub fn end_ms(self) -> i64 {
        if self.class == 0 { Month::of(self.start_ms).end_ms() } else { self.start_ms + DAY_MS }
    }

    /// Its name among those of `table`.
    pub(crate) fn name(self, table: &str) -> String {
        let class = self.class;
        let day = DateTime::from_timestamp_millis(self.start_ms).unwrap_or_default();
        match class {
            0 => format!("{table}_c0_m{}", day.format("%Y%m")),
            _ => format!("{table}_c{class}_d{}", day.format("%Y%m%d")),
        }
    }

    /// The one that has this name among those of `log`, where it is a day.
    fn day_named(name: &str) -> Option<Self> {
        let (class, day) = name.strip_prefix("log_c")?.split_once("_d")?;
        let day = NaiveDate::parse_from_str(day, "%Y%m%d").ok()?;
        let start_ms = day.and_time(NaiveTime::MIN).and_utc().timestamp_millis();
        Some(Self { class: class.parse().ok()?, start_ms })
    }
}

/// Makes those that are missing, and gives how many of `log` were. Safe for any number of processes at once.
///
/// # Errors
/// [`DbErr`] when the database fails: none was made.
pub async fn ensure(db: &DatabaseConnection, wanted: &BTreeSet<Partition>) -> Result<usize, DbErr> {
    if db.get_database_backend() != DbBackend::Postgres || missing(db, wanted).await?.is_empty() {
        return Ok(0);
    }
    let txn = db.begin().await?;
    txn.execute_raw(statement("SELECT pg_advisory_xact_lock($1)", [TURN.into()])).await?;
    let missing = missing(&txn, wanted).await?;
    for (table, partition) in &missing {
        make(&txn, table, *partition).await?;
    }
    txn.commit().await?;
    Ok(missing.iter().filter(|(table, _)| *table == "log").count())
}

/// All days of classes that end. None on SQLite.
pub(crate) async fn days(db: &DatabaseConnection) -> Result<Vec<Partition>, DbErr> {
    if db.get_database_backend() != DbBackend::Postgres {
        return Ok(Vec::new());
    }
    let sql = "SELECT relname::text AS name FROM pg_class
        WHERE relispartition AND relkind = 'r' AND relnamespace = current_schema()::regnamespace";
    let names = names(db, statement(sql, [])).await?;
    Ok(names.iter().filter_map(|name| Partition::day_named(name)).collect())
}

/// Takes a partition and all that is in it away.
pub(crate) async fn drop(txn: &DatabaseTransaction, partition: Partition) -> Result<(), DbErr> {
    for table in TABLES {
        txn.execute_unprepared(&format!("DROP TABLE \"{}\"", partition.name(table))).await?;
    }
    Ok(())
}

/// Keeps all others from the partitions of a class until the transaction ends.
pub(crate) async fn lock_class(txn: &DatabaseTransaction, class: i16) -> Result<(), DbErr> {
    for table in TABLES {
        let sql = format!("LOCK TABLE ONLY \"{table}_c{class}\" IN ACCESS EXCLUSIVE MODE");
        txn.execute_unprepared(&sql).await?;
    }
    Ok(())
}

/// Table by table: a process of the release before makes them without those of newer tables.
async fn missing(
    db: &impl ConnectionTrait,
    wanted: &BTreeSet<Partition>,
) -> Result<Vec<(&'static str, Partition)>, DbErr> {
    let wanted = || wanted.iter().flat_map(|partition| TABLES.map(|table| (table, *partition)));
    let listed: Vec<String> = wanted().map(|(table, partition)| partition.name(table)).collect();
    // By a query and not by to_regclass, which may still believe what was so before it was our turn.
    let sql = "SELECT name FROM unnest(string_to_array($1, ',')) AS name WHERE NOT EXISTS (
        SELECT FROM pg_class WHERE relname = name AND relnamespace = current_schema()::regnamespace)";
    let missing = names(db, statement(sql, [listed.join(",").into()])).await?;
    Ok(wanted().filter(|(table, partition)| missing.contains(&partition.name(table))).collect())
}

/// Made beside the table and then attached: so the table's readers and writers need not wait.
async fn make(txn: &DatabaseTransaction, table: &str, partition: Partition) -> Result<(), DbErr> {
    let class = partition.class;
    let (of_class, name) = (format!("{table}_c{class}"), partition.name(table));
    let like = format!("(LIKE \"{table}\" INCLUDING DEFAULTS)");
    let sql = "SELECT relname::text AS name FROM pg_class
        WHERE relname = $1 AND relnamespace = current_schema()::regnamespace";
    let class_is_there = names(txn, statement(sql, [of_class.as_str().into()])).await?;
    if class_is_there.is_empty() {
        txn.execute_unprepared(&format!(
            "CREATE TABLE \"{of_class}\" {like} PARTITION BY RANGE (created_at);
             ALTER TABLE \"{table}\" ATTACH PARTITION \"{of_class}\" FOR VALUES IN ({class})"
        ))
        .await?;
    }
    let (start, end) = (partition.start_ms, partition.end_ms());
    txn.execute_unprepared(&format!(
        "CREATE TABLE \"{name}\" {like};
         ALTER TABLE \"{of_class}\" ATTACH PARTITION \"{name}\" FOR VALUES FROM ({start}) TO ({end})"
    ))
    .await?;
    Ok(())
}

/// The column `name` of what a statement gives.
async fn names(db: &impl ConnectionTrait, statement: Statement) -> Result<Vec<String>, DbErr> {
    let rows = db.query_all_raw(statement).await?;
    let names = rows.iter().map(|row| row.try_get::<Option<String>>("", "name"));
    Ok(names.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
}

fn statement(sql: &str, values: impl IntoIterator<Item = sea_orm::Value>) -> Statement {
    Statement::from_sql_and_values(DbBackend::Postgres, sql, values)
}

#[cfg(test)]
mod tests;
