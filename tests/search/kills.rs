//! Workers that die with words half written.

use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::{Binary, MASTER_KEY, Process, chat, number, until};

/// Logs of one request.
const LOGS: usize = 100;

/// Requests, between whose logs workers die.
const ROUNDS: usize = 6;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_log_is_found_once_though_workers_are_killed_with_its_words_half_written() {
    let dir = TempDir::new().unwrap();
    std::fs::create_dir(dir.path().join("data")).unwrap();
    let url = Process::database_url(dir.path());
    let env = [
        ("TURNPIKE_DATABASE_URL", url.as_str()),
        ("TURNPIKE_MASTER_KEY", MASTER_KEY),
        ("TURNPIKE_JOBS__TEXT_INDEX_CRON", "* * * * * *"),
        ("TURNPIKE_JOBS__LEASE_MS", "500"),
        ("TURNPIKE_SHIPPER__LINGER_MS", "1"),
    ];
    let args = ["org", "create", "--name", "Acme", "--plan", "developer", "--owner-email", "o@example.com"];
    let made = Process::cli(dir.path(), &args);
    let api = Process::start(Binary::Api, dir.path(), &env, &[]);
    let call = async |method: Method, path: &str, body: Value| -> Value {
        let request = reqwest::Client::new().request(method, format!("http://{}{path}", api.addr));
        let request = request.header("x-portkey-api-key", made["api_key"].as_str().unwrap()).json(&body);
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
        response.json().await.unwrap()
    };
    let found = async || {
        let page = call(Method::GET, "/v1/logs?text=haystack&limit=1000", json!({})).await;
        page["data"].as_array().unwrap().len()
    };
    let db = Process::database(dir.path()).await;
    let worker = || Process::start(Binary::Workers, dir.path(), &env, &[]);
    let waiting = "SELECT count(*) FROM text_outbox";

    // None ends a row: each dies with words that it has written and that are not there.
    scratch::refuse(&db, "held", "INSERT ON log_text", "TRUE").await;
    let mut inserted = 0;
    for round in 0..ROUNDS {
        let log = |n| {
            let question = format!("A needle {} in the haystack", round * LOGS + n);
            json!({"request": {"url": "/v1/chat/completions", "body": chat(&question)}, "response": {"body": {}}})
        };
        call(Method::POST, "/v1/logs", (0..LOGS).map(log).collect()).await;
        inserted += LOGS;
        let logs = i64::try_from(inserted).unwrap();
        until("they are logged", || async {
            (number(&db, "SELECT count(*) FROM log").await == logs).then_some(())
        })
        .await;
        if round == 0 {
            let doomed = worker();
            until("it has failed", || async {
                let failed = "SELECT count(*) FROM job_run WHERE job = 'text_index' AND outcome = 'failed'";
                (number(&db, failed).await > 0).then_some(())
            })
            .await;
            doomed.kill();
            assert_eq!((number(&db, waiting).await > 0, found().await), (true, 0));
            scratch::allow(&db, "held").await;
        } else {
            // Wherever it is: as soon as it has written some of what waits, or all.
            let before = found().await;
            let doomed = worker();
            until("it has begun", || async { (found().await > before).then_some(()) }).await;
            doomed.kill();
        }
    }
    let (one, other) = (worker(), worker());
    until("nothing waits", || async { (number(&db, waiting).await == 0).then_some(()) }).await;
    assert_eq!(found().await, inserted);
    assert_eq!(number(&db, "SELECT count(*) FROM log_text").await, i64::try_from(inserted).unwrap());
    let needle = call(Method::GET, "/v1/logs?text=needle+417+haystack", json!({})).await;
    assert_eq!(needle["data"].as_array().unwrap().len(), 1);
    drop((one, other));
}
