//! Whatever comes in, the answer says what was wrong with which field, and nothing breaks.

mod generator;
mod mistakes;

use std::time::Duration;

use plans::Plan;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::harness::{Chance, Org, TestApp, Upstream, answer, chat, soon};
use crate::routes::{GATEWAY, JSON, method};
use generator::any_request;
use mistakes::{ID, mistakes};

/// What is sent, and the status and words that must come back.
struct Case {
    method: &'static str,
    path: String,
    headers: Vec<(&'static str, String)>,
    body: Body,
    status: u16,
    says: &'static str,
}

enum Body {
    None,
    Json(Value),
    Bytes(Vec<u8>),
}

fn case(method: &'static str, path: impl Into<String>, status: u16, says: &'static str) -> Case {
    Case { method, path: path.into(), headers: Vec::new(), body: Body::None, status, says }
}

impl Case {
    fn json(self, body: Value) -> Self {
        Self { body: Body::Json(body), ..self }
    }

    fn bytes(self, body: impl Into<Vec<u8>>) -> Self {
        self.bytes_as(body, "application/json")
    }

    fn bytes_as(self, body: impl Into<Vec<u8>>, kind: &str) -> Self {
        Self { body: Body::Bytes(body.into()), ..self }.header("content-type", kind)
    }

    fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    fn request(&self, org: &Org<'_>) -> RequestBuilder {
        // Which a workspace's key may not so much as look at.
        let of_all = [
            "/v1/billing",
            "/v1/otel/destinations",
            "/v1/admin/workspaces",
            "/v1/admin/users",
            "/v1/audit-logs",
        ]
        .iter()
        .any(|prefix| self.path.starts_with(prefix));
        let caller = if of_all { org.admin() } else { org.with_key(&org.key) };
        let mut request = caller.request(method(self.method), &self.path);
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        match &self.body {
            Body::None => request,
            Body::Json(body) => request.json(body),
            Body::Bytes(bytes) => request.body(bytes.clone()),
        }
    }

    async fn check(&self, org: &Org<'_>) {
        let response = self.request(org).send().await.unwrap();
        let status = response.status().as_u16();
        let what = format!("{} {} {:?}", self.method, self.path, self.headers);
        let text = response.text().await.unwrap();
        let what = what.chars().take(300).collect::<String>();
        assert_eq!(status, self.status, "{what}: {text}");
        let body: Value =
            serde_json::from_str(&text).unwrap_or_else(|_| panic!("{what}: not JSON: {text:?}"));
        let message = message(&body).unwrap_or_else(|| panic!("{what}: no shape of the contract: {body}"));
        assert!(message.contains(self.says), "{what}: {message:?} does not say {:?}", self.says);
    }
}

/// The message of an error, if the body has one of the contract's shapes.
fn message(body: &Value) -> Option<&str> {
    if body["success"] == false && body["data"]["errorCode"].is_string() {
        return body["data"]["message"].as_str();
    }
    if body["status"] == "failure" || body["ok"] == false {
        return body["message"].as_str();
    }
    // Of a model without a price, and of nothing else.
    if *body == json!({"error": "Model not found"}) {
        return body["error"].as_str();
    }
    let error = body["error"].as_object()?;
    let whole = ["message", "type", "param", "code"].iter().all(|name| error.contains_key(*name));
    if whole { error["message"].as_str() } else { None }
}

#[tokio::test]
async fn every_route_of_the_control_plane_says_what_is_wrong_with_which_field() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    for route in api::ROUTES {
        for case in mistakes(route) {
            case.check(&org).await;
        }
    }
    assert_eq!(app.count("SELECT count(*) FROM virtual_key").await, 0);
    assert_eq!(app.count("SELECT count(*) FROM webhook_endpoint").await, 0);
    assert_eq!(
        app.count("SELECT count(*) FROM api_key").await,
        2,
        "the two that every organisation begins with"
    );
}

#[tokio::test]
async fn a_method_that_a_path_does_not_have_is_told_those_that_it_has() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    for route in api::ROUTES {
        let path = route
            .path
            .replace("{id}", ID)
            .replace("{slug}", "x")
            .replace("{provider}/{model}", "openai/gpt-4o")
            .replace("{type}/{sub_type}", "workspace/user");
        for verb in ["PATCH", "OPTIONS", "TRACE", "BREW"] {
            let response = org.request(method(verb), &path).send().await.unwrap();
            assert_eq!(response.status(), 405, "{verb} {path}");
            let allowed = response.headers()["allow"].to_str().unwrap().to_owned();
            assert!(allowed.contains(route.method), "{verb} {path}: {allowed}");
            let body: Value = response.json().await.unwrap();
            assert!(message(&body).unwrap().contains(verb), "{body}");
        }
    }
}

