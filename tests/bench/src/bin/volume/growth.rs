//! Whether a SQLite file grows without end where each day brings as many logs as another takes away.

use std::time::Duration;

use crate::fill::Store;
use crate::logs::Logs;
use crate::retention;

/// More than the longest retention that ends, and as long again: in the end all of the file was used before.
const DAYS: u64 = 70;

/// Appends and deletes day after day and prints the file's size.
pub async fn measure(store: &Store, logs: &mut Logs, rows_a_day: u64, batch: u64) -> anyhow::Result<()> {
    logs.apart = Duration::from_hours(24) / u32::try_from(rows_a_day)?;
    println!("\nSQLite, {rows_a_day} logs a day, deleted at each day's end:");
    println!("  day   deleted   slowest ms   MiB: wal  database");
    for day in 1..=DAYS {
        store.append(logs, rows_a_day, batch).await?;
        let deleted = retention::delete(store, logs.clock.now_ms()).await?;
        let (database, wal) = store.mib().await?;
        if day.is_multiple_of(5) {
            let slowest = deleted.slowest.as_secs_f64() * 1e3;
            println!("{day:>5} {:>9} {slowest:>12.1} {wal:>10} {database:>9}", deleted.rows);
        }
    }
    Ok(())
}
