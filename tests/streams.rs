//! Streams pass chunk by chunk, and nothing says 'complete' before the call is recorded.

use std::io::Write as _;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use plans::Plan;
use serde_json::json;

use crate::harness::{DONE, Exchange, Org, TestApp, Upstream, Wire, answer, chat, delta, usage_chunk};

/// Opens a streamed call on a raw connection; gives it with the provider's side of it.
async fn open(org: &Org<'_>, upstream: &mut Upstream) -> (Wire, Exchange) {
    let url = upstream.url();
    let mut wire = Wire::connect(org.app.running.addr).await;
    let mut body = chat("hi");
    body["stream"] = json!(true);
    wire.post("/v1/chat/completions", &org.headers(&url), &body.to_string()).await;
    (wire, upstream.asked().await)
}

/// Whether the spool's files hold `text` at this moment.
fn spooled(data_dir: &Path, text: &str) -> bool {
    let files = std::fs::read_dir(data_dir.join("spool")).unwrap();
    files
        .map(|file| std::fs::read(file.unwrap().path()).unwrap())
        .any(|bytes| bytes.windows(text.len()).any(|window| window == text.as_bytes()))
}

#[tokio::test]
async fn each_chunk_arrives_before_the_next_is_sent() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let mut upstream = Upstream::start().await;
    let (mut wire, mut exchange) = open(&org, &mut upstream).await;
    exchange.event_stream().await;
    for word in ["alpha", "beta", "gamma"] {
        exchange.send(delta(word)).await;
        wire.until(word).await;
    }
    exchange.send(usage_chunk()).await;
    exchange.send(DONE).await;
    exchange.end().await;
    wire.until("0\r\n\r\n").await;
    let expected = [delta("alpha"), delta("beta"), delta("gamma"), usage_chunk(), DONE.to_owned()].concat();
    assert!(unchunked(&wire.text()).ends_with(&expected), "{}", wire.text());

    let row = &org.rows("", 1).await[0];
    assert_eq!((&row["total_tokens"], &row["tokens_estimated"]), (&json!(1200), &json!(false)));
    assert_eq!(row["cost"], 0.027);
    let log = org.log(row["id"].as_str().unwrap()).await;
    assert_eq!(log["response"]["body"], expected);
}

#[tokio::test]
async fn each_event_of_a_compressed_stream_arrives_before_the_next_is_sent() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let mut upstream = Upstream::start().await;
    let (mut wire, mut exchange) = open(&org, &mut upstream).await;
    exchange.head(200, &[("content-type", "text/event-stream"), ("content-encoding", "gzip")]).await;
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    for word in ["alpha", "beta", "gamma"] {
        encoder.write_all(delta(word).as_bytes()).unwrap();
        encoder.flush().unwrap();
        exchange.send(std::mem::take(encoder.get_mut())).await;
        wire.until(word).await;
    }
    encoder.write_all(DONE.as_bytes()).unwrap();
    exchange.send(encoder.finish().unwrap()).await;
    exchange.end().await;
    wire.until("0\r\n\r\n").await;
    let expected = [delta("alpha"), delta("beta"), delta("gamma"), DONE.to_owned()].concat();
    assert!(unchunked(&wire.text()).ends_with(&expected), "{}", wire.text());
    assert_eq!(org.rows("", 1).await[0]["outcome"], "answered");
}

#[tokio::test]
async fn no_terminator_comes_before_the_call_is_in_the_spool() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Enterprise).await;
    let mut upstream = Upstream::start().await;
    for round in 0..50 {
        let (mut wire, mut exchange) = open(&org, &mut upstream).await;
        exchange.event_stream().await;
        exchange.send(delta("word")).await;
        wire.until("word").await;
        let id = wire.header("x-turnpike-log-id").unwrap();
        let trace = wire.header("x-portkey-trace-id").unwrap();
        assert!(!spooled(&app.data_dir(), &trace), "round {round}: {id} was recorded before its end");
        // In two pieces, so that neither holds the whole of it.
        exchange.send("data: [DO").await;
        exchange.send("NE]\n\n").await;
        wire.until("NE]").await;
        assert!(spooled(&app.data_dir(), &trace), "round {round}: {id} was not recorded when its end came");
        exchange.end().await;
    }
    org.rows("limit=100", 50).await;
}