/// Wrong headers, on any path of the gateway; the field that must be named.
const WRONG_HEADERS: [(&str, &str, &str); 24] = [
    ("x-portkey-debug", "perhaps", "x-portkey-debug"),
    ("x-portkey-config", "{}", "x-portkey-config"),
    ("x-portkey-config", "pc-1", "x-portkey-config"),
    ("x-portkey-provider", "nobody", "x-portkey-provider"),
    ("x-portkey-provider", "@nobody", "x-portkey-provider"),
    ("x-portkey-provider", "' OR 1=1", "x-portkey-provider"),
    ("x-portkey-virtual-key", "nobody", "x-portkey-virtual-key"),
    ("x-portkey-metadata", "nonsense", "x-portkey-metadata"),
    ("x-portkey-metadata", "[]", "x-portkey-metadata"),
    ("x-portkey-metadata", "{\"a\":1}", "x-portkey-metadata.a"),
    ("x-portkey-metadata", "{\"a\":{\"b\":\"c\"}}", "x-portkey-metadata.a"),
    ("x-portkey-metadata", "{\"a\":\"b\"", "x-portkey-metadata"),
    ("x-portkey-request-timeout", "0", "x-portkey-request-timeout"),
    ("x-portkey-request-timeout", "-1", "x-portkey-request-timeout"),
    ("x-portkey-request-timeout", "1e3", "x-portkey-request-timeout"),
    ("x-portkey-request-timeout", "99999999999999999999", "x-portkey-request-timeout"),
    ("x-portkey-custom-host", "nonsense", "x-portkey-custom-host"),
    ("x-portkey-custom-host", "http://10.1.2.3/v1", "x-portkey-custom-host"),
    ("x-portkey-custom-host", "http://[fd00::1]/v1", "x-portkey-custom-host"),
    ("x-portkey-custom-host", "file:///etc/passwd", "x-portkey-custom-host"),
    ("x-portkey-custom-host", "http://u:p@127.0.0.1/", "x-portkey-custom-host"),
    ("x-portkey-forward-headers", "a b", "x-portkey-forward-headers"),
    ("x-portkey-sensitive-headers", "\"x\"", "x-portkey-sensitive-headers"),
    ("x-portkey-strict-open-ai-compliance", "1", "x-portkey-strict-open-ai-compliance"),
];

#[tokio::test]
async fn every_path_of_the_gateway_says_which_header_is_wrong() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Enterprise).await;
    let long = [
        ("x-portkey-trace-id", "t".repeat(257)),
        ("x-portkey-span-name", "s".repeat(257)),
        ("x-portkey-provider", "p".repeat(257)),
        ("x-portkey-metadata", json!({"k": "v".repeat(129)}).to_string()),
        (
            "x-portkey-metadata",
            Value::Object((0..65).map(|n| (n.to_string(), json!(""))).collect()).to_string(),
        ),
        ("x-portkey-forward-headers", (0..33).map(|n| format!("h{n}")).collect::<Vec<_>>().join(",")),
        ("x-portkey-custom-host", format!("http://127.0.0.1/{}", "x".repeat(2048))),
    ];
    let short = WRONG_HEADERS.map(|(name, value, says)| (name, value.to_owned(), says));
    let wrong: Vec<_> = short.into_iter().chain(long.map(|(name, value)| (name, value, name))).collect();
    for (verb, path) in GATEWAY.into_iter().filter(|(_, path)| *path != "/v1/realtime") {
        for (name, value, says) in &wrong {
            let mut case = case(verb, path, 400, says).header(name, value.clone());
            if JSON.contains(&path) {
                case = case.json(chat("hi"));
            }
            if !matches!(*name, "x-portkey-provider" | "x-portkey-virtual-key") {
                case = case.header("x-portkey-provider", "openai");
            }
            case.check(&org).await;
        }
    }
}

