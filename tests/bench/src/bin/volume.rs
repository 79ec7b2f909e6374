//! How fast the store takes logs in, and whether it gets slower as it grows: batches like the shipper's, straight into
//! `logstore::append`, on SQLite or, under `deploy/dev/with-postgres --durable`, on PostgreSQL.

#![expect(clippy::cast_precision_loss, reason = "counts become rates, to be read by people")]
#![expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "what is made up has any bits")]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use bench::process;
use clap::{Parser, ValueEnum};
use clock::{Clock, Ids};
use entity::log;
use logstore::content::Content;
use logstore::{Batch, Entry, Headers, Packer, append};
use plans::{Overrides, Plan, Terms};
use sea_orm::prelude::Uuid;
use sea_orm::{ConnectionTrait as _, DatabaseConnection, DbBackend, Statement, TransactionTrait as _};

/// Contents to take from: making each row's own would measure the making.
const CONTENTS: usize = 1_000;

/// Words of a language of our own: few are frequent and many are rare, as in any.
const WORDS: usize = 4_000;

/// Fills a store with logs and prints what each step of rows took.
#[derive(Parser)]
struct Arguments {
    #[arg(long, default_value_t = 1_000_000)]
    rows: u64,
    /// Rows between two lines of the table.
    #[arg(long, default_value_t = 100_000)]
    step: u64,
    /// Rows a transaction.
    #[arg(long, default_value_t = 1_000)]
    batch: u64,
    #[arg(long, default_value_t = 10)]
    organisations: usize,
    /// Where trace ids come from: made by us, or by callers, at random.
    #[arg(long, value_enum, default_value_t = Traces::Ours)]
    traces: Traces,
    /// Connections that the pool holds from the start, as of a process that has served readers.
    #[arg(long, default_value_t = 8)]
    connections: usize,
    /// Where the database is made, and removed at the end. Default: the system's folder for such.
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Traces {
    Ours,
    Callers,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let folder = match &arguments.folder {
        Some(folder) => tempfile::tempdir_in(folder)?,
        None => tempfile::tempdir()?,
    };
    let db = scratch::database(folder.path()).await;
    let mut opened = Vec::new();
    for _ in 0..arguments.connections {
        opened.push(db.begin().await?);
    }
    for txn in opened {
        txn.rollback().await?;
    }
    let server = server(&db).await?;
    let ids = Ids::new(Clock::system());
    let contents = contents()?;
    let organisations: Vec<Uuid> = (0..arguments.organisations.max(1)).map(|_| ids.fresh()).collect();
    let terms = plans::terms(Plan::Enterprise, &Overrides::default());
    let terms: BTreeMap<Uuid, Terms> = organisations.iter().map(|id| (*id, terms)).collect();
    let mut writer = Writer {
        db,
        clock: Clock::system(),
        segment: ids.fresh(),
        ids,
        contents,
        organisations,
        terms,
        traces: arguments.traces,
        written: 0,
    };
    println!("      rows   rows/s  µs/row: own  server   slowest ms   MiB: resident     wal  database");
    let own = std::process::id();
    while writer.written < arguments.rows {
        let goal = (writer.written + arguments.step.max(1)).min(arguments.rows);
        let rows = goal - writer.written;
        let (cpu_before, server_before) = (process::cpu(&[own])?, server_cpu(server)?);
        let (mut making, mut appending, mut slowest) = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
        while writer.written < goal {
            let begun = Instant::now();
            let batch = writer.batch(arguments.batch.clamp(1, goal - writer.written));
            making += begun.elapsed();
            let begun = Instant::now();
            append::append(&writer.db, batch, &writer.terms, &writer.clock).await?;
            appending += begun.elapsed();
            slowest = slowest.max(begun.elapsed());
        }
        // The rows are made on this thread, whose time is all CPU.
        let cpu = process::cpu(&[own])?.saturating_sub(cpu_before).saturating_sub(making);
        let by_server = server_cpu(server)?.saturating_sub(server_before);
        println!(
            "{:>10} {:>8.0} {:>12.1} {:>7.1} {:>12.0} {:>15} {:>7} {:>9}",
            writer.written,
            rows as f64 / appending.as_secs_f64(),
            micros(cpu, rows),
            micros(by_server, rows),
            slowest.as_secs_f64() * 1e3,
            process::resident_kib(&[own])? / 1024,
            mib(&folder.path().join("turnpike.db-wal")),
            mib(&folder.path().join("turnpike.db")),
        );
    }
    Ok(())
}

fn micros(cpu: Duration, rows: u64) -> f64 {
    cpu.as_secs_f64() * 1e6 / rows.max(1) as f64
}

fn mib(file: &std::path::Path) -> u64 {
    std::fs::metadata(file).map_or(0, |file| file.len() >> 20)
}

/// The server's first process, whose descendants do its work; none of SQLite.
async fn server(db: &DatabaseConnection) -> anyhow::Result<Option<u32>> {
    if db.get_database_backend() != DbBackend::Postgres {
        return Ok(None);
    }
    let sql = "SELECT current_setting('data_directory') AS folder";
    let row = db.query_one_raw(Statement::from_string(DbBackend::Postgres, sql)).await?;
    let folder: String = row.context("no data directory")?.try_get("", "folder")?;
    let file = std::fs::read_to_string(PathBuf::from(folder).join("postmaster.pid"))?;
    Ok(Some(file.lines().next().context("an empty postmaster.pid")?.parse()?))
}

fn server_cpu(server: Option<u32>) -> anyhow::Result<Duration> {
    server.map_or(Ok(Duration::ZERO), |id| process::cpu(&[id]))
}

struct Writer {
    db: DatabaseConnection,
    clock: Clock,
    ids: Ids,
    segment: Uuid,
    contents: Vec<Vec<u8>>,
    organisations: Vec<Uuid>,
    terms: BTreeMap<Uuid, Terms>,
    traces: Traces,
    written: u64,
}

impl Writer {
    /// The next rows, as the shipper would bring them.
    fn batch(&mut self, rows: u64) -> Batch {
        let (start, end) = (self.written, self.written + rows);
        let entries = (start..end).map(|n| self.entry(usize::try_from(n).unwrap_or_default())).collect();
        self.written = end;
        Batch { segment: self.segment, start, end, entries }
    }

