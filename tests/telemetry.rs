//! What the server says of itself: its numbers at `/metrics`, and spans, numbers and lines by OTLP.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use plans::Plan;
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::{
    Collector, DONE, LINES, Process, TestApp, Upstream, answer, attribute, chat, until, with,
};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";

/// Stands in every part of a call's content, and in its secrets.
const MARK: &str = "canary-5d1c";

fn sign_up(dir: &Path) -> String {
    let args =
        ["org", "create", "--name", "Acme", "--plan", "developer", "--owner-email", "owner@example.com"];
    Process::cli(dir, &args)["api_key"].as_str().unwrap().to_owned()
}

/// A server that tells the collector soon.
fn telling(dir: &Path, url: &str, protocol: &str, env: &[(&str, &str)]) -> Process {
    let soon = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", url),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol),
        ("OTEL_BSP_SCHEDULE_DELAY", "20"),
        ("OTEL_BLRP_SCHEDULE_DELAY", "20"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "100"),
        ("TURNPIKE_SHIPPER__LINGER_MS", "1"),
    ];
    Process::serve(dir, &[&soon[..], env].concat())
}

/// An id as headers have it.
fn hex(id: &[u8]) -> String {
    let width = 2 * id.len();
    let id = id.iter().fold(0_u128, |id, byte| (id << 8) | u128::from(*byte));
    format!("{id:0width$x}")
}

/// The span of this name, once it has come.
async fn span(collector: &Collector, name: &str) -> Span {
    until(&format!("the span {name:?} has come"), || async {
        collector.spans().into_iter().find(|span| span.name == name)
    })
    .await
}

/// A question with marks wherever there is content.
fn question(server: &Process, key: &str, upstream: &Upstream, body: &Value) -> RequestBuilder {
    let url = format!("http://{}/v1/chat/completions?note={MARK}", server.addr);
    reqwest::Client::new()
        .post(url)
        .header("traceparent", format!("00-{TRACE}-{PARENT}-01"))
        .header("x-portkey-api-key", key)
        .header("x-portkey-provider", "openai")
        .header("x-portkey-custom-host", upstream.url())
        .header("x-portkey-forward-headers", "traceparent")
        .header("authorization", format!("Bearer sk-{MARK}"))
        .json(body)
}

/// A call that is answered; the `traceparent` that upstream got.
async fn call(server: &Process, key: &str, upstream: &mut Upstream) -> String {
    let calling = tokio::spawn(question(server, key, upstream, &chat(MARK)).send());
    let exchange = upstream.asked().await;
    let traceparent = exchange.header("traceparent").unwrap().to_owned();
    exchange.json(200, &answer(MARK)).await;
    let answered = calling.await.unwrap().unwrap();
    assert_eq!(answered.status(), 200);
    assert!(answered.text().await.unwrap().contains(MARK));
    traceparent
}

