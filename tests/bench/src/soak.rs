//! Full load for minutes: whether the store keeps up with the gateway, memory stays as it is and every call has its log.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use sea_orm::{ConnectionTrait as _, DatabaseConnection, DbBackend, Statement};

use crate::load;
use crate::numbers::Numbers;
use crate::process;
use crate::report::middle;
use crate::subject::{self, Database, Site, Subject};

/// Between two lines.
const STEP: Duration = Duration::from_secs(10);

/// By how much memory may have grown from the second fifth of the time to the last and still be flat.
const FLAT: f64 = 1.05;

/// The subject `name` under 32 connections for `time`; a line every ten seconds, then what is to be made of them.
///
/// # Errors
/// When a call fails, is not accounted for, or `turnpike reconcile` finds a difference.
pub async fn run(name: &str, site: &Site<'_>, time: Duration) -> anyhow::Result<()> {
    let Some(place) = subject::place(name, &site.room(name)?) else { bail!("{name} cannot be soaked here") };
    let subject = place.start()?;
    let sizes = Sizes::of(subject.place()?.database()).await?;
    println!("{name}, 32 connections, {} s", time.as_secs());
    println!("     s  calls/s  ships/s   waiting  spool MiB  level  resident MiB  database MiB  wal MiB");
    let begun = Instant::now();
    let mut samples = vec![Sample::take(&subject, &sizes, begun).await?];
    while begun.elapsed() < time {
        load::make(&subject, STEP).await?;
        let sample = Sample::take(&subject, &sizes, begun).await?;
        println!("{}", sample.line(samples.last().context("no sample")?));
        samples.push(sample);
    }
    let ended = Instant::now();
    let counted = subject.store()?.accounted().await?;
    let drained = ended.elapsed();
    let peak_mib = mib(process::peak_kib(&subject.processes.own)? << 10);
    print!("{}", Verdict { samples: &samples, drained, peak_mib });
    let made = subject.store()?.made();
    println!(
        "logs       {} of {made} calls; {} dropped, {} unrecorded",
        counted.used, counted.dropped, counted.unrecorded
    );
    let (said, agrees) = subject.place()?.reconcile()?;
    println!("reconcile  {}", said.replace('\n', "\n           "));
    if !agrees {
        bail!("turnpike reconcile found differences");
    }
    Ok(())
}

/// How it stands at one moment.
struct Sample {
    at: Duration,
    /// So far.
    made: u64,
    shipped: u64,
    /// In the spool.
    waiting: u64,
    spool_mib: f64,
    /// 1: contents are not kept; 2: calls go unrecorded.
    level: u64,
    resident_mib: f64,
    database_mib: f64,
    wal_mib: f64,
}

impl Sample {
    async fn take(subject: &Subject, sizes: &Sizes, begun: Instant) -> anyhow::Result<Self> {
        let numbers = Numbers::of(subject.addr).await?;
        let (database, wal) = sizes.read().await?;
        Ok(Self {
            at: begun.elapsed(),
            made: subject.store()?.made(),
            shipped: numbers.sum("turnpike_shipper_records_total", ""),
            waiting: numbers.sum("turnpike_spool_records", ""),
            spool_mib: mib(numbers.sum("turnpike_spool_size_bytes", "")),
            level: numbers.sum("turnpike_spool_level", ""),
            resident_mib: mib(process::resident_kib(&subject.processes.own)? << 10),
            database_mib: mib(database),
            wal_mib: mib(wal),
        })
    }

    fn line(&self, before: &Self) -> String {
        let seconds = self.at.saturating_sub(before.at).as_secs_f64();
        let rate = |now: u64, before: u64| now.saturating_sub(before) as f64 / seconds;
        format!(
            "{:>6.0} {:>8.0} {:>8.0} {:>9} {:>10.0} {:>6} {:>13.0} {:>13.0} {:>8.0}",
            self.at.as_secs_f64(),
            rate(self.made, before.made),
            rate(self.shipped, before.shipped),
            self.waiting,
            self.spool_mib,
            self.level,
            self.resident_mib,
            self.database_mib,
            self.wal_mib,
        )
    }
}

/// What the samples say.
struct Verdict<'a> {
    /// The first is from before the load.
    samples: &'a [Sample],
    /// From the last call to the last log.
    drained: Duration,
    peak_mib: f64,
}

