//! A client's end ends the provider's call, and still gives exactly one log.

use plans::Plan;
use serde_json::json;

use crate::harness::{
    DONE, Exchange, Org, TestApp, Upstream, Wire, answer, chat, delta, header_lines, usage_chunk,
};

/// How a client goes away.
#[derive(Clone, Copy, Debug)]
enum Leave {
    Close,
    Reset,
}

const WAYS: [Leave; 2] = [Leave::Close, Leave::Reset];

fn leave(wire: Wire, how: Leave) {
    match how {
        Leave::Close => wire.close(),
        Leave::Reset => wire.reset(),
    }
}

async fn open(org: &Org<'_>, upstream: &mut Upstream, stream: bool) -> (Wire, Exchange) {
    let url = upstream.url();
    let mut wire = Wire::connect(org.app.running.addr).await;
    let mut body = chat("hi");
    body["stream"] = json!(stream);
    wire.post("/v1/chat/completions", &org.headers(&url), &body.to_string()).await;
    (wire, upstream.asked().await)
}

#[tokio::test]
async fn a_client_that_leaves_before_the_head_ends_the_call() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let mut upstream = Upstream::start().await;
    for (done, how) in WAYS.into_iter().enumerate() {
        let (wire, exchange) = open(&org, &mut upstream, false).await;
        leave(wire, how);
        exchange.given_up().await;
        let row = &org.rows("", done + 1).await[0];
        assert_eq!(
            (&row["outcome"], &row["response_status_code"]),
            (&json!("client_gone"), &json!(499)),
            "{how:?}"
        );
    }
}

#[tokio::test]
async fn a_client_that_leaves_between_two_chunks_ends_the_call() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let mut upstream = Upstream::start().await;
    for (done, how) in WAYS.into_iter().enumerate() {
        let (mut wire, mut exchange) = open(&org, &mut upstream, true).await;
        exchange.event_stream().await;
        exchange.send(usage_chunk()).await;
        exchange.send(delta("word")).await;
        wire.until("word").await;
        leave(wire, how);
        // Chunks go on coming until the gateway notices.
        let mut exchange = exchange;
        for _ in 0..3 {
            exchange.send(delta("more")).await;
        }
        exchange.given_up().await;
        let row = &org.rows("", done + 1).await[0];
        assert_eq!(
            (&row["outcome"], &row["response_status_code"]),
            (&json!("client_gone"), &json!(200)),
            "{how:?}"
        );
        assert_eq!(row["total_tokens"], 1200, "{how:?}: the usage seen so far is kept");
    }
}

#[tokio::test]
async fn a_client_that_leaves_while_the_provider_is_silent_ends_the_call() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let mut upstream = Upstream::start().await;
    for (done, how) in WAYS.into_iter().enumerate() {
        let (mut wire, mut exchange) = open(&org, &mut upstream, true).await;
        exchange.event_stream().await;
        exchange.send(delta("word")).await;
        wire.until("word").await;
        leave(wire, how);
        exchange.given_up().await;
        assert_eq!(org.rows("", done + 1).await[0]["outcome"], "client_gone", "{how:?}");
    }
}

#[tokio::test]
async fn a_client_that_leaves_in_mid_upload_ends_the_call() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let upstream = Upstream::start().await;
    let url = upstream.url();
    let mut wire = Wire::connect(app.running.addr).await;
    let framing =
        [("host", "x"), ("content-type", "application/octet-stream"), ("content-length", "1000000")];
    let lines = header_lines(&framing) + &header_lines(&org.headers(&url));
    wire.send(format!("POST /v1/files HTTP/1.1\r\n{lines}\r\nthe beginning")).await;
    wire.close();
    let row = &org.rows("", 1).await[0];
    assert_eq!(row["outcome"], "client_gone");
}

#[tokio::test]
async fn a_client_that_only_stops_sending_still_gets_its_answer() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let mut upstream = Upstream::start().await;

    let (mut wire, exchange) = open(&org, &mut upstream, false).await;
    wire.half_close().await;
    // Long enough for the gateway to have looked, and probed, several times.
    wire.until("100 Continue").await;
    exchange.json(200, &answer("for the patient")).await;
    wire.until("for the patient").await;

    let (mut wire, mut exchange) = open(&org, &mut upstream, true).await;
    exchange.event_stream().await;
    exchange.send(delta("first")).await;
    wire.until("first").await;
    wire.half_close().await;
    wire.until(":\n").await;
    exchange.send(delta("second")).await;
    wire.until("second").await;
    exchange.send(DONE).await;
    exchange.end().await;
    wire.until("[DONE]").await;

    let rows = org.rows("", 2).await;
    assert!(rows.iter().all(|row| row["outcome"] == "answered"), "{rows:?}");
}

#[tokio::test]
async fn however_calls_end_each_has_exactly_one_log() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Enterprise).await;
    let mut upstream = Upstream::start().await;
    let rounds = 10;
    for _ in 0..rounds {
        let (wire, exchange) = open(&org, &mut upstream, false).await;
        wire.reset();
        exchange.given_up().await;
        let (wire, mut exchange) = open(&org, &mut upstream, true).await;
        exchange.event_stream().await;
        exchange.send(delta("word")).await;
        wire.close();
        exchange.given_up().await;
        let (mut wire, mut exchange) = open(&org, &mut upstream, true).await;
        exchange.event_stream().await;
        exchange.die();
        wire.until_closed().await;
        let (mut wire, exchange) = open(&org, &mut upstream, false).await;
        exchange.json(200, &answer("whole")).await;
        wire.until("whole").await;
    }
    let usage = org.usage_of(4 * rounds).await;
    assert_eq!(usage["used"], 4 * rounds);
    assert_eq!(org.rows("limit=100", 4 * usize::try_from(rounds).unwrap()).await.len(), 40);
    for outcome in ["client_gone", "upstream_cut", "answered"] {
        let count = app.count(&format!("SELECT count(*) FROM log WHERE outcome = '{outcome}'")).await;
        let expected = if outcome == "client_gone" { 2 * rounds } else { rounds };
        assert_eq!(u64::try_from(count).unwrap(), expected, "{outcome}");
    }
}
