//! How many spans a second one worker exports: fills a store with logs that wait for a receiver, runs the job, and prints what it
//! took, on SQLite or, under `deploy/dev/with-postgres`, on PostgreSQL. The receiver is in this process and reads all that it is sent.

#![expect(clippy::cast_precision_loss, reason = "counts become rates, to be read by people")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use actix_web::{App, HttpResponse, HttpServer, web};
use bench::jobs;
use clap::Parser;
use clock::Clock;
use entity::otel_destination;
use logstore::append::{self, Rules};
use logstore::exports::Exports;
use logstore::spending::Limited;
use logstore::{Batch, Content, Entry, Packer};
use plans::{Overrides, Plan};
use sea_orm::prelude::Uuid;
use sea_orm::{DatabaseConnection, EntityTrait as _, IntoActiveModel as _};
use workers::{Job, Parts};

/// A call has a span for itself and one for what was asked of the provider.
const SPANS_OF_A_LOG: u64 = 2;

const BATCH: u64 = 1_000;

/// Exports spans and says how fast.
#[derive(Parser)]
struct Arguments {
    #[arg(long, default_value_t = 100_000)]
    logs: u64,
    /// Each gets all of the logs.
    #[arg(long, default_value_t = 1)]
    destinations: u64,
    /// `http/protobuf` or `http/json`.
    #[arg(long, default_value = "http/protobuf")]
    protocol: String,
    /// Messages too: 2 KB of each log.
    #[arg(long)]
    content: bool,
    #[arg(long)]
    metrics: bool,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let folder = tempfile::tempdir()?;
    let db = scratch::database(folder.path()).await;
    let bytes = Arc::new(AtomicU64::new(0));
    let endpoint = receive(Arc::clone(&bytes))?;
    let parts = parts(db)?;
    let organisation = parts.ids.fresh();
    for _ in 0..arguments.destinations {
        let row = destination(&arguments, &parts, organisation, &endpoint)?;
        otel_destination::Entity::insert(row.into_active_model()).exec_without_returning(&parts.db).await?;
    }
    let begun = Instant::now();
    fill(&arguments, &parts, organisation).await?;
    println!("{} logs appended in {:.1} s", arguments.logs, begun.elapsed().as_secs_f64());

    let (begun, mut sent) = (Instant::now(), 0);
    let goal = arguments.logs * arguments.destinations;
    while sent < goal {
        let report = workers::run_now(Job::SpanExport, &parts).await?;
        let more = report.count("sent").unwrap_or(0);
        anyhow::ensure!(more > 0, "nothing was sent: {report}");
        sent += more;
    }
    let seconds = begun.elapsed().as_secs_f64();
    let spans = sent * SPANS_OF_A_LOG;
    let each = bytes.load(Ordering::Relaxed) as f64 / spans as f64;
    println!(
        "{spans} spans in {seconds:.1} s: {:.0} spans/s, {each:.0} bytes each as sent",
        spans as f64 / seconds
    );
    Ok(())
}

/// A receiver that takes all; where it listens.
fn receive(bytes: Arc<AtomicU64>) -> anyhow::Result<String> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    let endpoint = format!("http://{}", listener.local_addr()?);
    let app = move || {
        let bytes = Arc::clone(&bytes);
        let take = move |mut payload: web::Payload| {
            let bytes = Arc::clone(&bytes);
            async move {
                use futures_util::StreamExt as _;
                while let Some(Ok(piece)) = payload.next().await {
                    bytes.fetch_add(piece.len() as u64, Ordering::Relaxed);
                }
                HttpResponse::Ok().finish()
            }
        };
        App::new().default_service(web::to(take))
    };
    tokio::spawn(HttpServer::new(app).workers(1).disable_signals().listen(listener)?.run());
    Ok(endpoint)
}

fn parts(db: DatabaseConnection) -> anyhow::Result<Parts> {
    let mut parts = jobs::parts(db, Clock::system())?;
    parts.settings.span_export_max_logs = u64::MAX;
    Ok(parts)
}

fn destination(
    arguments: &Arguments,
    parts: &Parts,
    organisation_id: Uuid,
    endpoint: &str,
) -> anyhow::Result<otel_destination::Model> {
    let (id, now_ms) = (parts.ids.fresh(), parts.clock.now_ms());
    let headers = [("authorization".to_owned(), "Bearer of-the-bench".to_owned())].into();
    Ok(otel_destination::Model {
        id,
        organisation_id,
        workspace_id: None,
        name: "bench".to_owned(),
        endpoint: endpoint.to_owned(),
        protocol: arguments.protocol.clone(),
        header_hints: exports::stored::hints(&headers),
        headers: exports::stored::seal(&parts.vault, &headers, organisation_id, id)?,
        sampling: 1.0,
        filters: serde_json::json!({}),
        content: arguments.content,
        metrics: arguments.metrics,
        resource: serde_json::json!({}),
        flavour: "genai".to_owned(),
        status: "active".to_owned(),
        created_at: now_ms,
        last_updated_at: now_ms,
        attempts: 0,
        next_attempt_at: now_ms,
        last_attempt_at: None,
        last_success_at: None,
        last_error: None,
        sent: 0,
        rejected: 0,
        dropped: 0,
    })
}

/// As the shipper brings them.
async fn fill(arguments: &Arguments, parts: &Parts, organisation: Uuid) -> anyhow::Result<()> {
    let terms = plans::terms(Plan::Enterprise, &Overrides::default());
    let exports = Exports::load(&parts.db, [organisation]).await?;
    let rules =
        Rules { terms: &|_| Some(terms), limited: &Limited::default(), exports: &exports, searchable: false };
    let text = "a word or two of a prompt ".repeat(40);
    let request = serde_json::json!({"model": "gpt-4o", "messages": [{"role": "user", "content": text}], "temperature": 0.5});
    let response = serde_json::json!({"id": "c-1", "model": "gpt-4o", "choices": [
        {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}]});
    let side = |body: serde_json::Value| Content { body: body.to_string().into(), ..Content::default() };
    let content = Packer::new()?.pack(&side(request), &side(response))?;
    let segment = parts.ids.fresh();
    let mut made = 0;
    while made < arguments.logs {
        let n = BATCH.min(arguments.logs - made);
        let entry = |_| {
            let log = scratch::log(parts.ids.log_id(), organisation);
            Entry {
                log: entity::log::Model { retention_class: 0, ..log },
                payload: Some(content.clone()),
                opinions: Vec::new(),
            }
        };
        let entries = (0..n).map(entry).collect();
        let batch = Batch { segment, start: made, end: made + n, entries, late: Vec::new() };
        append::append(&parts.db, batch, rules, &parts.clock).await?;
        made += n;
    }
    Ok(())
}
