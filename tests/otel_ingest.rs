//! Spans that callers send by OTLP, which become logs.

use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use flate2::Compression;
use flate2::write::GzEncoder;
use opentelemetry_proto::tonic::collector::logs::v1::logs_service_client::LogsServiceClient;
use opentelemetry_proto::tonic::collector::logs::v1::{ExportLogsServiceRequest, ExportLogsServiceResponse};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use plans::Plan;
use prost::Message;
use reqwest::{Method, Response};
use serde_json::{Value, json};
use tonic::codec::CompressionEncoding;
use tonic::{Code, Request};

use crate::harness::{Org, TestApp, until};

const TRACE: &str = "5b8efff798038103d269b633813fc60c";
const PROTOBUF: &str = "application/x-protobuf";
const JSON: &str = "application/json";

const TRACES: [&str; 3] = ["/v1/traces", "/v1/otel/v1/traces", "/v1/logs/otel/v1/traces"];
const LOGS: [&str; 2] = ["/v1/otel/v1/logs", "/v1/logs/otel/v1/logs"];

/// A span with these attributes, each a text or a whole number.
fn span(id: &str, parent: &str, name: &str, attributes: &Value) -> Value {
    let value = |value: &Value| match value {
        Value::Number(number) => json!({"intValue": number.to_string()}),
        other => json!({"stringValue": other}),
    };
    let pairs = attributes.as_object().unwrap().iter();
    let attributes: Vec<Value> = pairs.map(|(key, it)| json!({"key": key, "value": value(it)})).collect();
    json!({
        "traceId": TRACE, "spanId": id, "parentSpanId": parent, "name": name, "kind": 3,
        "startTimeUnixNano": "1794744000000000000", "endTimeUnixNano": "1794744000820000000",
        "attributes": attributes,
    })
}

fn request(spans: &[Value]) -> Value {
    let service = json!({"key": "service.name", "value": {"stringValue": "shop"}});
    json!({"resourceSpans": [{"resource": {"attributes": [service]}, "scopeSpans": [{"spans": spans}]}]})
}

/// An agent with a model call and a tool of its own.
fn a_trace() -> Value {
    let chat = json!({
        "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o-mini",
        "gen_ai.usage.input_tokens": 1000, "gen_ai.usage.output_tokens": 200, "enduser.id": "u1",
        "gen_ai.input.messages": r#"[{"role":"user","parts":[{"type":"text","content":"hi"}]}]"#,
        "gen_ai.output.messages":
            r#"[{"role":"assistant","parts":[{"type":"text","content":"hello"}],"finish_reason":"stop"}]"#,
    });
    let agent = json!({
        "gen_ai.operation.name": "invoke_agent", "gen_ai.usage.input_tokens": 1000, "gen_ai.usage.output_tokens": 200
    });
    request(&[
        span("00000000000000a1", "", "invoke_agent shop", &agent),
        span("00000000000000a2", "00000000000000a1", "chat gpt-4o-mini", &chat),
        span("00000000000000a3", "00000000000000a1", "look up", &json!({"db.system": "sqlite"})),
    ])
}

fn message(request: &Value) -> ExportTraceServiceRequest {
    serde_json::from_value(request.clone()).unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

async fn send(org: &Org<'_>, path: &str, kind: &str, bytes: Vec<u8>, gzipped: bool) -> Response {
    let mut request = org.request(Method::POST, path).header("content-type", kind);
    if gzipped {
        request = request.header("content-encoding", "gzip");
    }
    request.body(if gzipped { gzip(&bytes) } else { bytes }).send().await.unwrap()
}

/// Sends as JSON what must be taken whole.
async fn export(org: &Org<'_>, request: &Value) {
    let response = send(org, "/v1/traces", JSON, request.to_string().into(), false).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.json::<Value>().await.unwrap()["partialSuccess"], Value::Null);
}

