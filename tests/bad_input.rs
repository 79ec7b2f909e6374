//! Whatever comes in, the answer says what was wrong with which field, and nothing breaks.

use std::time::Duration;

use plans::Plan;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::harness::{Chance, Org, TestApp, Upstream, answer, chat, soon};
use crate::routes::{GATEWAY, JSON, method};

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
        Self { body: Body::Bytes(body.into()), ..self }.header("content-type", "application/json")
    }

    fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    fn request(&self, org: &Org<'_>) -> RequestBuilder {
        let mut request = org.request(method(self.method), &self.path);
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
        let body: Value = serde_json::from_str(&text).unwrap_or_else(|_| panic!("{what}: not JSON: {text:?}"));
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
    let error = body["error"].as_object()?;
    let whole = ["message", "type", "param", "code"].iter().all(|name| error.contains_key(*name));
    if whole { error["message"].as_str() } else { None }
}

const ID: &str = "01900000-0000-7000-8000-000000000001";
const KEY: &str = "33333333-3333-4333-8333-333333333333";

/// What is wrong on a route of the control plane. A route that is new has no row here, which fails the test.
fn mistakes(route: &api::Route) -> Vec<Case> {
    match (route.method, route.path) {
        ("GET", "/v1/logs") => bad_lists(),
        ("POST", "/v1/logs") => bad_inserts(),
        ("GET", "/v1/logs/{id}") => vec![
            case("GET", "/v1/logs/nonsense", 400, "id: found `nonsense`"),
            case("GET", format!("/v1/logs/{ID}?x=1"), 400, "x: no such parameter"),
            case("GET", format!("/v1/logs/{ID}"), 404, "no log"),
            case("GET", "/v1/logs/%00", 400, "id: "),
            case("GET", "/v1/logs/%FF", 400, "id"),
        ],
        ("GET", "/v1/usage") => vec![case("GET", "/v1/usage?month=1", 400, "month: no such parameter")],
        ("GET", "/v1/api-keys") => bad_pages("/v1/api-keys"),
        ("POST", "/v1/api-keys/{type}/{sub_type}") => bad_keys(),
        ("GET" | "DELETE", "/v1/api-keys/{id}") => vec![
            case(route.method, "/v1/api-keys/nonsense", 400, "id: found `nonsense`"),
            case(route.method, format!("/v1/api-keys/{KEY}?x=1"), 400, "x: no such parameter"),
            case(route.method, format!("/v1/api-keys/{KEY}"), 404, "no API key"),
        ],
        ("PUT", "/v1/api-keys/{id}") => bad_changes(),
        ("GET", "/v1/virtual-keys") => bad_pages("/v1/virtual-keys"),
        ("POST", "/v1/virtual-keys") => bad_virtual_keys(),
        ("GET" | "DELETE", "/v1/virtual-keys/{slug}") => vec![
            case(route.method, "/v1/virtual-keys/nobody", 404, "no virtual key"),
            case(route.method, "/v1/virtual-keys/nobody?x=1", 400, "x: no such parameter"),
            case(route.method, format!("/v1/virtual-keys/{}", "n".repeat(5000)), 404, "no virtual key"),
        ],
        ("PUT", "/v1/virtual-keys/{slug}") => {
            let put = |body| case("PUT", "/v1/virtual-keys/nobody", 400, "name: found a number").json(body);
            vec![
                case("PUT", "/v1/virtual-keys/nobody", 404, "no virtual key").json(json!({"name": "x"})),
                Case { says: "body: found an array", ..put(json!([])) },
                Case { says: "workspace_id: found a number", ..put(json!({"workspace_id": 7})) },
            ]
        }
        (method, path) => panic!("{method} {path} is new: say here what is wrong input for it"),
    }
}

