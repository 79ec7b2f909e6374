//! The process is killed at the worst moment: no call that a client saw complete is without its log, and none has two.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::{DONE, Process, Upstream, Wire, answer, chat, delta, until};

/// An organisation made by the CLI; its key.
fn org(dir: &Path) -> String {
    let args =
        ["org", "create", "--name", "Acme", "--plan", "enterprise", "--owner-email", "owner@example.com"];
    Process::cli(dir, &args)["api_key"].as_str().unwrap().to_owned()
}

async fn logs(addr: SocketAddr, key: &str) -> Vec<Value> {
    let mut rows = Vec::new();
    let mut cursor = String::new();
    loop {
        let url = format!("http://{addr}/v1/logs?limit=100{cursor}");
        let request = reqwest::Client::new().get(url).header("x-portkey-api-key", key);
        let page: Value = request.send().await.unwrap().json().await.unwrap();
        rows.extend(page["data"].as_array().unwrap().iter().cloned());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return rows,
        }
    }
}

fn headers<'a>(key: &'a str, url: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![("x-portkey-api-key", key), ("x-portkey-provider", "openai"), ("x-portkey-custom-host", url)]
}

#[tokio::test]
async fn a_server_killed_right_after_its_first_whole_answer_has_the_log() {
    for (stream, debug) in [(false, "true"), (true, "true"), (false, "false"), (true, "false")] {
        let dir = TempDir::new().unwrap();
        let key = org(dir.path());
        let mut upstream = Upstream::start().await;
        let url = upstream.url();
        let server = Process::serve(dir.path(), &[]);
        let mut wire = Wire::connect(server.addr).await;
        let mut headers = headers(&key, &url);
        headers.push(("x-portkey-debug", debug));
        let mut body = chat("hi");
        body["stream"] = json!(stream);
        wire.post("/v1/chat/completions", &headers, &body.to_string()).await;
        let mut exchange = upstream.asked().await;
        if stream {
            exchange.event_stream().await;
            exchange.send(delta("word")).await;
            exchange.send(DONE).await;
            wire.until("[DONE]").await;
        } else {
            exchange.json(200, &answer("whole")).await;
            wire.until("}]").await;
            wire.until("1200}}").await;
        }
        server.kill();
        let id = wire.header("x-turnpike-log-id").unwrap();

        let server = Process::serve(dir.path(), &[]);
        let rows = until("the log is there", || async {
            let rows = logs(server.addr, &key).await;
            (!rows.is_empty()).then_some(rows)
        })
        .await;
        assert_eq!(rows.len(), 1, "stream: {stream}, debug: {debug}");
        assert_eq!(rows[0]["id"], id.as_str());
    }
}

#[tokio::test]
async fn killed_again_and_again_under_load_no_answered_call_is_lost_or_logged_twice() {
    let dir = TempDir::new().unwrap();
    let key = org(dir.path());
    let upstream = Upstream::start().await;
    let url = upstream.url();
    let asked = upstream.answer_all(answer("whole"));
    let mut answered: HashSet<String> = HashSet::new();
    for round in 1..=3_u32 {
        let server = Process::serve(dir.path(), &[]);
        let (done, mut ids) = tokio::sync::mpsc::unbounded_channel();
        for _ in 0..8 {
            let (done, key, url, addr) = (done.clone(), key.clone(), url.clone(), server.addr);
            tokio::spawn(async move {
                let http = reqwest::Client::new();
                loop {
                    let request = http
                        .post(format!("http://{addr}/v1/chat/completions"))
                        .header("x-portkey-api-key", &key)
                        .header("x-portkey-provider", "openai")
                        .header("x-portkey-custom-host", &url)
                        .json(&chat("hi"));
                    let Ok(response) = request.send().await else { return };
                    let id = response.headers()["x-turnpike-log-id"].to_str().unwrap().to_owned();
                    let whole = response.json::<Value>().await.is_ok();
                    if !whole || done.send(id).is_err() {
                        return;
                    }
                }
            });
        }
        drop(done);
        // Somewhere in the middle of spooling and shipping.
        for _ in 0..150 * round {
            answered.insert(ids.recv().await.unwrap());
        }
        server.kill();
        while let Some(id) = ids.recv().await {
            answered.insert(id);
        }
    }
    let server = Process::serve(dir.path(), &[]);
    let logged = until("every answered call is logged", || async {
        let ids: Vec<String> =
            logs(server.addr, &key).await.iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect();
        let there: HashSet<&String> = ids.iter().collect();
        answered.iter().all(|id| there.contains(id)).then_some(ids)
    })
    .await;
    let distinct: HashSet<&String> = logged.iter().collect();
    assert_eq!(distinct.len(), logged.len(), "a call is logged twice");
    assert!(logged.len() <= asked.load(std::sync::atomic::Ordering::SeqCst));

    let request = reqwest::Client::new().get(format!("http://{}/v1/usage", server.addr));
    let usage: Value = request.header("x-portkey-api-key", &key).send().await.unwrap().json().await.unwrap();
    assert_eq!(usage["used"].as_u64().unwrap(), logged.len() as u64, "the meter and the logs differ");
}

#[tokio::test]
async fn a_server_killed_between_attempts_leaves_no_half_log_and_none_of_another_call_twice() {
    let dir = TempDir::new().unwrap();
    let key = org(dir.path());
    let mut upstream = Upstream::start().await;
    let config = |retry: Value| {
        let target =
            json!({"provider": "openai", "api_key": "sk-1", "custom_host": upstream.url(), "retry": retry});
        target.to_string()
    };
    let (patient, other) = (config(json!({"attempts": 5})), config(json!({"attempts": 0})));
    // A retry that is waited for longer than any test takes.
    let server = Process::serve(dir.path(), &[("TURNPIKE_GATEWAY__RETRY_BASE_MS", "60000")]);
    let busy = json!({"error": {"message": "busy", "type": "server_error"}});
    let call = async |wire: &mut Wire, config: &str| {
        let headers = [("x-portkey-api-key", key.as_str()), ("x-portkey-config", config)];
        wire.post("/v1/chat/completions", &headers, &chat("hi").to_string()).await;
    };
    let (mut waiting, mut answered) = (Wire::connect(server.addr).await, Wire::connect(server.addr).await);
    call(&mut waiting, &patient).await;
    upstream.asked().await.json(503, &busy).await;
    call(&mut answered, &other).await;
    upstream.asked().await.json(200, &answer("whole")).await;
    answered.until("1200}}").await;
    let id = answered.header("x-turnpike-log-id").unwrap();
    server.kill();
    waiting.until_closed().await;
    assert_eq!(waiting.text(), "", "nothing was said of an answer");

    let server = Process::serve(dir.path(), &[("TURNPIKE_GATEWAY__RETRY_BASE_MS", "1")]);
    let mut again = Wire::connect(server.addr).await;
    call(&mut again, &patient).await;
    for _ in 0..2 {
        upstream.asked().await.json(503, &busy).await;
    }
    upstream.asked().await.json(200, &answer("whole")).await;
    again.until("1200}}").await;
    let again = again.header("x-turnpike-log-id").unwrap();
    let ids = until("both are logged", || async {
        let rows = logs(server.addr, &key).await;
        let ids: Vec<String> = rows.iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect();
        (ids.len() >= 2).then_some(ids)
    })
    .await;
    assert_eq!(ids, [again, id], "the newest first, each once");
}