#[tokio::test]
async fn every_json_endpoint_of_the_gateway_says_what_is_wrong_with_the_body() {
    let app = TestApp::with(|settings| settings.gateway.max_body_bytes = 200_000).await;
    let org = app.org(Plan::Enterprise).await;
    for path in JSON {
        let post = |status, says| case("POST", path, status, says).header("x-portkey-provider", "openai");
        let cases = [
            post(400, "body: not JSON").bytes(""),
            post(400, "body: not JSON").bytes("{"),
            post(400, "body: not JSON").bytes("{} {}"),
            post(400, "body: not JSON").bytes("\u{feff}{}"),
            post(400, "body: must be a JSON object").bytes("[]"),
            post(400, "body: must be a JSON object").bytes("null"),
            post(400, "body: ").bytes("1e999"),
            post(400, "body: ").bytes("[".repeat(100_000)),
            post(400, "body: ").bytes("{\"a\":".repeat(30_000)),
            post(400, "body: not UTF-8").bytes(b"{\"model\": \"\xff\"}".to_vec()),
            post(400, "model: must be a string").bytes("{\"model\": 7}"),
            post(400, "model: must be given once").bytes("{\"model\": \"a\", \"model\": \"b\"}"),
            post(400, "stream: must be true or false").bytes("{\"stream\": \"yes\"}"),
            post(400, "stream: must be given once").bytes("{\"stream\": true, \"stream\": false}"),
            post(400, "user: must be a string").bytes("{\"user\": {}}"),
            post(413, "body: larger than the 200000 bytes").bytes(" ".repeat(200_001)),
        ];
        for case in cases {
            case.check(&org).await;
        }
        for content_type in
            [None, Some("text/plain"), Some("application/jsonx"), Some("multipart/form-data"), Some("")]
        {
            let mut request =
                org.request(Method::POST, path).header("x-portkey-provider", "openai").body("{}");
            if let Some(content_type) = content_type {
                request = request.header("content-type", content_type);
            }
            let response = request.send().await.unwrap();
            assert_eq!(response.status(), 400, "{path} {content_type:?}");
            let body: Value = response.json().await.unwrap();
            assert!(message(&body).unwrap().starts_with("content-type: "), "{body}");
        }
        // A call that names no target at all, in any of the three ways.
        case("POST", path, 400, "x-portkey-provider: no target")
            .json(json!({"model": "m"}))
            .check(&org)
            .await;
        case("POST", path, 400, "model: ").json(json!({"model": "@nobody/m"})).check(&org).await;
        case("POST", path, 400, "model: ").json(json!({"model": "@no\0body/m"})).check(&org).await;
    }
}

#[tokio::test]
async fn echo_says_what_is_wrong_as_the_provider_it_stands_for_would() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    for (path, body, says) in [
        ("/v1/chat/completions", json!({"model": "m"}), "messages"),
        ("/v1/chat/completions", json!({"messages": []}), "messages"),
        ("/v1/chat/completions", json!({"messages": "hi"}), "messages"),
        ("/v1/chat/completions", json!({"messages": [7]}), "messages"),
        ("/v1/completions", json!({"prompt": {}}), "prompt"),
        ("/v1/completions", json!({}), "prompt"),
        ("/v1/embeddings", json!({}), "input"),
        ("/v1/embeddings", json!({"input": ""}), "input"),
    ] {
        case("POST", path, 400, says).header("x-portkey-provider", "echo").json(body).check(&org).await;
    }
}

/// Sends bytes and reads all that comes back.
async fn exchange(app: &TestApp, request: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(app.running.addr).await.unwrap();
    // The server may answer and close before it has read all.
    let _ = stream.write_all(request).await;
    let mut answer = Vec::new();
    let reading = async {
        let _ = stream.read_to_end(&mut answer).await;
    };
    // What waits for more of a body, as it was promised, waits for us to end.
    if tokio::time::timeout(Duration::from_millis(500), reading).await.is_err() {
        let _ = stream.shutdown().await;
        let rest = async {
            let _ = stream.read_to_end(&mut answer).await;
        };
        soon(rest, "the server ends the connection").await;
    }
    answer
}

#[tokio::test]
async fn whatever_bytes_come_no_answer_is_our_fault_and_each_error_has_a_shape() {
    let app = TestApp::with(|settings| settings.gateway.max_body_bytes = 150_000).await;
    let org = app.org(Plan::Enterprise).await;
    let upstream = Upstream::start().await;
    let url = upstream.url();
    upstream.answer_all(answer("hello"));
    let mut chance = Chance::seeded(7);
    let mut statuses = std::collections::BTreeMap::new();
    for round in 0..600 {
        let request = any_request(&mut chance, &org.key, &url);
        let answer = exchange(&app, &request).await;
        let shown = String::from_utf8_lossy(&request).chars().take(400).collect::<String>();
        let text = String::from_utf8_lossy(&answer);
        let status: u16 = text.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0);
        *statuses.entry(status).or_insert(0) += 1;
        let realtime = status == 501 && shown.contains("/v1/realtime");
        // A handler that panics would end the connection without a word.
        assert!((200..500).contains(&status) || realtime, "round {round}: {text}\nafter {shown}");
        let (head, rest) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        // A body that came without its length was another request, whose answer follows.
        let body = rest.split("HTTP/1.1 ").next().unwrap();
        if status >= 400 && !body.is_empty() {
            assert!(head.contains("content-type: application/json"), "round {round}: {text}\nafter {shown}");
            let body: Value = serde_json::from_str(body).unwrap();
            assert!(message(&body).is_some(), "round {round}: {body}\nafter {shown}");
        }
    }
    for status in [200, 400, 401, 404, 405] {
        assert!(statuses.contains_key(&status), "the generator is too tame: {statuses:?}");
    }
    let response = org.echo("/v1/chat/completions").json(&chat("still there?")).send().await.unwrap();
    assert_eq!(response.status(), 200);
    org.log(&crate::harness::log_id(&response)).await;
    assert_eq!(app.count("SELECT count(*) FROM log WHERE outcome = 'panicked'").await, 0);
}