fn bad_lists() -> Vec<Case> {
    [
        ("limit=0", "limit: found `0`"),
        ("limit=-1", "limit: found `-1`"),
        ("limit=1001", "limit: found `1001`"),
        ("limit=99999999999999999999999", "limit: found"),
        ("limit=ten", "limit: found `ten`"),
        ("limit=1&limit=2", "limit: given twice"),
        ("cursor=nonsense", "cursor: found `nonsense`"),
        ("cursor=AAAA", "cursor: found"),
        ("cursor=%F0%9F%92%A9", "cursor: found"),
        ("status_code=ok", "status_code: found `ok`"),
        ("status_code=200,1000", "status_code: found `1000`"),
        ("time_of_generation_min=yesterday", "time_of_generation_min: found `yesterday`"),
        ("time_of_generation_max=2026-13-01T00:00:00Z", "time_of_generation_max: found"),
        ("cost_min=-1", "cost_min: found `-1`"),
        ("cost_max=NaN", "cost_max: found `NaN`"),
        ("cost_max=inf", "cost_max: found `inf`"),
        ("cost_max=1e300", "cost_max: found `1e300`"),
        ("total_units_min=1.5", "total_units_min: found `1.5`"),
        ("prompt_token_max=-3", "prompt_token_max: found `-3`"),
        ("completion_token_min=x", "completion_token_min: found `x`"),
        ("response_time_min=-5", "response_time_min: found `-5`"),
        ("metadata=nonsense", "metadata: found `nonsense`"),
        ("metadata=[1]", "metadata: found"),
        ("metadata={\"a\":1}", "metadata: the value of `a` is not a string"),
        ("api_key_ids=nonsense", "api_key_ids: found `nonsense`"),
        ("cache_status=WARM", "cache_status: found `WARM`"),
        ("retry_status=perhaps", "retry_status: found `perhaps`"),
        ("ai_org_model=gpt-4o", "ai_org_model: found `gpt-4o`"),
        ("page=2", "page: no such parameter"),
        ("%FF=1", "no such parameter"),
    ]
    .into_iter()
    .map(|(query, says)| case("GET", format!("/v1/logs?{query}"), 400, says))
    .chain([
        case("GET", "/v1/logs?workspace_slug=nobody", 404, "no workspace"),
        case("GET", format!("/v1/logs?status_code={}", "200,".repeat(101)), 400, "status_code: 101 items"),
    ])
    .collect()
}

fn bad_pages(path: &str) -> Vec<Case> {
    [
        ("page_size=0", "page_size: found `0`"),
        ("page_size=1001", "page_size: found `1001`"),
        ("page_size=-1", "page_size: found `-1`"),
        ("current_page=-1", "current_page: found `-1`"),
        ("current_page=18446744073709551615", "current_page: found"),
        ("x=1", "x: no such parameter"),
        ("page_size=1&page_size=1", "page_size: given twice"),
    ]
    .into_iter()
    .map(|(query, says)| case("GET", format!("{path}?{query}"), 400, says))
    .chain([case("GET", format!("{path}?workspace_id=nobody"), 404, "no workspace")])
    .collect()
}

/// `good` with one field at a JSON pointer put in, or taken out with null.
fn but(good: &Value, pointer: &str, value: Value) -> Value {
    let mut body = good.clone();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    body.pointer_mut(parent).unwrap().as_object_mut().unwrap().insert(name.to_owned(), value);
    body
}

fn without(good: &Value, pointer: &str) -> Value {
    let mut body = good.clone();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    body.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(name);
    body
}

