//! Filling a store: how fast it takes logs in, and whether it gets slower as it grows.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use bench::process;
use logstore::append::{self, Rules};
use logstore::exports::Exports;
use logstore::spending::Limited;
use plans::Terms;
use sea_orm::prelude::Uuid;
use sea_orm::{ConnectionTrait as _, DatabaseConnection, DbBackend, Statement};

use crate::logs::Logs;
use crate::organisations::{self, Organisation};

/// A store and who writes into it.
pub struct Store {
    pub db: DatabaseConnection,
    /// Where it is, if it is SQLite's.
    pub folder: PathBuf,
    /// The server's first process, whose descendants do its work; none of SQLite.
    pub server: Option<u32>,
    pub organisations: Vec<Organisation>,
    /// Whether logs are to be found by their words.
    pub searchable: bool,
}

/// What a stretch of appends took.
pub struct Took {
    rows: u64,
    appending: Duration,
    slowest: Duration,
    own_cpu: Duration,
    server_cpu: Duration,
}

impl Store {
    /// Appends so many logs, and says what it took. The making of logs is not in it.
    pub async fn append(&self, logs: &mut Logs, rows: u64, batch: u64) -> anyhow::Result<Took> {
        let terms: BTreeMap<Uuid, Terms> = organisations::terms(&self.organisations);
        let rules = Rules {
            terms: &|(organisation, _)| terms.get(&organisation).copied(),
            limited: &Limited::default(),
            exports: &Exports::default(),
            searchable: self.searchable,
        };
        let own = [std::process::id()];
        let (cpu_before, server_before) = (process::cpu(&own)?, self.server_cpu()?);
        let (mut making, mut appending, mut slowest) = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
        let goal = logs.made + rows;
        while logs.made < goal {
            let begun = Instant::now();
            let batch = logs.batch(batch.clamp(1, goal - logs.made), &self.organisations);
            making += begun.elapsed();
            let begun = Instant::now();
            append::append(&self.db, batch, rules, &logs.clock).await?;
            appending += begun.elapsed();
            slowest = slowest.max(begun.elapsed());
        }
        // The rows are made on this thread, whose time is all CPU.
        let own_cpu = process::cpu(&own)?.saturating_sub(cpu_before).saturating_sub(making);
        let server_cpu = self.server_cpu()?.saturating_sub(server_before);
        Ok(Took { rows, appending, slowest, own_cpu, server_cpu })
    }

    pub fn server_cpu(&self) -> anyhow::Result<Duration> {
        self.server.map_or(Ok(Duration::ZERO), |id| process::cpu(&[id]))
    }

    /// MiB of the database, and of its log of writes where that is SQLite's.
    pub async fn mib(&self) -> anyhow::Result<(u64, u64)> {
        if self.server.is_none() {
            return Ok((mib(&self.folder.join("turnpike.db")), mib(&self.folder.join("turnpike.db-wal"))));
        }
        let sql = "SELECT pg_database_size(current_database()) AS bytes";
        let row = self.db.query_one_raw(Statement::from_string(DbBackend::Postgres, sql)).await?;
        let bytes: i64 = row.context("no size")?.try_get("", "bytes")?;
        Ok((bytes.unsigned_abs() >> 20, 0))
    }
}

pub const HEADER: &str =
    "      rows   rows/s  µs/row: own  server   slowest ms   MiB: resident     wal  database";

impl Took {
    /// A line under [`HEADER`].
    pub fn line(&self, rows: u64, (database, wal): (u64, u64)) -> anyhow::Result<String> {
        let micros = |cpu: Duration| cpu.as_secs_f64() * 1e6 / self.rows.max(1) as f64;
        Ok(format!(
            "{rows:>10} {:>8.0} {:>12.1} {:>7.1} {:>12.0} {:>15} {wal:>7} {database:>9}",
            self.rows_a_second(),
            micros(self.own_cpu),
            micros(self.server_cpu),
            self.slowest.as_secs_f64() * 1e3,
            process::resident_kib(&[std::process::id()])? / 1024,
        ))
    }

    pub fn rows_a_second(&self) -> f64 {
        self.rows as f64 / self.appending.as_secs_f64()
    }
}

/// The first process of the server that has this database.
pub async fn server(db: &DatabaseConnection) -> anyhow::Result<Option<u32>> {
    if db.get_database_backend() != DbBackend::Postgres {
        return Ok(None);
    }
    let sql = "SELECT current_setting('data_directory') AS folder";
    let row = db.query_one_raw(Statement::from_string(DbBackend::Postgres, sql)).await?;
    let folder: String = row.context("no data directory")?.try_get("", "folder")?;
    let file = std::fs::read_to_string(PathBuf::from(folder).join("postmaster.pid"))?;
    Ok(Some(file.lines().next().context("an empty postmaster.pid")?.parse()?))
}

fn mib(file: &Path) -> u64 {
    std::fs::metadata(file).map_or(0, |file| file.len() >> 20)
}