    fn entry(&self, n: usize) -> Entry {
        let id = self.ids.log_id();
        // Neighbours are of different organisations, and the busiest has half of all.
        let organisation = n.trailing_ones() as usize % self.organisations.len();
        let content = self.contents[n % self.contents.len()].clone();
        Entry { log: self.log(id, self.organisations[organisation]), payload: Some(content) }
    }

    fn log(&self, id: Uuid, organisation: Uuid) -> log::Model {
        log::Model {
            id,
            organisation_id: organisation,
            workspace_id: organisation,
            api_key_id: Some(organisation),
            created_at: clock::millis(id).unwrap_or_default(),
            retention_class: 30,
            source: "gateway".to_owned(),
            endpoint: "chatComplete".to_owned(),
            method: "POST".to_owned(),
            url: "https://api.openai.com/v1/chat/completions".to_owned(),
            provider: "openai".to_owned(),
            model: Some("gpt-4o-mini-2024-07-18".to_owned()),
            requested_model: Some("gpt-4o-mini".to_owned()),
            virtual_key: Some("openai-production".to_owned()),
            trace_id: match self.traces {
                Traces::Ours => self.ids.trace_id(),
                Traces::Callers => self.ids.fresh().to_string(),
            },
            span_id: None,
            span_name: None,
            parent_span_id: None,
            metadata: Some(serde_json::json!({"_user": "u-1729", "environment": "production"})),
            status_code: 200,
            outcome: "answered".to_owned(),
            streamed: false,
            input_tokens: Some(211),
            output_tokens: Some(187),
            cached_input_tokens: Some(0),
            cache_write_tokens: Some(0),
            reasoning_tokens: Some(0),
            tokens_estimated: false,
            cost_pusd: Some(143_850_000),
            prices_version: Some("2026-11-01".to_owned()),
            latency_us: 1_234_567,
            first_byte_us: Some(1_230_000),
            cache_status: "DISABLED".to_owned(),
            retry_count: 0,
            mode: "single".to_owned(),
            option_path: "config".to_owned(),
            payload: "whole".to_owned(),
            external_id: None,
        }
    }
}

/// Packed contents, each of a request of 1 KB and a response of 1.2 KB with the usual headers. Says what packing costs.
fn contents() -> anyhow::Result<Vec<Vec<u8>>> {
    let mut text = Text { state: 0x7475_726e_7069_6b65 };
    let sides: Vec<_> = (0..CONTENTS).map(|_| (request(&mut text), response(&mut text))).collect();
    let mut packer = Packer::new()?;
    let begun = Instant::now();
    let frames: Result<Vec<_>, _> = sides.iter().map(|(asked, given)| packer.pack(asked, given)).collect();
    let (frames, took) = (frames?, begun.elapsed());
    let size = |side: &Content| {
        side.body.len() + side.headers.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>()
    };
    let plain: usize = sides.iter().map(|(request, response)| size(request) + size(response)).sum();
    let small: usize = frames.iter().map(Vec::len).sum();
    println!(
        "packing: {} bytes to {}, {:.1} µs each",
        plain / CONTENTS,
        small / CONTENTS,
        micros(took, CONTENTS as u64)
    );
    Ok(frames)
}

fn request(text: &mut Text) -> Content {
    let body = serde_json::json!({
        "model": "gpt-4o-mini",
        "temperature": 0.2,
        "messages": [
            {"role": "system", "content": "You are a helpful assistant. Answer in short, exact sentences."},
            {"role": "user", "content": text.of(860)},
        ],
    });
    let headers = [
        ("host", "gateway.example.com".to_owned()),
        ("user-agent", "OpenAI/Python 1.109.1".to_owned()),
        ("content-type", "application/json".to_owned()),
        ("content-length", "1041".to_owned()),
        ("accept", "application/json".to_owned()),
        ("accept-encoding", "gzip, deflate".to_owned()),
        ("authorization", "Bearer ***".to_owned()),
        ("x-portkey-provider", "openai".to_owned()),
        ("x-stainless-lang", "python".to_owned()),
        ("x-stainless-runtime", "CPython".to_owned()),
        ("x-stainless-runtime-version", "3.12.7".to_owned()),
    ];
    Content { headers: headers.into_iter().collect::<Headers>(), body: body.to_string().into() }
}

fn response(text: &mut Text) -> Content {
    let body = serde_json::json!({
        "id": format!("chatcmpl-{:016x}{:08x}", text.next(), text.next() as u32),
        "object": "chat.completion",
        "created": 1_795_392_000 + text.next() % 100_000,
        "model": "gpt-4o-mini-2024-07-18",
        "choices": [{
            "index": 0,
            "message": {"role": "assistant", "content": text.of(760), "refusal": null},
            "logprobs": null,
            "finish_reason": "stop",
        }],
        "usage": {
            "prompt_tokens": 211, "completion_tokens": 187, "total_tokens": 398,
            "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        },
        "system_fingerprint": format!("fp_{:010x}", text.next() >> 24),
    });
    let headers = [
        ("date", "Mon, 23 Nov 2026 00:00:00 GMT".to_owned()),
        ("content-type", "application/json".to_owned()),
        ("openai-processing-ms", (text.next() % 3_000).to_string()),
        ("openai-version", "2020-10-01".to_owned()),
        ("x-ratelimit-limit-requests", "10000".to_owned()),
        ("x-ratelimit-remaining-requests", (text.next() % 10_000).to_string()),
        ("x-request-id", format!("req_{:016x}{:016x}", text.next(), text.next())),
        ("strict-transport-security", "max-age=31536000; includeSubDomains; preload".to_owned()),
        ("server", "cloudflare".to_owned()),
        ("cf-ray", format!("{:016x}-FRA", text.next())),
    ];
    Content { headers: headers.into_iter().collect::<Headers>(), body: body.to_string().into() }
}

/// Text that compresses about as prose does, the same in each run.
struct Text {
    state: u64,
}

impl Text {
    /// splitmix64: <https://prng.di.unimi.it/splitmix64.c>
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mixed(self.state)
    }

    fn of(&mut self, bytes: usize) -> String {
        let mut text = String::with_capacity(bytes + 16);
        while text.len() < bytes {
            // The rank of a word falls off exponentially over the list: by Zipf's law, roughly.
            let share = self.next() as f64 / u64::MAX as f64;
            let rank = (WORDS as f64).powf(share) as u64;
            push_word(&mut text, rank);
            text.push(' ');
        }
        text
    }
}

fn mixed(state: u64) -> u64 {
    let z = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The word of a rank: frequent ones are short.
fn push_word(text: &mut String, rank: u64) {
    let syllables = 1 + rank.ilog10() + (rank % 2) as u32;
    let mut bits = mixed(rank);
    for _ in 0..syllables {
        for letters in ["tnsrhldcmfpgwyb", "eaoiu"] {
            text.push(char::from(letters.as_bytes()[bits as usize % letters.len()]));
            bits /= 16;
        }
    }
}