/// The three logs of [`a_trace`], as they are to be whatever they came by.
async fn check_the_trace(org: &Org<'_>) {
    let rows = org.rows(&format!("trace_id={TRACE}"), 3).await;
    let of = |id: &str| rows.iter().find(|row| row["span_id"] == format!("00000000000000{id}")).unwrap();
    let chat = of("a2");
    for (name, value) in [
        ("request_type", json!("chatComplete")),
        ("source", json!("otlp")),
        ("provider", json!("openai")),
        ("model", json!("gpt-4o-mini")),
        ("prompt_tokens", json!(1000)),
        ("completion_tokens", json!(200)),
        ("tokens_estimated", json!(false)),
        ("cost", json!(0.027)),
        ("response_time", json!(820)),
        ("span_name", json!("chat gpt-4o-mini")),
        ("parent_span_id", json!("00000000000000a1")),
        ("external_id", json!(format!("{TRACE}-00000000000000a2"))),
    ] {
        assert_eq!(chat[name], value, "{name}: {chat}");
    }
    assert_eq!(
        (&chat["metadata"]["_user"], &chat["metadata"]["service.name"]),
        (&json!("u1"), &json!("shop"))
    );
    let log = org.log(chat["id"].as_str().unwrap()).await;
    assert_eq!(log["request"]["body"]["messages"], json!([{"role": "user", "content": "hi"}]));
    assert_eq!(log["response"]["body"]["choices"][0]["message"]["content"], "hello");
    for id in ["a1", "a3"] {
        let row = of(id);
        assert_eq!(
            (&row["request_type"], &row["total_tokens"], &row["cost"]),
            (&json!("span"), &Value::Null, &Value::Null)
        );
    }
    assert_eq!(of("a1")["parent_span_id"], Value::Null);
    let log = org.log(of("a3")["id"].as_str().unwrap()).await;
    assert_eq!(log["request"]["body"]["attributes"], json!({"db.system": "sqlite"}));
    assert_eq!(
        (&log["request"]["body"]["name"], &log["request"]["body"]["kind"]),
        (&json!("look up"), &json!("client"))
    );
    assert_eq!(org.usage_of(3).await["used"], 3);
}

#[tokio::test]
async fn a_trace_becomes_logs_whatever_path_it_comes_by_and_however_it_is_written() {
    let app = TestApp::start().await;
    let trace = a_trace();
    let written = [(JSON, trace.to_string().into_bytes()), (PROTOBUF, message(&trace).encode_to_vec())];
    for path in TRACES {
        for (kind, bytes) in &written {
            for gzipped in [false, true] {
                let org = app.org(Plan::Developer).await;
                let response = send(&org, path, kind, bytes.clone(), gzipped).await;
                assert_eq!(response.status(), 200, "{path} {kind}");
                assert_eq!(response.headers()["content-type"], *kind);
                let body = response.bytes().await.unwrap();
                let answer: ExportTraceServiceResponse = match *kind {
                    JSON => serde_json::from_slice(&body).unwrap(),
                    _ => Message::decode(body).unwrap(),
                };
                assert_eq!(answer.partial_success, None);
                check_the_trace(&org).await;
            }
        }
    }
}

/// A server that takes spans by gRPC too, and where.
async fn with_grpc() -> (TestApp, String) {
    let app = TestApp::with(|settings| settings.otlp.grpc_addr = "127.0.0.1:0".parse().ok()).await;
    let url = format!("http://{}", app.running.grpc_addr.unwrap());
    (app, url)
}

fn with_key<M>(message: M, name: &'static str, value: &str) -> Request<M> {
    let mut request = Request::new(message);
    request.metadata_mut().insert(name, value.parse().unwrap());
    request
}

