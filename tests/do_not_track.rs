//! Under Do Not Track nothing of a call's content is anywhere: not on disk, not in a line of our own, not over REST.
//!
//! Every call carries marks in its bodies and headers. The same search that must find none of them without debug must
//! find each of them with it, or it proves nothing.

mod left;

use std::collections::BTreeSet;
use std::io::Write as _;

use entity::text_outbox;
use redis_server::RedisServer;
use reqwest::{Method, RequestBuilder, Response};
use sea_orm::{ConnectionTrait as _, DatabaseConnection, EntityTrait as _, PaginatorTrait as _};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::{
    DONE, Exchange, LINES, Process, Upstream, Wire, answer, chat, delta, until, usage_chunk,
};
pub use left::Left;

use crate::log_exports::FIELDS;

/// What every mark begins with.
const MARK: &str = "kanari-3f9c-";

fn mark(kind: &str, part: &str) -> String {
    format!("{MARK}{kind}-{part}.")
}

/// Who calls, and how.
struct Caller {
    addr: std::net::SocketAddr,
    key: String,
    debug: &'static str,
    http: reqwest::Client,
}

impl Caller {
    fn request(&self, kind: &str, method: Method, path: &str) -> RequestBuilder {
        self.http
            .request(method, format!("http://{}{path}", self.addr))
            .header("x-portkey-api-key", &self.key)
            .header("x-portkey-debug", self.debug)
            .header("x-portkey-trace-id", format!("trace-{kind}"))
            .header("x-portkey-metadata", json!({"kind": kind}).to_string())
            .header("x-asked", mark(kind, "asked-header"))
    }

    fn ask(&self, kind: &str, path: &str, upstream: &Upstream) -> RequestBuilder {
        self.request(kind, Method::POST, path)
            .header("x-portkey-provider", "openai")
            .header("x-portkey-custom-host", upstream.url())
    }

    fn chat(&self, kind: &str, upstream: &Upstream, stream: bool) -> RequestBuilder {
        self.ask(kind, "/v1/chat/completions", upstream).json(&question(kind, stream))
    }

    async fn get(&self, path: &str) -> Response {
        let request = self.http.get(format!("http://{}{path}", self.addr));
        request.header("x-portkey-api-key", &self.key).send().await.unwrap()
    }
}

fn question(kind: &str, stream: bool) -> Value {
    let mut body = chat(&mark(kind, "question"));
    body["stream"] = json!(stream);
    body
}

async fn streamed(exchange: &mut Exchange, kind: &str) {
    exchange.event_stream().await;
    exchange.send(delta(&mark(kind, "answer"))).await;
    exchange.send(usage_chunk()).await;
}

/// What is to be known of a call without its content, and which marks it carried.
struct Call {
    kind: &'static str,
    status: u16,
    outcome: &'static str,
    /// `None`: not looked at.
    tokens: Option<u64>,
    parts: &'static [&'static str],
}

const CALLS: [Call; 14] = [
    call("chat", 200, "answered", Some(1200), &["question", "answer", "asked-header", "answered-header"]),
    call("stream", 200, "answered", Some(1200), &["question", "answer", "asked-header"]),
    call("embeddings", 200, "answered", Some(7), &["question", "answer"]),
    call("packed", 200, "answered", Some(1200), &["question", "answer"]),
    call("upload", 200, "answered", None, &["question", "answer"]),
    call("failed", 500, "answered", None, &["question", "answer"]),
    call("refused", 400, "refused", None, &["question"]),
    call("strange", 400, "refused", None, &["question", "answer"]),
    call("cut", 200, "upstream_cut", Some(1200), &["question", "answer"]),
    call("gone", 200, "client_gone", Some(1200), &["question", "answer"]),
    call("slow", 408, "timed_out", None, &["question"]),
    call("echo", 200, "answered", Some(2), &["question"]),
    call("echo-stream", 200, "answered", None, &["question"]),
    call("kept", 200, "answered", None, &["question"]),
];