#[tokio::test]
async fn no_last_byte_comes_before_the_call_is_in_the_spool() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Enterprise).await;
    let mut upstream = Upstream::start().await;
    let url = upstream.url();
    let body = answer("the end").to_string();
    let length = body.len().to_string();
    let (start, rest) = body.split_at(100);
    for round in 0..50 {
        let mut wire = Wire::connect(app.running.addr).await;
        wire.post("/v1/chat/completions", &org.headers(&url), &chat("hi").to_string()).await;
        let mut exchange = upstream.asked().await;
        exchange.head(200, &[("content-type", "application/json"), ("content-length", &length)]).await;
        exchange.send(start).await;
        wire.until(start).await;
        let trace = wire.header("x-portkey-trace-id").unwrap();
        assert!(!spooled(&app.data_dir(), &trace), "round {round}: recorded before its end");
        exchange.send(rest).await;
        wire.until(rest).await;
        assert!(spooled(&app.data_dir(), &trace), "round {round}: not recorded when its end came");
    }
    org.rows("limit=100", 50).await;
}

#[tokio::test]
async fn a_stream_whose_provider_goes_on_after_the_terminator_is_complete_at_it() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let mut upstream = Upstream::start().await;
    let (mut wire, mut exchange) = open(&org, &mut upstream).await;
    exchange.event_stream().await;
    exchange.send(delta("word")).await;
    exchange.send(DONE).await;
    // The provider never ends its body; the client gets its answer's end all the same.
    wire.until("0\r\n\r\n").await;
    let row = &org.rows("", 1).await[0];
    assert_eq!(row["outcome"], "answered");
}

#[tokio::test]
async fn a_provider_that_dies_in_mid_stream_ends_it_with_an_error_event_and_no_terminator() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let mut upstream = Upstream::start().await;
    let (mut wire, mut exchange) = open(&org, &mut upstream).await;
    exchange.event_stream().await;
    exchange.send(delta("word")).await;
    exchange.send(usage_chunk()).await;
    wire.until("usage").await;
    exchange.die();
    wire.until_closed().await;
    assert!(wire.has("\"type\":\"upstream_error\""), "{}", wire.text());
    assert!(!wire.has("[DONE]") && !wire.has("0\r\n\r\n"), "{}", wire.text());

    let row = &org.rows("", 1).await[0];
    assert_eq!(row["outcome"], "upstream_cut");
    assert_eq!(row["response_status_code"], 200);
    assert_eq!(row["total_tokens"], 1200);
}

#[tokio::test]
async fn a_provider_that_dies_in_mid_json_cuts_the_answer() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let mut upstream = Upstream::start().await;
    let url = upstream.url();
    let mut wire = Wire::connect(app.running.addr).await;
    wire.post("/v1/chat/completions", &org.headers(&url), &chat("hi").to_string()).await;
    let mut exchange = upstream.asked().await;
    exchange.head(200, &[("content-type", "application/json"), ("content-length", "1000")]).await;
    exchange.send("{\"id\":").await;
    wire.until("{\"id\":").await;
    exchange.die();
    wire.until_closed().await;
    assert!(!wire.has("error"));
    assert_eq!(org.rows("", 1).await[0]["outcome"], "upstream_cut");
}

#[tokio::test]
async fn a_stream_that_pauses_too_long_is_ended_as_a_timeout() {
    let app = TestApp::with(|settings| {
        settings.gateway.stream_idle_timeout = std::time::Duration::from_millis(150);
    })
    .await;
    let org = app.org(Plan::Developer).await;
    let mut upstream = Upstream::start().await;
    let (mut wire, mut exchange) = open(&org, &mut upstream).await;
    exchange.event_stream().await;
    exchange.send(delta("word")).await;
    wire.until_closed().await;
    assert!(wire.has("\"type\":\"timeout_error\""), "{}", wire.text());
    exchange.given_up().await;
    assert_eq!(org.rows("", 1).await[0]["outcome"], "timed_out");
}

#[tokio::test]
async fn a_slow_reader_holds_the_provider_back() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let mut upstream = Upstream::start().await;
    let (mut wire, mut exchange) = open(&org, &mut upstream).await;
    exchange.event_stream().await;
    let piece = delta(&"x".repeat(64 << 10));
    // Far more than all buffers on the way hold; the client reads nothing, so sending must come to a stop.
    let mut sent = 0;
    let stuck = async {
        for _ in 0..4096 {
            exchange.send(&piece).await;
            sent += piece.len();
        }
    };
    let stuck = tokio::time::timeout(std::time::Duration::from_secs(2), stuck).await;
    assert!(stuck.is_err(), "{sent} bytes went into a client that reads nothing");
    assert!(sent < 64 << 20, "{sent}");
    drop(exchange);
    wire.until_closed().await;
}