#[tokio::test]
async fn grpc_takes_the_same_from_who_may_and_ends_with_the_server() {
    let (app, url) = with_grpc().await;
    let trace = message(&a_trace());
    for compressed in [false, true] {
        let org = app.org(Plan::Developer).await;
        let mut client = TraceServiceClient::connect(url.clone()).await.unwrap();
        if compressed {
            client = client.send_compressed(CompressionEncoding::Gzip);
        }
        let (name, key) = if compressed {
            ("authorization", format!("Bearer {}", org.key))
        } else {
            ("x-portkey-api-key", org.key.clone())
        };
        let answer = client.export(with_key(trace.clone(), name, &key)).await.unwrap().into_inner();
        assert_eq!(answer.partial_success, None);
        check_the_trace(&org).await;
    }
    let org = app.org(Plan::Developer).await;
    let mut client = TraceServiceClient::connect(url.clone()).await.unwrap();
    for (name, value, code) in [
        ("x-other", "1", Code::Unauthenticated),
        ("x-portkey-api-key", "tpk_wrong", Code::Unauthenticated),
        ("x-portkey-api-key", &org.admin_key, Code::PermissionDenied),
    ] {
        let refused = client.export(with_key(trace.clone(), name, value)).await.unwrap_err();
        assert_eq!(refused.code(), code, "{name}: {refused}");
    }
    let mut zero = trace.clone();
    zero.resource_spans[0].scope_spans[0].spans[0].trace_id = vec![0; 16];
    let answer = client.export(with_key(zero, "x-portkey-api-key", &org.key)).await.unwrap().into_inner();
    assert_eq!(answer.partial_success.unwrap().rejected_spans, 1);
    let mut logs = LogsServiceClient::connect(url.clone()).await.unwrap();
    let answer = logs.export(with_key(a_record(), "x-portkey-api-key", &org.key)).await.unwrap().into_inner();
    assert_eq!(answer.partial_success.unwrap().rejected_log_records, 1);
    drop(org);
    app.stop().await;
    assert!(TraceServiceClient::connect(url).await.is_err(), "nobody listens there any more");
}

#[tokio::test]
async fn grpc_is_off_unless_it_is_set() {
    assert_eq!(TestApp::start().await.running.grpc_addr, None);
}

fn a_record() -> ExportLogsServiceRequest {
    let record = json!({"eventName": "gen_ai.user.message", "body": {"stringValue": "hi"}});
    serde_json::from_value(json!({"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]})).unwrap()
}

#[tokio::test]
async fn log_records_are_refused_in_words() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    for path in LOGS {
        let response = send(&org, path, PROTOBUF, a_record().encode_to_vec(), false).await;
        assert_eq!(response.status(), 200);
        let answer = ExportLogsServiceResponse::decode(response.bytes().await.unwrap()).unwrap();
        let partial = answer.partial_success.unwrap();
        assert_eq!(partial.rejected_log_records, 1);
        assert!(partial.error_message.contains("/v1/traces"), "{}", partial.error_message);
    }
}

#[tokio::test]
async fn what_has_no_place_in_a_trace_is_refused_and_the_rest_is_taken() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let mut trace = a_trace();
    let spans = &mut trace["resourceSpans"][0]["scopeSpans"][0]["spans"];
    spans[0]["traceId"] = json!("00000000000000000000000000000000");
    spans[2]["spanId"] = json!("a3");
    let response = send(&org, "/v1/traces", JSON, trace.to_string().into(), false).await;
    assert_eq!(response.status(), 200);
    let answer: ExportTraceServiceResponse = response.json().await.unwrap();
    let ExportTracePartialSuccess { rejected_spans, error_message } = answer.partial_success.unwrap();
    assert_eq!(rejected_spans, 2);
    for said in ["trace_id: expected 16 bytes", "span_id: expected 8 bytes"] {
        assert!(error_message.contains(said), "{error_message}");
    }
    assert_eq!(org.rows("", 1).await[0]["span_id"], "00000000000000a2");

    let many: Vec<Value> = (0..8195).map(|n| span(&format!("{:016x}", n + 1), "", "x", &json!({}))).collect();
    let response = send(&org, "/v1/traces", JSON, request(&many).to_string().into(), true).await;
    let answer: ExportTraceServiceResponse = response.json().await.unwrap();
    let partial = answer.partial_success.unwrap();
    assert_eq!((partial.rejected_spans, partial.error_message.contains("more than 8192")), (3, true));
}

#[tokio::test]
async fn a_trace_that_is_sent_again_is_counted_once() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    app.break_store().await;
    export(&org, &a_trace()).await;
    export(&org, &a_trace()).await;
    app.mend_store().await;
    check_the_trace(&org).await;
    export(&org, &a_trace()).await;
    // What comes after it is in, so it is too.
    let one_more = span("00000000000000b1", "", "later", &json!({}));
    export(&org, &request(&[one_more])).await;
    org.rows("", 4).await;
    assert_eq!(org.usage_of(4).await["used"], 4);
}

