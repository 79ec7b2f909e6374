//! The store under volume: fills one with logs over many days, on SQLite or, under `deploy/dev/with-postgres --durable`, on
//! PostgreSQL, and prints how fast it takes them in, forgets them and finds them.

#![expect(clippy::cast_precision_loss, reason = "counts become rates, to be read by people")]
#![expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "what is made up has any bits")]

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Parser;
use clock::{Clock, Ids};
use sea_orm::TransactionTrait as _;

mod contents;
mod explain;
mod fill;
mod growth;
mod lists;
mod logs;
mod organisations;
mod retention;
mod text;
mod words;

use fill::Store;
use logs::{Logs, Traces};

/// Fills a store with logs and says what they cost.
#[derive(Parser)]
struct Arguments {
    #[arg(long, default_value_t = 2_000_000)]
    rows: u64,
    /// Days that the logs are spread over.
    #[arg(long, default_value_t = 40)]
    days: u32,
    /// Rows between two lines of the table. Default: a tenth of all.
    #[arg(long)]
    step: Option<u64>,
    /// Rows a transaction.
    #[arg(long, default_value_t = 1_000)]
    batch: u64,
    /// Of a hundred logs so many have content.
    #[arg(long, default_value_t = 20)]
    contents: u64,
    /// Where trace ids come from: made by us, or by callers, at random.
    #[arg(long, value_enum, default_value_t = Traces::Ours)]
    traces: Traces,
    /// Connections that the pool holds from the start, as of a process that has served readers.
    #[arg(long, default_value_t = 8)]
    connections: usize,
    /// Make logs with content findable by their words, after the append.
    #[arg(long)]
    words: bool,
    /// Only the append.
    #[arg(long)]
    append_only: bool,
    /// Where SQLite's file is made, and removed at the end. Default: the system's folder for such.
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
    /// Where the whole plans of the lists are written.
    #[arg(long, value_name = "FILE")]
    plans: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let apart = Duration::from_hours(24) * arguments.days / u32::try_from(arguments.rows.max(1))?;
    let folder = folder(&arguments)?;
    let (store, mut logs) = begin(&arguments, folder.path(), apart).await?;
    let begun_ms = logs.clock.now_ms();
    fill(&arguments, &store, &mut logs).await?;
    if arguments.words {
        words::measure(&store, &logs.clock).await?;
    }
    if arguments.append_only {
        return Ok(());
    }
    let now_ms = logs.clock.now_ms();
    if store.server.is_some() {
        retention::drop_days(&store, begun_ms, now_ms).await?;
    } else {
        let deleted = retention::delete(&store, now_ms).await?;
        println!(
            "\ndeleted {} rows in {} chunks: {:.1} s, the slowest {:.0} ms",
            deleted.rows,
            deleted.chunks,
            deleted.took.as_secs_f64(),
            deleted.slowest.as_secs_f64() * 1e3,
        );
    }
    retention::settle(&store).await?;
    let plans = lists::measure(&store, now_ms).await?;
    if let Some(file) = &arguments.plans {
        std::fs::write(file, plans.join("\n"))?;
    }
    if store.server.is_none() {
        let folder = self::folder(&arguments)?;
        let (mut store, mut logs) = begin(&arguments, folder.path(), apart).await?;
        store.organisations.retain(|organisation| organisation.terms.log_retention_days.is_some());
        let rows_a_day = (arguments.rows / 400).max(1);
        growth::measure(&store, &mut logs, rows_a_day, arguments.batch).await?;
    }
    Ok(())
}

fn folder(arguments: &Arguments) -> std::io::Result<tempfile::TempDir> {
    arguments.folder.as_ref().map_or_else(tempfile::tempdir, tempfile::tempdir_in)
}

/// An empty store, and where its logs come from.
async fn begin(arguments: &Arguments, folder: &Path, apart: Duration) -> anyhow::Result<(Store, Logs)> {
    let db = scratch::database(folder).await;
    let mut opened = Vec::new();
    for _ in 0..arguments.connections {
        opened.push(db.begin().await?);
    }
    for txn in opened {
        txn.rollback().await?;
    }
    let past = Clock::system().now_ms() - i64::from(arguments.days) * 86_400_000;
    let clock = Clock::starting_at(past);
    let ids = Ids::new(clock.clone());
    let organisations = organisations::make(&db, &ids, &clock).await?;
    let server = fill::server(&db).await?;
    let logs = Logs {
        segment: ids.fresh(),
        clock,
        ids,
        contents: contents::contents()?,
        with_content: arguments.contents,
        traces: arguments.traces,
        apart,
        made: 0,
    };
    Ok((Store { db, folder: folder.to_owned(), server, organisations, searchable: arguments.words }, logs))
}

async fn fill(arguments: &Arguments, store: &Store, logs: &mut Logs) -> anyhow::Result<()> {
    println!("\n{}", fill::HEADER);
    let step = arguments.step.unwrap_or(arguments.rows / 10).max(1);
    while logs.made < arguments.rows {
        let rows = step.min(arguments.rows - logs.made);
        let took = store.append(logs, rows, arguments.batch).await?;
        println!("{}", took.line(logs.made, store.mib().await?)?);
    }
    Ok(())
}