fn bad_inserts() -> Vec<Case> {
    let good = json!({"request": {"url": "/v1/x", "body": {}}, "response": {"body": {}}, "metadata": {}});
    let post = |body, says| case("POST", "/v1/logs", 400, says).json(body);
    let mut cases = vec![
        case("POST", "/v1/logs", 400, "body: ").bytes(""),
        case("POST", "/v1/logs", 400, "body: ").bytes("{\"request\":"),
        case("POST", "/v1/logs", 400, "body: ").bytes(b"\xff\xfe\x00".to_vec()),
        case("POST", "/v1/logs", 400, "body: ").bytes("[".repeat(100_000)),
        case("POST", "/v1/logs", 400, "body: ").bytes("{\"a\":".repeat(100_000)),
        case("POST", "/v1/logs", 413, "the body is too large").bytes(" ".repeat((8 << 20) + 1)),
        case("POST", "/v1/logs?x=1", 400, "x: no such parameter").json(good.clone()),
        post(json!(7), "body: found a number"),
        post(json!([]), "body: 0 logs"),
        post(json!([good, 7]), "[1]: found a number"),
    ];
    for (pointer, value, says) in [
        ("/request", json!(7), "request: found a number"),
        ("/request/url", json!(7), "request.url: found a number"),
        ("/request/url", json!("not a url"), "request.url: not a URL"),
        ("/request/url", json!("//evil"), "request.url: not a URL"),
        ("/request/url", json!("/".repeat(9000)), "request.url: too long"),
        ("/request/method", json!("a b"), "request.method: found `a b`"),
        ("/request/provider", json!("p".repeat(129)), "request.provider: too long"),
        ("/request/headers", json!([]), "request.headers: found an array"),
        ("/request/headers", json!({"a": {}}), "request.headers.a: found an object"),
        ("/response/status", json!("ok"), "response.status: found a string"),
        ("/response/status", json!(99), "response.status: found 99"),
        ("/response/status", json!(-200), "response.status: found -200"),
        ("/response/status", json!(1e300), "response.status: found"),
        ("/response/response_time", json!(-1), "response.response_time: found -1"),
        ("/response/response_time", json!("fast"), "response.response_time: found a string"),
        ("/response/streamingMode", json!("yes"), "response.streamingMode: found a string"),
        ("/metadata", json!("x"), "metadata: found a string"),
        ("/metadata/traceId", json!(7), "metadata.traceId: found a number"),
        ("/metadata/traceId", json!("t\u{0}"), "metadata.traceId: a control character"),
        ("/metadata/env", json!(7), "metadata.env: found a number"),
        ("/metadata/env", json!("e".repeat(129)), "metadata.env: too long"),
        ("/id", json!(7), "id: found a number"),
        ("/id", json!(""), "id: found an empty string"),
        ("/strange", json!(1), "strange: no such field"),
    ] {
        cases.push(post(but(&good, pointer, value), says));
    }
    for (pointer, says) in [
        ("/request", "request: missing"),
        ("/response", "response: missing"),
        ("/request/url", "request.url: missing"),
        ("/request/body", "request.body: missing"),
        ("/response/body", "response.body: missing"),
    ] {
        cases.push(post(without(&good, pointer), says));
    }
    cases
}

fn bad_keys() -> Vec<Case> {
    let good = json!({"name": "x", "scopes": ["logs.list"]});
    let path = "/v1/api-keys/workspace/service";
    let post = |body, says| case("POST", path, 400, says).json(body);
    let mut cases = vec![
        case("POST", "/v1/api-keys/organisation/user", 400, "organisation/user").json(good.clone()),
        case("POST", "/v1/api-keys/x/y", 400, "x/y").json(good.clone()),
        case("POST", path, 400, "body: ").bytes("nonsense"),
        case("POST", path, 400, "body: ").bytes("{".repeat(100_000)),
        case("POST", path, 413, "the body is too large").bytes(" ".repeat((256 << 10) + 1)),
        case("POST", "/v1/api-keys/workspace/user", 400, "user_id: missing").json(good.clone()),
        case("POST", "/v1/api-keys/organisation/service", 403, "it needs").json(good.clone()),
        post(without(&good, "/name"), "name: missing"),
        post(without(&good, "/scopes"), "scopes: missing"),
    ];
    for (pointer, value, says) in [
        ("/name", json!(""), "name: found an empty string"),
        ("/name", json!("n".repeat(101)), "name: too long"),
        ("/name", json!("a\nb"), "name: a control character"),
        ("/name", json!(["x"]), "name: found an array"),
        ("/scopes", json!("logs.list"), "scopes: found a string"),
        ("/scopes", json!([]), "scopes: found an empty array"),
        ("/scopes", json!([7]), "scopes[0]: found a number"),
        ("/scopes", json!(["logs.list", "fly"]), "scopes[1]: found `fly`"),
        ("/scopes", json!(["organisation_users.create"]), "scopes[0]: `organisation_users.create` is not for"),
        ("/expires_at", json!("soon"), "expires_at: found `soon`"),
        ("/expires_at", json!("2020-01-01T00:00:00Z"), "expires_at: `2020-01-01T00:00:00Z` is past"),
        ("/rate_limits", json!([{"type": "requests", "unit": "rpm", "value": 1}]), "rate_limits: not supported yet"),
        ("/user_id", json!(KEY), "user_id: only a user's key has one"),
        ("/strange", json!(1), "strange: no such field"),
    ] {
        cases.push(post(but(&good, pointer, value), says));
    }
    cases
}

fn bad_changes() -> Vec<Case> {
    let put = |body, says| case("PUT", format!("/v1/api-keys/{KEY}"), 400, says).json(body);
    vec![
        case("PUT", "/v1/api-keys/nonsense", 400, "id: found `nonsense`").json(json!({"name": "x"})),
        case("PUT", format!("/v1/api-keys/{KEY}"), 404, "no API key").json(json!({"name": "x"})),
        case("PUT", format!("/v1/api-keys/{KEY}"), 400, "body: ").bytes("nonsense"),
        put(json!([]), "body: found an array"),
        put(json!({"workspace_id": {}}), "workspace_id: found an object"),
        case("PUT", format!("/v1/api-keys/{KEY}"), 404, "no organisation").json(json!({"organisation_id": ID})),
    ]
}