#[tokio::test]
async fn each_organisation_has_its_own_even_of_one_trace() {
    let app = TestApp::start().await;
    let (one, other) = (app.org(Plan::Developer).await, app.org(Plan::Developer).await);
    export(&one, &a_trace()).await;
    check_the_trace(&one).await;
    assert!(other.list(&format!("trace_id={TRACE}")).await.is_empty());
    let id = one.list("").await[0]["id"].as_str().unwrap().to_owned();
    assert_eq!(other.get(&format!("/v1/logs/{id}")).await.status(), 404);
    export(&other, &a_trace()).await;
    check_the_trace(&other).await;
    assert_eq!(one.usage_of(3).await["used"], 3);
}

#[tokio::test]
async fn past_the_quota_spans_are_dropped_and_counted() {
    let app = TestApp::with(|settings| {
        let overrides = plans::Overrides { included_logs: Some(2), ..plans::Overrides::default() };
        settings.plans.insert(Plan::Developer, overrides);
    })
    .await;
    let org = app.org(Plan::Developer).await;
    export(&org, &a_trace()).await;
    let usage = org.usage_of(3).await;
    assert_eq!((&usage["used"], &usage["dropped"]), (&json!(2), &json!(1)));
}

#[tokio::test]
async fn a_given_cost_wins_and_missing_tokens_are_counted() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let mut chat = json!({
        "gen_ai.operation.name": "chat", "gen_ai.system": "openai", "gen_ai.request.model": "gpt-4o-mini",
        "gen_ai.usage.input_tokens": 10, "gen_ai.usage.output_tokens": 20, "llm.cost.total": "0.5",
    });
    let given = span("00000000000000c1", "", "given", &chat);
    let without = chat.as_object_mut().unwrap();
    without.retain(|name, _| !name.starts_with("gen_ai.usage") && name != "llm.cost.total");
    without.insert("gen_ai.prompt.0.content".to_owned(), json!("one two three"));
    without.insert("gen_ai.completion.0.content".to_owned(), json!("four"));
    let counted = span("00000000000000c2", "", "counted", &chat);
    export(&org, &request(&[given, counted])).await;
    let rows = org.rows("", 2).await;
    let of = |name: &str| rows.iter().find(|row| row["span_name"] == name).unwrap();
    assert_eq!((&of("given")["cost"], &of("given")["total_tokens"]), (&json!(50.0), &json!(30)));
    let counted = of("counted");
    assert_eq!((&counted["tokens_estimated"], &counted["completion_tokens"]), (&json!(true), &json!(1)));
    assert!(counted["prompt_tokens"].as_i64().unwrap() >= 3 && counted["cost"].is_number(), "{counted}");
}

#[tokio::test]
async fn what_inflates_beyond_bounds_is_refused() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let bytes = vec![b' '; (16 << 20) + 1];
    assert_eq!(send(&org, "/v1/traces", JSON, bytes, true).await.status(), 413);
}

/// `google.rpc.Status`.
#[derive(Message)]
struct Status {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
}

#[tokio::test]
async fn errors_are_written_as_the_request_was() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    for (caller, bytes, status, code) in [
        (org.with_key(&org.key), &b"\xff"[..], 400, 3),
        (org.with_key("tpk_wrong"), b"", 401, 16),
        (org.admin(), b"", 403, 7),
    ] {
        for kind in [PROTOBUF, JSON] {
            let request = caller.request(Method::POST, "/v1/traces").header("content-type", kind);
            let response = request.body(bytes.to_vec()).send().await.unwrap();
            assert_eq!(response.status(), status);
            assert_eq!(response.headers()["content-type"], kind);
            let body = response.bytes().await.unwrap();
            if kind == PROTOBUF {
                let told = Status::decode(body).unwrap();
                assert_eq!((told.code, told.message.is_empty()), (code, false));
            } else {
                let told: Value = serde_json::from_slice(&body).unwrap();
                assert_eq!((&told["code"], &told["message"]), (&json!(code), &told["data"]["message"]));
            }
        }
    }
}