const fn call(
    kind: &'static str,
    status: u16,
    outcome: &'static str,
    tokens: Option<u64>,
    parts: &'static [&'static str],
) -> Call {
    Call { kind, status, outcome, tokens, parts }
}

/// Makes every call of [`CALLS`], in its order.
async fn make_calls(caller: &Caller) {
    let mut upstream = Upstream::start().await;
    whole_answers(caller, &mut upstream).await;
    without_an_answer(caller, &mut upstream).await;
    broken_off(caller, &mut upstream).await;
    for (kind, stream) in [("echo", false), ("echo-stream", true)] {
        let request = caller.request(kind, Method::POST, "/v1/chat/completions");
        let response =
            request.header("x-portkey-provider", "echo").json(&question(kind, stream)).send().await;
        assert!(response.unwrap().text().await.unwrap().contains(MARK));
    }
    let request = caller.request("kept", Method::POST, "/v1/chat/completions");
    let request = request.header("x-portkey-config", r#"{"provider":"echo","cache":{"mode":"simple"}}"#);
    let response = request.json(&question("kept", false)).send().await.unwrap();
    assert!(response.text().await.unwrap().contains(MARK));
}

async fn whole_answers(caller: &Caller, upstream: &mut Upstream) {
    let sending = tokio::spawn(caller.chat("chat", upstream, false).send());
    let mut exchange = upstream.asked().await;
    let body = answer(&mark("chat", "answer")).to_string();
    let (length, header) = (body.len().to_string(), mark("chat", "answered-header"));
    let headers =
        [("content-type", "application/json"), ("content-length", &length), ("x-answered", &header)];
    exchange.head(200, &headers).await;
    exchange.send(&body).await;
    exchange.whole();
    assert_eq!(sending.await.unwrap().unwrap().text().await.unwrap(), body);

    let sending = tokio::spawn(caller.chat("stream", upstream, true).send());
    let mut exchange = upstream.asked().await;
    streamed(&mut exchange, "stream").await;
    exchange.send(DONE).await;
    exchange.end().await;
    assert!(sending.await.unwrap().unwrap().text().await.unwrap().contains("[DONE]"));

    let body = json!({"model": "text-embedding-3-small", "input": mark("embeddings", "question")});
    let sending = tokio::spawn(caller.ask("embeddings", "/v1/embeddings", upstream).json(&body).send());
    let body = json!({
        "object": "list", "model": "text-embedding-3-small", "note": mark("embeddings", "answer"),
        "data": [{"object": "embedding", "index": 0, "embedding": [0.5]}],
        "usage": {"prompt_tokens": 7, "total_tokens": 7}
    });
    upstream.asked().await.json(200, &body).await;
    assert_eq!(sending.await.unwrap().unwrap().status(), 200);

    let sending = tokio::spawn(caller.chat("packed", upstream, false).send());
    let mut exchange = upstream.asked().await;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(answer(&mark("packed", "answer")).to_string().as_bytes()).unwrap();
    let packed = encoder.finish().unwrap();
    let length = packed.len().to_string();
    let headers = [
        ("content-type", "application/json"),
        ("content-encoding", "gzip"),
        ("content-length", length.as_str()),
    ];
    exchange.head(200, &headers).await;
    exchange.send(&packed).await;
    exchange.whole();
    assert!(sending.await.unwrap().unwrap().text().await.unwrap().contains(MARK));

    let part = reqwest::multipart::Part::bytes(mark("upload", "question").into_bytes()).file_name("a.jsonl");
    let form = reqwest::multipart::Form::new().text("purpose", "batch").part("file", part);
    let sending = tokio::spawn(caller.ask("upload", "/v1/files", upstream).multipart(form).send());
    upstream.asked().await.json(200, &json!({"id": mark("upload", "answer")})).await;
    assert_eq!(sending.await.unwrap().unwrap().status(), 200);

    let sending = tokio::spawn(caller.chat("failed", upstream, false).send());
    let body = json!({"error": {"message": mark("failed", "answer")}});
    upstream.asked().await.json(500, &body).await;
    assert_eq!(sending.await.unwrap().unwrap().status(), 500);
}

async fn without_an_answer(caller: &Caller, upstream: &mut Upstream) {
    let request = caller.ask("refused", "/v1/chat/completions", upstream);
    let body = format!("{{\"model\": \"m\", {}", mark("refused", "question"));
    let response = request.header("content-type", "application/json").body(body).send().await.unwrap();
    assert_eq!(response.status(), 400);

    // The answer repeats what was sent.
    let request = caller.request("strange", Method::POST, "/v1/chat/completions");
    let request = request.header("x-portkey-provider", mark("strange", "answer"));
    let response = request.json(&question("strange", false)).send().await.unwrap();
    assert_eq!(response.status(), 400);
    assert!(response.text().await.unwrap().contains(MARK));
}

async fn broken_off(caller: &Caller, upstream: &mut Upstream) {
    let sending = tokio::spawn(caller.chat("cut", upstream, true).send());
    let mut exchange = upstream.asked().await;
    streamed(&mut exchange, "cut").await;
    let mut response = sending.await.unwrap().unwrap();
    assert!(response.chunk().await.unwrap().is_some());
    exchange.die();
    while let Ok(Some(_)) = response.chunk().await {}

    let mut wire = Wire::connect(caller.addr).await;
    let (url, asked) = (upstream.url(), mark("gone", "asked-header"));
    let headers = [
        ("x-portkey-api-key", caller.key.as_str()),
        ("x-portkey-debug", caller.debug),
        ("x-portkey-trace-id", "trace-gone"),
        ("x-portkey-metadata", "{\"kind\":\"gone\"}"),
        ("x-portkey-provider", "openai"),
        ("x-portkey-custom-host", url.as_str()),
        ("x-asked", asked.as_str()),
    ];
    wire.post("/v1/chat/completions", &headers, &question("gone", true).to_string()).await;
    let mut exchange = upstream.asked().await;
    streamed(&mut exchange, "gone").await;
    wire.until("total_tokens").await;
    wire.reset();
    exchange.given_up().await;

    let request = caller.chat("slow", upstream, false).header("x-portkey-request-timeout", "50");
    let sending = tokio::spawn(request.send());
    let exchange = upstream.asked().await;
    assert_eq!(sending.await.unwrap().unwrap().status(), 408);
    exchange.given_up().await;
}

/// What a search over REST for the words of each part of each call finds, as `kind-part`, once no log waits for its words.
async fn found_by_words(caller: &Caller, db: &DatabaseConnection) -> BTreeSet<String> {
    until("all words are written", || async {
        (text_outbox::Entity::find().count(db).await.unwrap() == 0).then_some(())
    })
    .await;
    let mut found = BTreeSet::new();
    for call in &CALLS {
        for part in call.parts {
            let path = format!("/v1/logs?text={}", mark(call.kind, part));
            let page: Value = caller.get(&path).await.json().await.unwrap();
            for row in page["data"].as_array().unwrap() {
                let trace = row["trace_id"].as_str().unwrap().strip_prefix("trace-").unwrap();
                found.insert(format!("{trace}-{part}"));
            }
        }
    }
    found
}

/// The file of an export of all that there is.
async fn exported(caller: &Caller) -> Vec<u8> {
    let send = async |method: Method, path: &str, body: Value| -> Value {
        let request = caller.http.request(method, format!("http://{}/v1/logs/exports{path}", caller.addr));
        request
            .header("x-portkey-api-key", &caller.key)
            .json(&body)
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap()
    };
    let all = json!({"filters": {}, "requested_data": FIELDS});
    let made = send(Method::POST, "", all).await;
    let at = format!("/{}", made["id"].as_str().unwrap());
    send(Method::POST, &format!("{at}/start"), json!({})).await;
    until("the export is whole", || async {
        (send(Method::GET, &at, json!({})).await["status"] == "success").then_some(())
    })
    .await;
    let link = send(Method::GET, &format!("{at}/download"), json!({})).await;
    // A server that was given any free port does not know of it.
    let path = link["url"].as_str().unwrap().strip_prefix("http://127.0.0.1:0").unwrap();
    let file = caller.http.get(format!("http://{}{path}", caller.addr)).send().await.unwrap();
    assert_eq!(file.status(), 200);
    file.bytes().await.unwrap().to_vec()
}

/// Lives through all calls and gives what is left of them, the listed rows, and what a search finds.
async fn live(debug: &'static str) -> (Left, Vec<Value>, BTreeSet<String>) {
    let dir = TempDir::new().unwrap();
    let args =
        ["org", "create", "--name", "Acme", "--plan", "developer", "--owner-email", "owner@example.com"];
    let key = Process::cli(dir.path(), &args)["api_key"].as_str().unwrap().to_owned();
    let redis = RedisServer::start_with(|_| ["--rdbcompression", "no"].map(str::to_owned).to_vec());
    let server = Process::serve(
        dir.path(),
        &[
            ("RUST_LOG", "trace"),
            ("TURNPIKE_SHIPPER__LINGER_MS", "1"),
            ("TURNPIKE_JOBS__TEXT_INDEX_CRON", "* * * * * *"),
            ("TURNPIKE_JOBS__LOG_EXPORTS_CRON", "* * * * * *"),
            ("TURNPIKE_REDIS_URL", redis.url().as_str()),
        ],
    );
    let data = dir.path().join("data");
    let db = Process::database(dir.path()).await;
    let caller = Caller { addr: server.addr, key, debug, http: reqwest::Client::new() };
    let mut left = Left::default();

    // First the store takes nothing, so that all of it is to be seen in the spool.
    scratch::refuse(&db, "broken", "UPDATE ON spool_mark", "TRUE").await;
    make_calls(&caller).await;
    let spool = data.join("spool");
    until("all records are in the spool", || async {
        let bytes: Vec<u8> = std::fs::read_dir(&spool)
            .unwrap()
            .flat_map(|file| std::fs::read(file.unwrap().path()).unwrap())
            .collect();
        let text = String::from_utf8_lossy(&bytes);
        CALLS.iter().all(|call| text.contains(&format!("trace-{}", call.kind))).then_some(())
    })
    .await;
    left.add_files("spooled", &data);
    scratch::allow(&db, "broken").await;

    let rows = until("all logs are there", || async {
        let page: Value = caller.get("/v1/logs?limit=100").await.json().await.unwrap();
        let rows = page["data"].as_array().unwrap().clone();
        (rows.len() == CALLS.len()).then_some(rows)
    })
    .await;
    let found = found_by_words(&caller, &db).await;
    left.add_files("shipped", &data);
    for path in [
        "/v1/logs?limit=100",
        "/v1/logs/values?field=model",
        "/v1/logs/values?field=metadata_value&key=kind",
        "/v1/traces?limit=100",
        "/v1/usage",
        "/v1/api-keys",
    ] {
        left.add(format!("REST: {path}"), caller.get(path).await.bytes().await.unwrap());
    }
    for row in &rows {
        let path = format!("/v1/logs/{}", row["id"].as_str().unwrap());
        left.add(format!("REST: {path}"), caller.get(&path).await.bytes().await.unwrap());
    }
    left.add("an export's file", exported(&caller).await);
    left.add_tables(&db).await;
    left.add("Redis", redis.content());
    left.add("standard output", server.said());
    assert!(server.terminate().success());
    if !scratch::on_postgres() {
        db.execute_unprepared("PRAGMA wal_checkpoint(TRUNCATE)").await.unwrap();
    }
    left.add_files("stopped", &data);
    let lines = std::fs::read(dir.path().join(LINES)).unwrap();
    assert!(String::from_utf8_lossy(&lines).contains("TRACE"), "the server did not tell all that it could");
    left.add("its own lines", lines);
    (left, rows, found)
}

#[tokio::test]
async fn nothing_of_an_untracked_calls_content_is_kept_or_said_anywhere() {
    let (left, rows, found) = live("false").await;
    assert_eq!(left.marks(), [], "content was kept");
    // Words stand one by one where they are searched.
    let word = MARK.split('-').next().unwrap();
    assert_eq!((left.holding(word), found), (Vec::new(), BTreeSet::new()), "content was kept");

    for call in &CALLS {
        let kind = call.kind;
        let row = rows.iter().find(|row| row["trace_id"] == format!("trace-{kind}")).unwrap();
        assert_eq!(row["metadata"], json!({"kind": kind}));
        assert_eq!((&row["debug"], &row["payload"]), (&json!(false), &json!("withheld")), "{kind}");
        assert_eq!(row["response_status_code"], call.status, "{kind}");
        assert_eq!(row["outcome"], call.outcome, "{kind}");
        assert!(row["response_time"].is_u64(), "{kind}: {row}");
        if let Some(tokens) = call.tokens {
            assert_eq!(row["total_tokens"], tokens, "{kind}");
            assert_eq!(row["tokens_estimated"], false, "{kind}");
        }
        if call.tokens == Some(1200) {
            assert_eq!(row["cost"], 0.027, "{kind}");
        }
        let place = format!("REST: /v1/logs/{}", row["id"].as_str().unwrap());
        let (_, detail) = left.0.iter().find(|(found, _)| *found == place).unwrap();
        let detail: Value = serde_json::from_slice(detail).unwrap();
        for side in ["request", "response"] {
            for part in ["headers", "body"] {
                assert!(detail[side].get(part).is_none(), "{kind} has a {part} in its {side}: {detail}");
            }
        }
        assert_eq!(detail["request"]["portkeyHeaders"]["x-portkey-trace-id"], format!("trace-{kind}"));
    }
}

#[tokio::test]
async fn the_same_search_finds_every_part_of_a_tracked_call() {
    let (left, rows, found) = live("true").await;
    let expected: BTreeSet<String> =
        CALLS.iter().flat_map(|call| call.parts.iter().map(|part| mark(call.kind, part))).collect();
    for place in ["spooled: ", "a payload's", "REST: ", "an export's file"] {
        let found = left.marks_in(place);
        let missing: Vec<_> = expected.difference(&found).collect();
        assert!(missing.is_empty(), "{missing:?} were not found in {place}");
    }
    assert_eq!(
        left.marks_in("Redis"),
        BTreeSet::from([mark("kept", "question")]),
        "of the answer that is kept"
    );
    // What is text in them: not headers, an upload, the answer to embeddings, what is no JSON, or what has no answer of its own.
    let texts = CALLS.iter().filter(|call| call.kind != "upload" && call.kind != "refused");
    let texts = texts.flat_map(|call| call.parts.iter().map(|part| format!("{}-{part}", call.kind)));
    let texts: BTreeSet<_> =
        texts.filter(|text| !text.ends_with("header") && text != "embeddings-answer").collect();
    assert_eq!(found, texts);
    assert!(!left.holding("kanari").is_empty());
    // The database's own pages, by way of the frames in them; PostgreSQL's are not ours.
    assert!(scratch::on_postgres() || !left.marks_in("stopped: turnpike.db").is_empty());
    assert!(rows.iter().all(|row| row["debug"] == true && row["payload"] == "whole"));
}

#[tokio::test]
async fn a_call_that_does_not_say_plainly_that_it_may_be_tracked_is_not() {
    let app = crate::harness::TestApp::start().await;
    let org = app.org(plans::Plan::Developer).await;
    for (n, debug) in [" FALSE ", "False", "no", "0", "true, false"].into_iter().enumerate() {
        let request = org.echo("/v1/chat/completions").header("x-portkey-debug", debug);
        let response = request.json(&chat(&mark("unclear", "question"))).send().await.unwrap();
        let status = if debug.trim().eq_ignore_ascii_case("false") { 200 } else { 400 };
        assert_eq!(response.status(), status, "{debug}");
        let row = &org.rows("limit=100", n + 1).await[0];
        assert_eq!(row["payload"], "withheld", "{debug}");
        let log = org.log(row["id"].as_str().unwrap()).await;
        assert!(!log.to_string().contains(MARK), "{debug}: {log}");
    }
    assert_eq!(app.count("SELECT count(*) FROM log_payload").await, 0);
}