impl fmt::Display for Verdict<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [first, taken @ ..] = self.samples else { return Ok(()) };
        let Some(last) = taken.last() else { return Ok(()) };
        let seconds = last.at.saturating_sub(first.at).as_secs_f64();
        let rate = |now: u64, before: u64| now.saturating_sub(before) as f64 / seconds;
        let (made, shipped) = (rate(last.made, first.made), rate(last.shipped, first.shipped));
        writeln!(
            f,
            "\nrates      {made:.0} calls/s, {shipped:.0} ships/s: {:.3} of the calls",
            shipped / made
        )?;
        let fifth = taken.len() / 5;
        if fifth == 0 {
            return writeln!(f, "too short to say more");
        }
        let compared = |of: fn(&Sample) -> f64| {
            let median = |samples: &[Sample]| middle(samples.iter().map(of).collect()).unwrap_or_default();
            (median(&taken[fifth..2 * fifth]), median(&taken[taken.len() - fifth..]))
        };
        // What grows by less than the calls of a second in three fifths of the time is not behind, but uneven.
        let (early, late) = compared(|sample| sample.waiting as f64);
        let keeps_up = if late <= early + made { "the store keeps up" } else { "THE STORE FALLS BEHIND" };
        writeln!(
            f,
            "backlog    {keeps_up}: {early:.0} logs waited in the second fifth of the time, {late:.0} in the last; \
             {} at the end, and were in after {:.1} s",
            last.waiting,
            self.drained.as_secs_f64()
        )?;
        let level = taken.iter().map(|sample| sample.level).max().unwrap_or_default();
        writeln!(
            f,
            "spool      its level was {level} at the most (1: contents are not kept, 2: calls go unrecorded)"
        )?;
        let (early, late) = compared(|sample| sample.resident_mib);
        let flat = if late <= early * FLAT { "flat" } else { "IT GROWS" };
        writeln!(
            f,
            "memory     {flat}: {early:.0} MiB in the second fifth of the time, {late:.0} in the last; {:.0} at the most",
            self.peak_mib
        )
    }
}

/// Where a database's size is read.
enum Sizes {
    File(PathBuf),
    Server(DatabaseConnection),
}

impl Sizes {
    async fn of(database: &Database) -> anyhow::Result<Self> {
        Ok(match database {
            Database::File(file) => Self::File(file.clone()),
            Database::Url(url) => Self::Server(sea_orm::Database::connect(url.as_str()).await?),
        })
    }

    /// Of the data and of the log of writes, in bytes.
    async fn read(&self) -> anyhow::Result<(u64, u64)> {
        match self {
            Self::File(file) => Ok((size(file), size(&file.with_extension("db-wal")))),
            Self::Server(db) => {
                let sql = "SELECT pg_database_size(current_database()) AS data, \
                           (SELECT CAST(sum(size) AS bigint) FROM pg_ls_waldir()) AS wal";
                let row = db.query_one_raw(Statement::from_string(DbBackend::Postgres, sql)).await?;
                let row = row.context("PostgreSQL does not tell sizes")?;
                let bytes =
                    |column: &str| Ok::<_, anyhow::Error>(u64::try_from(row.try_get::<i64>("", column)?)?);
                Ok((bytes("data")?, bytes("wal")?))
            }
        }
    }
}

fn size(file: &Path) -> u64 {
    std::fs::metadata(file).map_or(0, |file| file.len())
}

fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(waiting: fn(u64) -> u64, resident_mib: fn(u64) -> f64) -> String {
        let sample = |n: u64| Sample {
            at: STEP * u32::try_from(n).unwrap_or_default(),
            made: n * 1000,
            shipped: n * 1000 - waiting(n).min(n * 1000),
            waiting: waiting(n),
            spool_mib: 0.0,
            level: 0,
            resident_mib: resident_mib(n),
            database_mib: 0.0,
            wal_mib: 0.0,
        };
        let samples: Vec<_> = (0..=10).map(sample).collect();
        Verdict { samples: &samples, drained: Duration::ZERO, peak_mib: 0.0 }.to_string()
    }

    #[test]
    fn a_backlog_that_grows_and_memory_that_grows_are_said() {
        let good = verdict(|n| 50 + n % 2, |_| 100.0);
        assert!(good.contains("keeps up") && good.contains("flat"), "{good}");
        assert!(verdict(|n| n * 100, |_| 100.0).contains("FALLS BEHIND"));
        assert!(verdict(|_| 50, |n| 100.0 + n as f64).contains("IT GROWS"));
        // What is taken once, as the load begins, is no growth.
        assert!(verdict(|_| 50, |n| if n < 2 { 50.0 } else { 100.0 }).contains("flat"));
    }
}