#[tokio::test]
async fn when_the_spool_is_full_an_exporter_is_told_to_come_again() {
    let app = TestApp::with(|settings| {
        settings.spool.max_bytes = 256 << 10;
        settings.spool.segment_bytes = 64 << 10;
    })
    .await;
    let org = app.org(Plan::Developer).await;
    app.break_store().await;
    let text = "x".repeat(10_000);
    let refused = until("the spool is full", || async {
        let spans: Vec<Value> =
            (0..4).map(|n| span(&format!("{:016x}", 1 + n), "", "x", &json!({"text": text}))).collect();
        let response = send(&org, "/v1/traces", JSON, request(&spans).to_string().into(), true).await;
        (response.status() != 200).then_some(response)
    })
    .await;
    assert_eq!(refused.status(), 503);
    assert!(refused.headers().contains_key("retry-after"));
}

/// Runs `tests/clients/otel_sdk.py` against the organisation's server; what it says it sent.
async fn run(org: &Org<'_>, what: &str) -> Value {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let python = root.join("target/venv/bin/python");
    assert!(python.exists(), "{} is missing; run: make test", python.display());
    let mut command = Command::new(python);
    command
        .arg(root.join("tests/clients/otel_sdk.py"))
        .arg(what)
        .env("TURNPIKE_BASE_URL", org.app.url("/v1"))
        .env("TURNPIKE_API_KEY", &org.key)
        .env("PYTHONDONTWRITEBYTECODE", "1");
    for name in ["OPENAI_API_KEY", "OPENAI_BASE_URL"] {
        command.env_remove(name);
    }
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{what}: {err}");
    assert!(err.is_empty(), "{what}: {err}");
    serde_json::from_str(&out).unwrap_or_else(|error| panic!("{what}: {error}: {out}"))
}

/// The log of the one model call that was sent, in full.
async fn the_call(org: &Org<'_>, trace: &str) -> (Value, Value) {
    let rows = until("the span of the call is there", || async {
        let mut rows = org.list(&format!("trace_id={trace}")).await;
        // The call itself is in the trace too, where the instrumentation tells the gateway of it.
        rows.retain(|row| row["source"] == "otlp");
        (rows.len() == 2).then_some(rows)
    })
    .await;
    let row = rows.iter().find(|row| row["request_type"] == "chatComplete").unwrap().clone();
    let other = rows.iter().find(|row| row["request_type"] == "span").unwrap();
    assert_eq!(row["parent_span_id"], other["span_id"], "{rows:?}");
    (org.log(row["id"].as_str().unwrap()).await, row)
}

#[tokio::test]
async fn the_opentelemetry_sdk_and_the_instrumentations_for_openai_are_understood() {
    let app = TestApp::start().await;
    for what in ["sdk", "openinference", "openllmetry"] {
        let org = app.org(Plan::Developer).await;
        let sent = run(&org, what).await;
        let (log, row) = the_call(&org, sent["trace_id"].as_str().unwrap()).await;
        assert_eq!((&row["source"], &row["model"]), (&json!("otlp"), &sent["model"]), "{what}: {row}");
        assert_eq!(row["prompt_tokens"], sent["usage"]["prompt_tokens"], "{what}: {row}");
        assert_eq!(row["completion_tokens"], sent["usage"]["completion_tokens"], "{what}: {row}");
        assert_eq!(
            (&row["tokens_estimated"], &row["response_status_code"]),
            (&json!(false), &json!(200)),
            "{what}"
        );
        let messages = log["request"]["body"]["messages"].as_array().unwrap();
        assert_eq!(messages.last().unwrap()["content"], sent["prompt"], "{what}: {log}");
        let choice = &log["response"]["body"]["choices"][0];
        assert_eq!(choice["message"]["content"], sent["answer"], "{what}: {log}");
        assert_eq!(choice["finish_reason"], "stop", "{what}: {log}");
    }
}
