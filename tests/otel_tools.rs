//! Calls through the gateway, read back from real tools for traces: Arize Phoenix and MLflow, each by its own API.
//!
//! `make test-otel` starts them and says where they are; without it these tests are left out.

use std::time::Duration;

use plans::Plan;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{DONE, Org, TestApp, Upstream, answer, chat, delta, until, usage_chunk};

/// Stands in every question and every answer.
const MARK: &str = "canary-71fe";

/// Of the caller's own span.
const PARENT: &str = "00f067aa0ba902b7";

/// The same, as MLflow has it.
const PARENT_BASE64: &str = "APBnqgupArc=";

/// USD of 1,000 tokens of `gpt-4o-mini` in and 200 out, which both tools and we go by: 0.15 and 0.60 for a million.
const COST: f64 = 0.000_27;

fn address(variable: &str) -> String {
    std::env::var(variable).unwrap_or_else(|_| panic!("{variable} is not set; run: make test-otel"))
}

/// The traces of four calls.
struct Traces {
    json: String,
    stream: String,
    failed: String,
    untracked: String,
}

impl Traces {
    fn all(&self) -> [&String; 4] {
        [&self.json, &self.stream, &self.failed, &self.untracked]
    }
}

/// Registers a destination, tests it, and gives its id.
async fn destination(org: &Org<'_>, destination: &Value) -> String {
    let admin = org.admin();
    let response =
        admin.request(Method::POST, "/v1/otel/destinations").json(destination).send().await.unwrap();
    let made: Value = response.json().await.unwrap();
    let id = made["id"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned();
    let test = format!("/v1/otel/destinations/{id}/test");
    let tested: Value = admin.request(Method::POST, &test).send().await.unwrap().json().await.unwrap();
    assert_eq!(tested["accepted"], true, "{destination}: {tested}");
    id
}

/// One call of each kind.
async fn calls(app: &TestApp, org: &Org<'_>) -> Traces {
    let trace = || app.running.ids.fresh().simple().to_string();
    let traces = Traces { json: trace(), stream: trace(), failed: trace(), untracked: trace() };
    let mut upstream = Upstream::start().await;
    for id in traces.all() {
        let streams = *id == traces.stream;
        let mut question = chat(MARK);
        question["temperature"] = json!(0.5);
        if streams {
            question["stream"] = json!(true);
        }
        let mut request = org.ask(&upstream, "/v1/chat/completions").json(&question);
        request = if *id == traces.json {
            request.header("traceparent", format!("00-{id}-{PARENT}-01"))
        } else {
            request.header("x-portkey-trace-id", id)
        };
        if *id == traces.untracked {
            request = request.header("x-portkey-debug", "false");
        }
        let calling = tokio::spawn(request.send());
        let mut exchange = upstream.asked().await;
        if streams {
            exchange.event_stream().await;
            for piece in [delta(MARK), delta(" and more"), usage_chunk(), DONE.to_owned()] {
                exchange.send(piece).await;
            }
            exchange.end().await;
        } else if *id == traces.failed {
            exchange.json(429, &json!({"error": {"message": MARK, "type": "rate_limit"}})).await;
        } else {
            exchange.json(200, &answer(MARK)).await;
        }
        calling.await.unwrap().unwrap().bytes().await.unwrap();
    }
    org.rows("", 4).await;
    traces
}

/// Asks a tool until it has all of it, while the server's time goes by.
async fn told<T, F: Future<Output = Option<T>>>(app: &TestApp, what: &str, mut ask: impl FnMut() -> F) -> T {
    until(what, || {
        app.clock.advance(Duration::from_secs(2));
        ask()
    })
    .await
}

async fn get(app: &TestApp, url: &str) -> Option<Value> {
    let response = app.http.get(url).send().await.unwrap();
    if response.status().is_success() { Some(response.json().await.unwrap()) } else { None }
}

/// Both spans of a trace as Phoenix has them: the call's, and that of what was asked of the provider.
async fn in_phoenix(app: &TestApp, phoenix: &str, project: &str, trace: &str) -> (Value, Value) {
    let url = format!("{phoenix}/v1/projects/{project}/spans?trace_id={trace}");
    let spans = told(app, "Phoenix has both spans", || async {
        let page = get(app, &url).await?;
        page["data"].as_array().filter(|spans| spans.len() == 2).cloned()
    })
    .await;
    let (mut models, mut others): (Vec<_>, Vec<_>) =
        spans.into_iter().partition(|span| span["span_kind"] == "LLM");
    assert_eq!((models.len(), others.len()), (1, 1), "{models:?} {others:?}");
    (others.remove(0), models.remove(0))
}

/// What Phoenix makes of all tokens of a trace: how many, and USD.
async fn sums_in_phoenix(app: &TestApp, phoenix: &str, project: &str, trace: &str) -> (f64, f64) {
    let query = "query($project: String!, $trace: ID!) { getProjectByName(name: $project) { \
                 trace(traceId: $trace) { costSummary { total { tokens cost } } } } }";
    let body = json!({"query": query, "variables": {"project": project, "trace": trace}});
    told(app, "Phoenix has reckoned the cost", || async {
        let response = app.http.post(format!("{phoenix}/graphql")).json(&body).send().await.unwrap();
        let answer: Value = response.json().await.unwrap();
        let total = &answer["data"]["getProjectByName"]["trace"]["costSummary"]["total"];
        Some((total["tokens"].as_f64()?, total["cost"].as_f64()?))
    })
    .await
}

async fn phoenix_has_all(app: &TestApp, phoenix: &str, project: &str, traces: &Traces) {
    for trace in traces.all() {
        let (call, asking) = in_phoenix(app, phoenix, project, trace).await;
        let parent = if *trace == traces.json { json!(PARENT) } else { Value::Null };
        assert_eq!(call["parent_id"], parent, "{call}");
        assert_eq!(call["name"], "POST /v1/chat/completions", "{call}");
        assert_eq!(asking["parent_id"], call["context"]["span_id"], "{asking}");
        assert_eq!(asking["name"], "chat gpt-4o-mini", "{asking}");
        let attributes = &asking["attributes"];
        assert_eq!(attributes["llm.model_name"], "gpt-4o-mini", "{asking}");
        assert_eq!(attributes["llm.provider"], "openai", "{asking}");
        let failed = *trace == traces.failed;
        let status = if failed { "ERROR" } else { "UNSET" };
        assert_eq!(asking["status_code"], status, "{asking}");
        if failed {
            assert_eq!(attributes["error.type"], "429", "{asking}");
            continue;
        }
        assert_eq!(attributes["gen_ai.response.model"], "gpt-4o-mini-2024-07-18", "{asking}");
        assert_eq!(attributes["llm.token_count.prompt"], 1000, "{asking}");
        assert_eq!(attributes["llm.token_count.completion"], 200, "{asking}");
        let ours = attributes["turnpike.cost.usd"].as_f64().unwrap();
        assert!((ours - COST).abs() < 1e-9, "{ours} USD");
        let (tokens, cost) = sums_in_phoenix(app, phoenix, project, trace).await;
        assert!((tokens - 1200.0).abs() < 0.5 && (cost - COST).abs() < 1e-9, "{tokens} tokens, {cost} USD");
        let all = format!("{call} {asking}");
        if *trace == traces.untracked {
            assert!(!all.contains(MARK), "content of an untracked call: {all}");
            continue;
        }
        let said = if *trace == traces.stream { format!("{MARK} and more") } else { MARK.to_owned() };
        assert_eq!(attributes["llm.input_messages.0.message.content"], MARK, "{asking}");
        assert_eq!(attributes["llm.input_messages.0.message.role"], "user", "{asking}");
        assert_eq!(attributes["llm.output_messages.0.message.content"], said.as_str(), "{asking}");
        assert_eq!(attributes["llm.output_messages.0.message.role"], "assistant", "{asking}");
        let parameters = attributes["llm.invocation_parameters"].as_str().unwrap();
        assert_eq!(serde_json::from_str::<Value>(parameters).unwrap()["temperature"], 0.5, "{asking}");
    }
}

/// Phoenix has a trace once, whoever sends it: each protocol has calls of its own.
async fn calls_are_read_back_from_phoenix(endpoint: &str, protocol: &str) {
    let app = TestApp::start().await;
    let org = app.org(Plan::Enterprise).await;
    let project = protocol.replace('/', "-");
    let wanted = json!({
        "name": "Phoenix", "endpoint": endpoint, "protocol": protocol, "content": true,
        "resource": {"openinference.project.name": project}
    });
    destination(&org, &wanted).await;
    let traces = calls(&app, &org).await;
    phoenix_has_all(&app, &address("SUITE_PHOENIX"), &project, &traces).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a real Phoenix: make test-otel"]
async fn calls_are_read_back_from_phoenix_by_http() {
    calls_are_read_back_from_phoenix(&address("SUITE_PHOENIX"), "http/protobuf").await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a real Phoenix: make test-otel"]
async fn calls_are_read_back_from_phoenix_by_grpc() {
    calls_are_read_back_from_phoenix(&address("SUITE_PHOENIX_GRPC"), "grpc").await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a real Phoenix: make test-otel"]
async fn what_a_receiver_says_to_a_test_is_told() {
    let phoenix = address("SUITE_PHOENIX");
    let app = TestApp::start().await;
    let org = app.org(Plan::Enterprise).await;
    let admin = org.admin();
    let wanted = json!({"name": "p", "endpoint": phoenix, "protocol": "http/json"});
    let made: Value = {
        let request = admin.request(Method::POST, "/v1/otel/destinations").json(&wanted);
        request.send().await.unwrap().json().await.unwrap()
    };
    let test = format!("/v1/otel/destinations/{}/test", made["id"].as_str().unwrap());
    let tested: Value = admin.request(Method::POST, &test).send().await.unwrap().json().await.unwrap();
    assert_eq!(tested["accepted"], false, "{tested}");
    assert!(tested["message"].as_str().unwrap().contains("Unsupported content type"), "{tested}");
}

/// A trace as MLflow has it, once it has all its spans: the trace, and the spans by their OTLP kinds' names.
async fn in_mlflow(app: &TestApp, mlflow: &str, trace: &str) -> (Value, Value, Value) {
    let url = format!("{mlflow}/api/3.0/mlflow/traces/get?trace_id=tr-{trace}");
    let trace = told(app, "MLflow has both spans", || async {
        let trace = get(app, &url).await?["trace"].take();
        (trace["spans"].as_array()?.len() == 2).then_some(trace)
    })
    .await;
    let named = |prefix: &str| {
        let spans = trace["spans"].as_array().unwrap();
        let found = spans.iter().find(|span| span["name"].as_str().unwrap().starts_with(prefix));
        found.unwrap_or_else(|| panic!("no span {prefix}: {trace}")).clone()
    };
    (trace["trace_info"].clone(), named("POST "), named("chat "))
}

/// Metadata of a trace that is JSON itself.
fn metadata(info: &Value, name: &str) -> Value {
    serde_json::from_str(info["trace_metadata"][name].as_str().unwrap_or("null")).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a real MLflow: make test-otel"]
async fn calls_are_read_back_from_mlflow() {
    let mlflow = address("SUITE_MLFLOW");
    let app = TestApp::start().await;
    let org = app.org(Plan::Enterprise).await;
    let wanted = json!({
        "name": "MLflow", "endpoint": mlflow, "protocol": "http/json", "content": true,
        "headers": {"x-mlflow-experiment-id": "0"}
    });
    destination(&org, &wanted).await;
    let traces = calls(&app, &org).await;
    for trace in traces.all() {
        let (info, call, asking) = in_mlflow(&app, &mlflow, trace).await;
        assert_eq!(asking["parent_span_id"], call["span_id"], "{asking}");
        let is_a_part = *trace == traces.json;
        assert_eq!(call["parent_span_id"].as_str(), is_a_part.then_some(PARENT_BASE64), "{call}");
        let failed = *trace == traces.failed;
        // The caller's own span, which would be the root, is not sent by us.
        let state = if is_a_part { "IN_PROGRESS" } else { "OK" };
        if failed {
            assert_eq!(asking["status"]["code"], "STATUS_CODE_ERROR", "{asking}");
            continue;
        }
        assert_eq!(info["state"], state, "{info}");
        let tokens = metadata(&info, "mlflow.trace.tokenUsage");
        assert_eq!(
            tokens,
            json!({"input_tokens": 1000, "output_tokens": 200, "total_tokens": 1200}),
            "{info}"
        );
        let cost = metadata(&info, "mlflow.trace.cost")["total_cost"].as_f64().unwrap();
        assert!((cost - COST).abs() < 1e-9, "{cost} USD");
        let all = format!("{info} {call} {asking}");
        assert!(all.contains("CHAT_MODEL") && all.contains("gpt-4o-mini-2024-07-18"), "{all}");
        assert_eq!(all.contains(MARK), *trace != traces.untracked, "{all}");
    }
}