fn bad_virtual_keys() -> Vec<Case> {
    let good = json!({"name": "x", "provider": "openai", "key": "sk-1"});
    let post = |body, says| case("POST", "/v1/virtual-keys", 400, says).json(body);
    let mut cases = vec![
        case("POST", "/v1/virtual-keys", 400, "body: ").bytes("[1,"),
        case("POST", "/v1/virtual-keys", 404, "no workspace").json(but(&good, "/workspace_id", json!("nobody"))),
        post(without(&good, "/name"), "name: missing"),
        post(without(&good, "/provider"), "provider: missing"),
        post(without(&good, "/key"), "key: missing"),
    ];
    for (pointer, value, says) in [
        ("/provider", json!("nobody"), "provider: found `nobody`"),
        ("/key", json!("s\u{f6}"), "key: a character that no header may hold"),
        ("/key", json!("k".repeat(16_385)), "key: too long"),
        ("/custom_host", json!("ftp://x"), "custom_host: must be an absolute http"),
        ("/custom_host", json!("http://10.0.0.1/v1"), "custom_host: points to a private"),
        ("/custom_host", json!("http://169.254.169.254/"), "custom_host: points to a private"),
        ("/custom_host", json!("https://u:p@x.com"), "custom_host: "),
        ("/note", json!(7), "note: found a number"),
        ("/usage_limits", json!({"credit_limit": 1}), "usage_limits: not supported yet"),
        ("/strange", json!(1), "strange: no such field"),
    ] {
        cases.push(post(but(&good, pointer, value), says));
    }
    cases
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
    assert_eq!(app.count("SELECT count(*) FROM api_key").await, 2, "the two that every organisation begins with");
}