#[tokio::test]
async fn the_ends_of_other_apis_streams_are_held_too() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let mut upstream = Upstream::start().await;
    let url = upstream.url();
    let message_stop = "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";
    let completed = "event: response.completed\ndata: {\"type\":\"response.completed\",\"response\":{\"model\":\"gpt-4o\",\
                     \"usage\":{\"input_tokens\":7,\"output_tokens\":5,\"total_tokens\":12}}}\n\n";
    for (path, end) in [("/v1/messages", message_stop), ("/v1/responses", completed)] {
        let mut wire = Wire::connect(app.running.addr).await;
        wire.post(path, &org.headers(&url), "{\"model\":\"m\",\"stream\":true}").await;
        let mut exchange = upstream.asked().await;
        exchange.event_stream().await;
        exchange.send("event: ping\ndata: {}\n\n").await;
        wire.until("ping").await;
        let trace = wire.header("x-portkey-trace-id").unwrap();
        assert!(!spooled(&app.data_dir(), &trace));
        let (first, rest) = end.split_at(30);
        exchange.send(first).await;
        exchange.send(rest).await;
        wire.until(end.lines().nth(1).unwrap()).await;
        assert!(spooled(&app.data_dir(), &trace), "{path}");
        exchange.end().await;
    }
    let rows = org.rows("", 2).await;
    assert_eq!(rows[0]["total_tokens"], 12);
}

/// A chunked body without its framing.
fn unchunked(response: &str) -> String {
    let (_, mut rest) = response.split_once("\r\n\r\n").unwrap();
    let mut body = String::new();
    while let Some((size, after)) = rest.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).unwrap();
        body.push_str(&after[..size]);
        rest = after.get(size + 2..).unwrap_or_default();
    }
    body
}

#[tokio::test]
async fn a_body_that_cannot_be_decoded_is_no_complete_answer() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let mut upstream = Upstream::start().await;
    let url = upstream.url();
    for body in ["this is no gzip", ""] {
        let mut wire = Wire::connect(app.running.addr).await;
        wire.post("/v1/chat/completions", &org.headers(&url), &chat("hi").to_string()).await;
        let mut exchange = upstream.asked().await;
        exchange.head(200, &[("content-type", "application/json"), ("content-encoding", "gzip")]).await;
        if !body.is_empty() {
            exchange.send(body).await;
        }
        exchange.end().await;
        wire.until_closed().await;
        assert!(!wire.has("0\r\n\r\n"), "{}", wire.text());
    }
    assert!(org.rows("", 2).await.iter().all(|row| row["outcome"] == "upstream_cut"));
}

#[tokio::test]
async fn a_provider_that_dies_after_its_head_gave_no_complete_answer() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let mut upstream = Upstream::start().await;
    let url = upstream.url();
    let mut wire = Wire::connect(app.running.addr).await;
    wire.post("/v1/chat/completions", &org.headers(&url), &chat("hi").to_string()).await;
    let mut exchange = upstream.asked().await;
    exchange.head(200, &[("content-type", "application/json")]).await;
    exchange.die();
    wire.until_closed().await;
    assert!(!wire.has("0\r\n\r\n"), "{}", wire.text());
    assert_eq!(org.rows("", 1).await[0]["outcome"], "upstream_cut");
}

#[tokio::test]
async fn a_stream_of_known_length_holds_its_end_too() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let mut upstream = Upstream::start().await;
    let (mut wire, mut exchange) = open(&org, &mut upstream).await;
    let body = [delta("word"), DONE.to_owned()].concat();
    let length = body.len().to_string();
    exchange.head(200, &[("content-type", "text/event-stream"), ("content-length", &length)]).await;
    exchange.send(delta("word")).await;
    wire.until("word").await;
    wire.half_close().await;
    wire.until(":\n").await;
    let trace = wire.header("x-portkey-trace-id").unwrap();
    assert!(!spooled(&app.data_dir(), &trace));
    exchange.send(DONE).await;
    wire.until("[DONE]").await;
    assert!(spooled(&app.data_dir(), &trace));
    assert_eq!(org.rows("", 1).await[0]["outcome"], "answered");
}
