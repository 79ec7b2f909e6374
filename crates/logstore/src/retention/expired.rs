//! On PostgreSQL: whole days that no organisation sees any more, dropped at a cost that their logs do not tell on.

use entity::{log, organisation};
use sea_orm::prelude::*;
use sea_orm::{
    DatabaseConnection, DbBackend, ExprTrait as _, QuerySelect, RuntimeErr, Statement, TransactionTrait,
};

use super::Kept;
use crate::partitions::{self, Partition};
use crate::text;

const DAY_MS: i64 = 86_400_000;

/// Organisations whose terms are read at a time.
const ORGANISATIONS: usize = 500;

/// A day is moved out of this often before it is left to the next run: logs that come late may still go into it.
const ROUNDS: u32 = 3;

/// An organisation that still sees something of a day, and the class that it belongs into now.
struct Mover {
    organisation_id: Uuid,
    class: i16,
    /// From here on its logs are moved, unix milliseconds.
    from_ms: i64,
}

/// Drops the days that are past their class's retention, and gives how many. What an organisation on a longer plan by now
/// still sees of them is first moved into the class of that plan, with its content. Nothing is done on SQLite.
///
/// # Errors
/// [`DbErr`] when the database fails: a day is gone whole or not at all, and no log is gone that is still seen.
pub async fn drop_expired(
    db: &DatabaseConnection,
    now_ms: i64,
    kept: impl Fn(&organisation::Model) -> Kept,
) -> Result<u64, DbErr> {
    let mut dropped = 0;
    for day in partitions::days(db).await? {
        let past = now_ms.saturating_sub(i64::from(day.class()) * DAY_MS);
        if day.end_ms() <= past && drop_day(db, day, &kept).await? {
            dropped += 1;
        }
    }
    Ok(dropped)
}

async fn drop_day(
    db: &DatabaseConnection,
    day: Partition,
    kept: &impl Fn(&organisation::Model) -> Kept,
) -> Result<bool, DbErr> {
    // What there is to move is moved while all others go on.
    for _ in 0..ROUNDS {
        let movers = movers(db, day, kept).await?;
        if movers.is_empty() {
            break;
        }
        for mover in movers {
            partitions::ensure(db, &[Partition::of(mover.class, day.start_ms())].into()).await?;
            move_logs(db, day, &mover).await?;
        }
    }
    // All of its tables are there to be locked.
    partitions::ensure(db, &[day].into()).await?;
    let txn = db.begin().await?;
    // Readers of the class wait for us, and we for those that are at it: not for long, or another time.
    txn.execute_unprepared("SET LOCAL lock_timeout = '2s'").await?;
    if let Err(error) = partitions::lock_class(&txn, day.class()).await {
        txn.rollback().await?;
        return if is_timeout(&error) { Ok(false) } else { Err(error) };
    }
    if !movers(&txn, day, kept).await?.is_empty() {
        txn.rollback().await?;
        return Ok(false);
    }
    partitions::drop(&txn, day).await?;
    txn.commit().await?;
    Ok(true)
}

/// Lock not available: <https://www.postgresql.org/docs/15/errcodes-appendix.html>.
fn is_timeout(error: &DbErr) -> bool {
    let (DbErr::Exec(RuntimeErr::SqlxError(error)) | DbErr::Query(RuntimeErr::SqlxError(error))) = error
    else {
        return false;
    };
    error.as_database_error().is_some_and(|error| error.code().as_deref() == Some("55P03"))
}

/// Who still sees something of the day. The cost is in organisations, not in their logs.
async fn movers(
    db: &impl ConnectionTrait,
    day: Partition,
    kept: &impl Fn(&organisation::Model) -> Kept,
) -> Result<Vec<Mover>, DbErr> {
    let mut movers = Vec::new();
    for ids in organisations_in(db, day).await?.chunks(ORGANISATIONS) {
        let rows = organisation::Entity::find()
            .filter(organisation::Column::Id.is_in(ids.iter().copied()))
            .all(db)
            .await?;
        for row in rows {
            let Kept { cutoff_ms, class } = kept(&row);
            let from_ms = cutoff_ms.map_or(day.start_ms(), |cutoff| Ord::max(cutoff, day.start_ms()));
            // The longest class of all has nothing beyond it but for ever.
            let class = if class == day.class() { 0 } else { class };
            let mover = Mover { organisation_id: row.id, class, from_ms };
            if from_ms < day.end_ms() && is_there(db, day, &mover).await? {
                movers.push(mover);
            }
        }
    }
    Ok(movers)
}

/// The organisations that have logs in the day: from one to the next in the index, past all logs between.
async fn organisations_in(db: &impl ConnectionTrait, day: Partition) -> Result<Vec<Uuid>, DbErr> {
    let table = day.name("log");
    let sql = format!(
        "WITH RECURSIVE own (id) AS (
           (SELECT organisation_id FROM \"{table}\" ORDER BY organisation_id LIMIT 1)
           UNION ALL
           SELECT (SELECT organisation_id FROM \"{table}\" WHERE organisation_id > own.id
                   ORDER BY organisation_id LIMIT 1)
           FROM own WHERE own.id IS NOT NULL
         ) SELECT id FROM own WHERE id IS NOT NULL"
    );
    let rows = db.query_all_raw(Statement::from_string(DbBackend::Postgres, sql)).await?;
    rows.iter().map(|row| row.try_get("", "id")).collect()
}

async fn is_there(db: &impl ConnectionTrait, day: Partition, mover: &Mover) -> Result<bool, DbErr> {
    let found: Option<Uuid> = log::Entity::find()
        .select_only()
        .column(log::Column::Id)
        .filter(log::Column::RetentionClass.eq(day.class()))
        .filter(log::Column::CreatedAt.gte(mover.from_ms).and(log::Column::CreatedAt.lt(day.end_ms())))
        .filter(log::Column::OrganisationId.eq(mover.organisation_id))
        .filter(log::Column::Id.gte(clock::floor(mover.from_ms)))
        .limit(1)
        .into_tuple()
        .one(db)
        .await?;
    Ok(found.is_some())
}

/// Content and its words first, for they are found by their log. A row whose class is changed goes into that class's partition.
async fn move_logs(db: &DatabaseConnection, day: Partition, mover: &Mover) -> Result<(), DbErr> {
    let values = || -> [sea_orm::Value; 5] {
        [
            mover.class.into(),
            day.class().into(),
            mover.from_ms.into(),
            day.end_ms().into(),
            mover.organisation_id.into(),
        ]
    };
    let of_logs = |table: &str| {
        format!(
            "UPDATE {table} SET retention_class = $1 FROM log
             WHERE log.retention_class = $2 AND log.created_at >= $3 AND log.created_at < $4 AND log.organisation_id = $5
               AND {table}.retention_class = $2 AND {table}.created_at >= $3 AND {table}.created_at < $4
               AND {table}.created_at = log.created_at AND {table}.id = log.id"
        )
    };
    let log = "UPDATE log SET retention_class = $1
        WHERE retention_class = $2 AND created_at >= $3 AND created_at < $4 AND organisation_id = $5";
    let txn = db.begin().await?;
    text::hold_still(&txn).await?;
    for sql in [of_logs("log_payload"), of_logs("log_text"), log.to_owned()] {
        txn.execute_raw(Statement::from_sql_and_values(DbBackend::Postgres, sql, values())).await?;
    }
    txn.commit().await
}