async fn spans_are_one_trace(protocol: &str) {
    let dir = TempDir::new().unwrap();
    let key = sign_up(dir.path());
    let collector = Collector::start(protocol);
    let mut upstream = Upstream::start().await;
    let server = telling(dir.path(), &collector.url, protocol, &[("RUST_LOG", "debug")]);
    let traceparent = call(&server, &key, &mut upstream).await;
    let list = reqwest::Client::new().get(format!("http://{}/v1/logs", server.addr));
    let list = list.header("traceparent", format!("00-{TRACE}-{PARENT}-01"));
    assert_eq!(list.header("x-portkey-api-key", &key).send().await.unwrap().status(), 200);

    let of_call = span(&collector, "POST /v1/chat/completions").await;
    let of_list = span(&collector, "GET /v1/logs").await;
    for span in [&of_call, &of_list] {
        assert_eq!((hex(&span.trace_id), hex(&span.parent_span_id)), (TRACE.to_owned(), PARENT.to_owned()));
        assert_eq!(span.kind, SpanKind::Server as i32);
    }
    let asking = span(&collector, "chat gpt-4o-mini").await;
    assert_eq!((&asking.trace_id, &asking.parent_span_id), (&of_call.trace_id, &of_call.span_id));
    assert_eq!(asking.kind, SpanKind::Client as i32);
    assert_eq!(traceparent, format!("00-{TRACE}-{}-01", hex(&asking.span_id)));

    let addr = server.addr;
    for (span, name, value) in [
        (&of_call, "http.request.method", "POST"),
        (&of_call, "http.route", "/v1/chat/completions"),
        (&of_call, "url.path", "/v1/chat/completions"),
        (&of_call, "http.response.status_code", "200"),
        (&of_call, "server.address", "127.0.0.1"),
        (&of_call, "server.port", &addr.port().to_string()),
        (&of_list, "http.route", "/v1/logs"),
        (&asking, "gen_ai.operation.name", "chat"),
        (&asking, "gen_ai.provider.name", "openai"),
        (&asking, "gen_ai.request.model", "gpt-4o-mini"),
        (&asking, "server.port", &upstream.addr.port().to_string()),
    ] {
        assert_eq!(attribute(&span.attributes, name).as_deref(), Some(value), "{name}");
    }
    for name in ["turnpike.log_id", "turnpike.organisation_id", "turnpike.workspace_id"] {
        assert!(attribute(&of_call.attributes, name).is_some_and(|id| id.len() == 36), "{name}");
    }
    let shipped = span(&collector, "ship").await;
    assert_eq!(attribute(&shipped.attributes, "records").as_deref(), Some("1"));
    assert_eq!(attribute(&shipped.attributes, "outcome").as_deref(), Some("in"));
    until("the call is counted", || async {
        collector.metrics().iter().find(|metric| metric.name == "turnpike.calls").map(|_| ())
    })
    .await;
    assert!(server.terminate().success());
    for resource in collector.senders() {
        let attributes = &resource.attributes;
        assert_eq!(attribute(attributes, "service.name").as_deref(), Some("turnpike"));
        assert!(attribute(attributes, "service.instance.id").is_some_and(|id| id.len() == 36));
        assert!(attribute(attributes, "service.version").is_some());
    }
    assert!(!collector.lines().is_empty());
    let all = String::from_utf8_lossy(&collector.bytes()).into_owned();
    assert!(!all.contains(MARK) && !all.contains(&key), "content or a secret was exported");
    assert!(all.contains("gpt-4o-mini"), "the search would find nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_and_what_reads_it_are_in_their_callers_trace_by_grpc() {
    spans_are_one_trace("grpc").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_and_what_reads_it_are_in_their_callers_trace_by_http() {
    spans_are_one_trace("http/protobuf").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_is_said_in_a_call_is_exported_with_the_calls_span() {
    let dir = TempDir::new().unwrap();
    let key = sign_up(dir.path());
    let collector = Collector::start("http/protobuf");
    let mut upstream = Upstream::start().await;
    let full = [
        ("TURNPIKE_SPOOL__MAX_BYTES", "100"),
        ("TURNPIKE_SPOOL__SEGMENT_BYTES", "100"),
        ("OTEL_SERVICE_NAME", "front-door"),
        ("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test"),
    ];
    let server = telling(dir.path(), &collector.url, "http/protobuf", &full);
    call(&server, &key, &mut upstream).await;
    // An answer that is passed on as it comes ends elsewhere than one that is read first.
    let body = with(chat(MARK), json!({"stream": true}));
    let calling = tokio::spawn(question(&server, &key, &upstream, &body).send());
    let mut exchange = upstream.asked().await;
    exchange.event_stream().await;
    exchange.send(DONE).await;
    exchange.end().await;
    assert!(calling.await.unwrap().unwrap().text().await.unwrap().contains(DONE.trim_end()));
    let of_calls = async || {
        let of_calls = collector.spans().into_iter().filter(|span| span.name == "POST /v1/chat/completions");
        let of_calls: BTreeSet<_> = of_calls.map(|span| (span.trace_id, span.span_id)).collect();
        (of_calls.len() == 2).then_some(of_calls)
    };
    let of_calls = until("both spans have come", of_calls).await;
    let lines = async || {
        let is_it = |line: &LogRecord| format!("{:?}", line.body).contains("the spool is full");
        let lines: Vec<_> = collector.lines().into_iter().filter(is_it).collect();
        (lines.len() == 2).then_some(lines)
    };
    let lines = until("both lines have come", lines).await;
    assert!(lines.iter().all(|line| line.severity_text == "WARN"));
    let said_in: BTreeSet<_> = lines.into_iter().map(|line| (line.trace_id, line.span_id)).collect();
    assert_eq!(said_in, of_calls);
    let sender = &collector.senders()[0].attributes;
    assert_eq!(attribute(sender, "service.name").as_deref(), Some("front-door"));
    assert_eq!(attribute(sender, "deployment.environment.name").as_deref(), Some("test"));
    assert!(server.terminate().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_numbers_of_a_call_lead_to_its_trace() {
    let dir = TempDir::new().unwrap();
    let key = sign_up(dir.path());
    let collector = Collector::start("http/protobuf");
    let mut upstream = Upstream::start().await;
    let server = telling(dir.path(), &collector.url, "http/protobuf", &[]);
    call(&server, &key, &mut upstream).await;
    let of_call = span(&collector, "POST /v1/chat/completions").await;
    let numbers = reqwest::Client::new().get(format!("http://{}/metrics", server.addr));
    let accept = "application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.3";
    let response = numbers.header("accept", accept).send().await.unwrap();
    assert_eq!(
        response.headers()["content-type"],
        "application/openmetrics-text; version=1.0.0; charset=utf-8"
    );
    let text = response.text().await.unwrap();
    let place = format!(" # {{trace_id=\"{TRACE}\",span_id=\"{}\"}} ", hex(&of_call.span_id));
    for name in ["http_server_request_duration_seconds", "turnpike_call_time_to_first_byte_seconds"] {
        let lines = text.lines().filter(|line| line.starts_with(&format!("{name}_bucket")));
        assert_eq!(lines.filter(|line| line.contains(&place)).count(), 1, "{name}: {text}");
    }
    assert!(text.contains("# TYPE turnpike_calls counter\n") && text.ends_with("\n# EOF\n"), "{text}");
    assert!(server.terminate().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_is_away_or_never_answers_is_noted_once_and_disturbs_nobody() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let away = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let [silent_url, away_url] = [&silent, &away].map(|at| format!("http://{}", at.local_addr().unwrap()));
    drop(away);
    for (url, protocol, noted) in
        [(&away_url, "grpc", true), (&away_url, "http/protobuf", true), (&silent_url, "http/protobuf", false)]
    {
        let dir = TempDir::new().unwrap();
        let key = sign_up(dir.path());
        let server = telling(dir.path(), url, protocol, &[]);
        let mut upstream = Upstream::start().await;
        for _ in 0..3 {
            call(&server, &key, &mut upstream).await;
        }
        let lines = || std::fs::read_to_string(dir.path().join(LINES)).unwrap();
        if noted {
            until("all three signals have failed", || async {
                (lines().matches("cannot be exported").count() >= 3).then_some(())
            })
            .await;
        }
        assert!(server.terminate().success());
        let said = lines();
        assert!(said.matches("cannot be exported").count() <= 3, "{protocol}: {said}");
        assert!(!said.contains("opentelemetry"), "{protocol}: {said}");
    }
    drop(silent);
}

#[test]
fn a_variable_that_cannot_be_used_stops_the_start_and_is_named() {
    let dir = TempDir::new().unwrap();
    for (name, value) in [
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "not a url"),
        ("OTEL_TRACES_SAMPLER", "now and then"),
    ] {
        let output = Process::run(dir.path(), &[(name, value)], &["serve"]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(name), "{said}");
    }
}

/// The value of the one series of `name` with all of these labels.
fn value(text: &str, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
    let mut found = text.lines().filter(|line| {
        let series = line.split([' ', '{']).next();
        series == Some(name) && labels.iter().all(|(label, of)| line.contains(&format!("{label}=\"{of}\"")))
    });
    let line = found.next()?;
    assert_eq!(found.next(), None, "{name} is not one series");
    line.rsplit(' ').next()?.parse().ok()
}

async fn numbers(app: &TestApp) -> String {
    let response = app.http.get(app.url("/metrics")).send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    response.text().await.unwrap()
}

/// The numbers, once one of them is `expected`.
async fn numbers_when(app: &TestApp, name: &str, labels: &[(&str, &str)], expected: f64) -> String {
    until(&format!("{name} is {expected}"), || async {
        let text = numbers(app).await;
        value(&text, name, labels).is_some_and(|value| value.to_bits() == expected.to_bits()).then_some(text)
    })
    .await
}

#[tokio::test]
async fn every_call_is_counted_once() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    for _ in 0..3 {
        let response = org.echo("/v1/chat/completions").json(&chat("hi")).send().await.unwrap();
        assert_eq!(response.status(), 200);
        response.bytes().await.unwrap();
    }
    let refused = org.echo("/v1/chat/completions").body("no json").send().await.unwrap();
    assert_eq!(refused.status(), 400);
    let unknown = org.with_key("tpk_nobody").request(Method::POST, "/v1/embeddings").send().await.unwrap();
    assert_eq!(unknown.status(), 401);
    org.rows("limit=100", 4).await;

    let mut upstream = Upstream::start().await;
    let calling = tokio::spawn(org.ask(&upstream, "/v1/chat/completions").json(&chat("hi")).send());
    let exchange = upstream.asked().await;
    assert_eq!(value(&numbers(&app).await, "turnpike_calls_in_flight", &[]), Some(1.0));
    exchange.json(200, &answer("hello")).await;
    calling.await.unwrap().unwrap().bytes().await.unwrap();

    let recorded = [("outcome", "recorded")];
    let text = numbers_when(&app, "turnpike_logs_total", &recorded, 5.0).await;
    let chat_route = ("http_route", "/v1/chat/completions");
    for (name, labels, expected) in [
        (
            "turnpike_calls_total",
            &[chat_route, ("gen_ai_provider_name", "echo"), ("turnpike_status_class", "2xx")][..],
            3.0,
        ),
        ("turnpike_calls_total", &[chat_route, ("gen_ai_provider_name", "openai")], 1.0),
        ("turnpike_calls_total", &[("http_route", "/v1/embeddings"), ("turnpike_status_class", "4xx")], 1.0),
        ("turnpike_calls_in_flight", &[], 0.0),
        (
            "http_server_request_duration_seconds_count",
            &[chat_route, ("http_response_status_code", "200")],
            4.0,
        ),
        (
            "http_server_request_duration_seconds_count",
            &[chat_route, ("http_response_status_code", "400")],
            1.0,
        ),
        ("turnpike_call_time_to_first_byte_seconds_count", &[("gen_ai_provider_name", "openai")], 1.0),
        ("turnpike_shipper_records_total", &[], 5.0),
        (
            "turnpike_shipper_batch_duration_seconds_count",
            &[],
            value(&text, "turnpike_shipper_batches_total", &[]).unwrap(),
        ),
        ("turnpike_spool_level", &[], 0.0),
        ("turnpike_logs_unrecorded_total", &[], 0.0),
    ] {
        assert_eq!(value(&text, name, labels), Some(expected), "{name} {labels:?}\n{text}");
    }
    assert!(value(&text, "turnpike_key_cache_lookups_total", &[("result", "hit")]) > Some(3.0), "{text}");
    assert!(value(&text, "turnpike_key_cache_lookups_total", &[("result", "miss")]) >= Some(2.0), "{text}");
    assert!(value(&text, "turnpike_shipper_shipped_bytes_total", &[]) > Some(500.0), "{text}");
    assert!(value(&text, "process_start_time_seconds", &[]) > Some(1.7e9), "{text}");
    assert!(
        value(&text, "db_client_connection_count", &[("db_client_connection_state", "idle")]).is_some(),
        "{text}"
    );
    let listed = [("http_route", "/v1/logs"), ("http_request_method", "GET")];
    assert!(value(&text, "http_server_request_duration_seconds_count", &listed) >= Some(1.0), "{text}");
    for hidden in [org.id.to_string().as_str(), "gpt-4o-mini", &org.key] {
        assert!(!text.contains(hidden), "{hidden} is told: {text}");
    }
    numbers_when(&app, "turnpike_spool_records", &[], 0.0).await;
}

#[tokio::test]
async fn what_waits_and_what_was_lost_is_told() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    app.break_store().await;
    org.echo("/v1/chat/completions").json(&chat("hi")).send().await.unwrap().bytes().await.unwrap();
    let text = numbers_when(&app, "turnpike_spool_records", &[], 1.0).await;
    assert!(value(&text, "turnpike_spool_size_bytes", &[]) > Some(300.0), "{text}");
    until("its age is told, and that the store fails", || async {
        let text = numbers(&app).await;
        let waits = value(&text, "turnpike_spool_oldest_age_seconds", &[])? >= 1.0;
        (waits && value(&text, "turnpike_shipper_failures_total", &[])? >= 1.0).then_some(())
    })
    .await;
    app.mend_store().await;
    let text = numbers_when(&app, "turnpike_spool_records", &[], 0.0).await;
    assert_eq!(value(&text, "turnpike_spool_oldest_age_seconds", &[]), Some(0.0), "{text}");

    let full = TestApp::with(|settings| settings.spool.max_bytes = 100).await;
    let org = full.org(Plan::Developer).await;
    org.echo("/v1/chat/completions").json(&chat("hi")).send().await.unwrap().bytes().await.unwrap();
    numbers_when(&full, "turnpike_logs_unrecorded_total", &[], 1.0).await;
}

#[tokio::test]
async fn runs_of_jobs_are_counted() {
    let app = TestApp::start().await;
    let ran = [("job", "retention"), ("outcome", "done")];
    until("a job has run", || async {
        app.clock.advance(Duration::from_mins(1));
        value(&numbers(&app).await, "turnpike_job_runs_total", &ran).map(|_| ())
    })
    .await;
}

#[tokio::test]
async fn the_numbers_are_for_who_operates_the_server() {
    const TOKEN: &str = "of-the-operator-0123456789";
    let ask = async |app: &TestApp, headers: &[(&str, &str)]| {
        let request = headers
            .iter()
            .fold(app.http.get(app.url("/metrics")), |request, (name, value)| request.header(*name, *value));
        request.send().await.unwrap().status()
    };
    let proxied = ("x-forwarded-for", "203.0.113.7");
    let app = TestApp::start().await;
    assert_eq!(ask(&app, &[]).await, StatusCode::OK);
    assert_eq!(ask(&app, &[proxied]).await, StatusCode::NOT_FOUND);
    let app = TestApp::with(|settings| settings.operator_token = Some(TOKEN.into())).await;
    let right = format!("Bearer {TOKEN}");
    assert_eq!(ask(&app, &[]).await, StatusCode::OK);
    assert_eq!(ask(&app, &[proxied]).await, StatusCode::UNAUTHORIZED);
    assert_eq!(
        ask(&app, &[proxied, ("authorization", "Bearer of-somebody-else")]).await,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(ask(&app, &[proxied, ("authorization", &right)]).await, StatusCode::OK);
}

#[tokio::test]
async fn without_an_export_the_callers_place_in_a_trace_is_passed_on_as_it_is() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let mut upstream = Upstream::start().await;
    let traceparent = format!("00-{TRACE}-{PARENT}-01");
    let request = org.ask(&upstream, "/v1/chat/completions").json(&chat("hi"));
    let request =
        request.header("traceparent", &traceparent).header("x-portkey-forward-headers", "traceparent");
    let calling = tokio::spawn(request.send());
    let exchange = upstream.asked().await;
    assert_eq!(exchange.header("traceparent"), Some(traceparent.as_str()));
    exchange.json(200, &Value::Null).await;
    calling.await.unwrap().unwrap();
}