#[tokio::test]
async fn a_method_that_a_path_does_not_have_is_told_those_that_it_has() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    for route in api::ROUTES {
        let path = route.path.replace("{id}", ID).replace("{slug}", "x").replace("{type}/{sub_type}", "workspace/user");
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
        ("x-portkey-metadata", Value::Object((0..65).map(|n| (n.to_string(), json!(""))).collect()).to_string()),
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
            post(400, "body: must be a JSON object").bytes("1e999"),
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
        for content_type in [None, Some("text/plain"), Some("application/jsonx"), Some("multipart/form-data"), Some("")] {
            let mut request = org.request(Method::POST, path).header("x-portkey-provider", "openai").body("{}");
            if let Some(content_type) = content_type {
                request = request.header("content-type", content_type);
            }
            let response = request.send().await.unwrap();
            assert_eq!(response.status(), 400, "{path} {content_type:?}");
            let body: Value = response.json().await.unwrap();
            assert!(message(&body).unwrap().starts_with("content-type: "), "{body}");
        }
        // A call that names no target at all, in any of the three ways.
        case("POST", path, 400, "x-portkey-provider: no target").json(json!({"model": "m"})).check(&org).await;
        case("POST", path, 400, "model: ").json(json!({"model": "@nobody/m"})).check(&org).await;
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

/// One request of a generator that means no good, as bytes.
fn any_request(chance: &mut Chance, key: &str, upstream: &str) -> Vec<u8> {
    let paths: Vec<&str> = api::ROUTES
        .iter()
        .map(|route| route.path)
        .chain(GATEWAY.into_iter().map(|(_, path)| path))
        .chain(["/", "/healthz", "/v2/x", "/v1", "/v1/", "//", "/v1/../etc/passwd", "*"])
        .collect();
    let mut path = chance.one_of(&paths).to_owned();
    let pieces =
        ["%", "%zz", "%00", "%ff%fe", "%2e%2e%2f", "..", "?", "&", "=", "limit=-1", "cursor=%ff", "#", "[", "\\", "é"];
    for _ in 0..chance.below(4) {
        path += chance.one_of(&pieces);
    }
    if chance.below(20) == 0 {
        path += &"a".repeat(chance.below(40_000));
    }
    let verb = chance.one_of(&["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "BREW", "get", "CONNECT"]);
    let body = any_body(chance);
    let mut head = format!("{verb} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n").into_bytes();
    for (name, value) in any_headers(chance, key, upstream) {
        head.extend_from_slice(name.as_bytes());
        head.extend_from_slice(b": ");
        head.extend_from_slice(&value);
        head.extend_from_slice(b"\r\n");
    }
    match chance.below(12) {
        0 => {}
        1 => head.extend_from_slice(b"content-length: -1\r\n"),
        2 => head.extend_from_slice(b"content-length: 5\r\ntransfer-encoding: chunked\r\n"),
        _ => head.extend_from_slice(format!("content-length: {}\r\n", body.len()).as_bytes()),
    }
    [head.as_slice(), b"\r\n", &body].concat()
}

fn any_headers(chance: &mut Chance, key: &str, upstream: &str) -> Vec<(&'static str, Vec<u8>)> {
    let mut headers: Vec<(&'static str, Vec<u8>)> = Vec::new();
    if chance.below(10) > 0 {
        headers.push(("x-portkey-api-key", key.into()));
    }
    match chance.below(4) {
        0 => {}
        1 => headers.extend([
            ("x-portkey-provider", b"openai".to_vec()),
            ("x-portkey-custom-host", upstream.into()),
        ]),
        _ => headers.push(("x-portkey-provider", b"echo".to_vec())),
    }
    let types = ["application/json", "application/json; charset=\"", "text/plain", "multipart/form-data", ";", ""];
    if chance.below(8) > 0 {
        headers.push(("content-type", chance.one_of(&types).into()));
    }
    let names = [
        "x-portkey-metadata",
        "x-portkey-trace-id",
        "x-portkey-debug",
        "x-portkey-request-timeout",
        "x-portkey-forward-headers",
        "x-portkey-sensitive-headers",
        "x-portkey-virtual-key",
        "x-portkey-custom-host",
        "x-portkey-config",
        "x-portkey-span-id",
        "authorization",
        "traceparent",
        "accept-encoding",
        "content-encoding",
        "expect",
        "range",
    ];
    for _ in 0..chance.below(4) {
        let value = match chance.below(8) {
            0 => b"\xff\xfe\x80".to_vec(),
            1 => b"\t a\tb".to_vec(),
            2 => vec![b'9'; 40],
            3 => b"{\"_user\":\"\\u0000\"}".to_vec(),
            4 => vec![b'a'; chance.below(9000)],
            5 => b"gzip".to_vec(),
            6 => b"00-00000000000000000000000000000000-0000000000000000-01".to_vec(),
            _ => Vec::new(),
        };
        headers.push((chance.one_of(&names.map(|name| &*Box::leak(Box::<str>::from(name)))), value));
    }
    headers
}

fn any_body(chance: &mut Chance) -> Vec<u8> {
    let whole = chat("hi").to_string();
    match chance.below(14) {
        0 => Vec::new(),
        1 => "[".repeat(100_000).into_bytes(),
        2 => "{\"a\":".repeat(20_000).into_bytes(),
        3 => {
            let length = chance.below(2000);
            chance.bytes(length)
        }
        4 => b"{\"model\":\"\\ud800\",\"messages\":[]}".to_vec(),
        5 => format!("{{\"model\":\"m\",\"n\":{},\"messages\":[]}}", "9".repeat(400)).into_bytes(),
        6 => b"{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"\\u0000\"}]}".to_vec(),
        7 => b"{\"messages\":[],\"messages\":[],\"stream\":null}".to_vec(),
        8 => whole.as_bytes()[..chance.below(whole.len())].to_vec(),
        9 => {
            let mut flipped = whole.into_bytes();
            let at = chance.below(flipped.len());
            flipped[at] = chance.next().to_le_bytes()[0];
            flipped
        }
        10 => json!({"request": {"url": "/\u{0}", "body": 1e308}, "response": {"body": []}}).to_string().into(),
        11 => json!({"name": "\u{202e}x", "scopes": ["logs.list"], "provider": "echo"}).to_string().into(),
        12 => json!({"model": "m", "stream": true, "input": vec![0; 5000], "prompt": ["a"; 100],
                     "messages": [{"role": "user", "content": "x ".repeat(3000)}]}).to_string().into(),
        _ => whole.into_bytes(),
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
        assert!(status < 500 || realtime, "round {round}: {text}\nafter {shown}");
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        if status >= 400 && head.contains("application/json") && !shown.starts_with("HEAD") {
            let body: Value = serde_json::from_str(body).unwrap_or_else(|_| panic!("round {round}: {text}"));
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
