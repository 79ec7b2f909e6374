//! Workers and receivers that die with spans on their way.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::sync::{Arc, Mutex};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message as _;
use tempfile::TempDir;

use super::*;
use crate::harness::{Binary, Exchange, MASTER_KEY, Process, Proxy, until};

/// Logs inserted between two deaths.
const LOGS: usize = 20;

/// The spans of a batch.
fn spans(exchange: &Exchange) -> Vec<Span> {
    let mut bytes = Vec::new();
    if exchange.header("content-encoding") == Some("gzip") {
        flate2::read::GzDecoder::new(&exchange.body[..]).read_to_end(&mut bytes).unwrap();
    } else {
        bytes.clone_from(&exchange.body);
    }
    let request = ExportTraceServiceRequest::decode(&bytes[..]).unwrap();
    let of_scopes = request.resource_spans.into_iter().flat_map(|of_resource| of_resource.scope_spans);
    of_scopes.flat_map(|of_scope| of_scope.spans).collect()
}

/// What a receiver has taken: the ids of spans by log, however often they came.
type Taken = Arc<Mutex<BTreeMap<String, BTreeSet<Vec<u8>>>>>;

fn keep(taken: &Taken, exchange: &Exchange) {
    // A log that was inserted is one span.
    for span in spans(exchange) {
        let log = attribute(&span.attributes, "turnpike.log.id").unwrap();
        taken.lock().unwrap().entry(log).or_default().insert(span.span_id);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_log_arrives_though_workers_and_receivers_are_killed_in_turn() {
    let dir = TempDir::new().unwrap();
    std::fs::create_dir(dir.path().join("data")).unwrap();
    let db = Process::database_url(dir.path());
    let env = [
        ("TURNPIKE_DATABASE_URL", db.as_str()),
        ("TURNPIKE_MASTER_KEY", MASTER_KEY),
        ("TURNPIKE_JOBS__SPAN_EXPORT_CRON", "* * * * * *"),
        ("TURNPIKE_JOBS__LEASE_MS", "1000"),
        ("TURNPIKE_SHIPPER__LINGER_MS", "1"),
    ];
    let args = ["org", "create", "--name", "Acme", "--plan", "developer", "--owner-email", "o@example.com"];
    let made = Process::cli(dir.path(), &args);
    let api = Process::start(Binary::Api, dir.path(), &env, &[]);
    let call = async |key: &str, method: Method, path: &str, body: Value| -> Value {
        let request = reqwest::Client::new().request(method, format!("http://{}{path}", api.addr));
        let key = made[key].as_str().unwrap();
        done(request.header("x-portkey-api-key", key).json(&body).send().await.unwrap()).await
    };
    let insert = async || -> Vec<String> {
        let side = || json!({"request": {"url": "/v1/x", "body": {}}, "response": {"body": {}}});
        let logs: Vec<Value> = (0..LOGS).map(|_| side()).collect();
        let answer = call("api_key", Method::POST, "/v1/logs", json!(logs)).await;
        answer["ids"].as_array().unwrap().iter().map(|id| id.as_str().unwrap().to_owned()).collect()
    };
    let mut receiver = Upstream::start().await;
    let way = Proxy::to(receiver.addr.to_string()).await;
    let destination = json!({"name": "tool", "endpoint": format!("http://{}", way.addr)});
    let destination = call("admin_api_key", Method::POST, DESTINATIONS, destination).await;
    let path = format!("{DESTINATIONS}/{}", destination["id"].as_str().unwrap());
    let worker = || Process::start(Binary::Workers, dir.path(), &env, &[]);

    // Killed with a batch that was taken and is not answered.
    let taken = Taken::default();
    let mut logs = insert().await;
    let doomed = worker();
    let exchange = receiver.asked().await;
    doomed.kill();
    keep(&taken, &exchange);
    exchange.bodiless(200, &[("content-length", "0")]).await;
    assert!(!taken.lock().unwrap().is_empty());

    // The next finds a receiver that dies with the batch, and one that is not there.
    logs.extend(insert().await);
    let second = worker();
    let exchange = receiver.asked().await;
    way.cut();
    keep(&taken, &exchange);
    exchange.die();
    until("the failure is seen", || async {
        let state = call("admin_api_key", Method::GET, &path, json!({})).await;
        (state["delivery"]["failed_attempts"].as_i64() > Some(0)).then_some(())
    })
    .await;
    logs.extend(insert().await);
    way.restore();
    let exchange = receiver.asked().await;
    second.kill();
    keep(&taken, &exchange);
    exchange.die();

    // The last has a receiver that lives.
    let seen = Arc::clone(&taken);
    receiver.answer_each(move |exchange| {
        keep(&seen, &exchange);
        exchange.bodiless(200, &[("content-length", "0")])
    });
    let last = worker();
    until("nothing waits", || async {
        let state = call("admin_api_key", Method::GET, &path, json!({})).await;
        (state["delivery"]["waiting_logs"] == 0).then_some(())
    })
    .await;
    // What waits is counted after what was sent is read: the last of it may have been sent in between.
    let state = call("admin_api_key", Method::GET, &path, json!({})).await;
    assert_eq!(
        (&state["delivery"]["sent_logs"], &state["delivery"]["dropped_logs"]),
        (&json!(3 * LOGS), &json!(0))
    );
    let taken = taken.lock().unwrap().clone();
    assert_eq!(taken.keys().cloned().collect::<BTreeSet<_>>(), logs.into_iter().collect::<BTreeSet<_>>());
    assert!(taken.values().all(|ids| ids.len() == 1), "sent again, a span has the id that it had: {taken:?}");
    drop(last);
}
