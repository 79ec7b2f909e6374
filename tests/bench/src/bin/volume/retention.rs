//! What it costs to forget: whole days on PostgreSQL, chunk by chunk on SQLite.

use std::time::{Duration, Instant};

use entity::organisation;
use logstore::retention::{Kept, delete_expired, drop_expired};
use sea_orm::{ConnectionTrait as _, DbBackend, Statement, TransactionTrait as _};

use crate::fill::Store;

const DAY_MS: i64 = 86_400_000;

/// Logs deleted in a transaction: what the settings have by default.
const CHUNK: u64 = 1_000;

/// Lets the job's day come, one day after another up to `now_ms`, and prints what a day's drop took, of those that had the
/// fewest and the most rows in them.
pub async fn drop_days(store: &Store, begun_ms: i64, now_ms: i64) -> anyhow::Result<()> {
    let mut runs = Vec::new();
    let mut left = rows(store).await?;
    let first = begun_ms - begun_ms.rem_euclid(DAY_MS);
    for at in (first..=now_ms).step_by(usize::try_from(DAY_MS)?) {
        let kept = |row: &organisation::Model| {
            let own = store.organisations.iter().find(|organisation| organisation.id == row.id);
            own.map_or(Kept { cutoff_ms: None, class: 0 }, |own| own.kept(at))
        };
        let begun = Instant::now();
        let days = drop_expired(&store.db, at, kept).await?;
        let took = begun.elapsed();
        let before = std::mem::replace(&mut left, rows(store).await?);
        if let (1.., Ok(days)) = (days, u32::try_from(days)) {
            runs.push(((before - left) / i64::from(days), took / days));
        }
    }
    runs.sort_unstable();
    println!("\nrows in a day   ms to drop it");
    let tenth = runs.len().div_ceil(10);
    for some in [&runs[..tenth], &runs[runs.len() - tenth..]] {
        let (rows, took): (Vec<i64>, Vec<Duration>) = some.iter().copied().unzip();
        let n = rows.len().max(1);
        let ms = took.iter().sum::<Duration>().as_secs_f64() * 1e3 / n as f64;
        println!("{:>13} {ms:>15.1}", rows.iter().sum::<i64>() / i64::try_from(n)?);
    }
    Ok(())
}

async fn rows(store: &Store) -> anyhow::Result<i64> {
    let sql = "SELECT count(*) AS n FROM log";
    let row = store.db.query_one_raw(Statement::from_string(store.db.get_database_backend(), sql)).await?;
    row.map_or(Ok(0), |row| Ok(row.try_get("", "n")?))
}

/// What a run of the job's deletion did.
#[derive(Default)]
pub struct Deleted {
    pub rows: u64,
    pub chunks: u64,
    pub took: Duration,
    pub slowest: Duration,
}

/// Deletes what each organisation does not see any more, as the job does, without its pauses.
pub async fn delete(store: &Store, now_ms: i64) -> anyhow::Result<Deleted> {
    let mut all = Deleted::default();
    for organisation in &store.organisations {
        loop {
            let begun = Instant::now();
            let txn = store.db.begin().await?;
            let deleted = delete_expired(&txn, organisation.id, organisation.kept(now_ms), CHUNK).await?;
            txn.commit().await?;
            if deleted == 0 {
                break;
            }
            all.rows += deleted;
            all.chunks += 1;
            all.took += begun.elapsed();
            all.slowest = all.slowest.max(begun.elapsed());
        }
    }
    Ok(all)
}

/// Everything up to date, as autovacuum has it after a while.
pub async fn settle(store: &Store) -> anyhow::Result<()> {
    if store.db.get_database_backend() == DbBackend::Postgres {
        store.db.execute_unprepared("VACUUM ANALYZE").await?;
    }
    Ok(())
}
