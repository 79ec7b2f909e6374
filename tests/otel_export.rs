//! An organisation's logs are spans in the tool that it has: those that it wants, once acknowledged and at least once.

mod kills;
mod receivers;

use std::time::Duration;

use ::workers::{Job, Parts, Report};
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use plans::Plan;
use reqwest::{Method, Response};
use sea_orm::EntityTrait as _;
use serde_json::{Value, json};
use settings::Settings;

use crate::harness::{Caller, Collector, NEVER, Org, TestApp, Upstream, answer, attribute, chat, log_id};

const DESTINATIONS: &str = "/v1/otel/destinations";

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";

/// Stands in every message, and in nothing else.
const MARK: &str = "canary-9a2e";

/// A server whose spans go out when the test says so.
async fn start() -> TestApp {
    start_with(|_| {}).await
}

async fn start_with(change: impl FnOnce(&mut Settings)) -> TestApp {
    TestApp::with(|settings| {
        NEVER.clone_into(&mut settings.jobs.span_export_cron);
        change(settings);
    })
    .await
}

/// Sends what waits.
async fn deliver(app: &TestApp) -> Report {
    ::workers::run_now(Job::SpanExport, &Parts::over(&app.running)).await.unwrap()
}

async fn done(response: Response) -> Value {
    let status = response.status();
    let body: Value = response.json().await.unwrap();
    assert_eq!(status, 200, "{body}");
    body
}

/// A destination at a receiver, with `more` said of it; its id.
async fn destination(caller: &Caller<'_>, url: &str, more: Value) -> String {
    let mut body = json!({"name": "tool", "endpoint": url});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let made = done(caller.request(Method::POST, DESTINATIONS).json(&body).send().await.unwrap()).await;
    made["id"].as_str().unwrap().to_owned()
}

async fn state(caller: &Caller<'_>, id: &str) -> Value {
    done(caller.request(Method::GET, &format!("{DESTINATIONS}/{id}")).send().await.unwrap()).await
}

async fn change(caller: &Caller<'_>, id: &str, change: Value) -> Value {
    let path = format!("{DESTINATIONS}/{id}");
    done(caller.request(Method::PUT, &path).json(&change).send().await.unwrap()).await
}

/// A call that was answered and whose log is in; its id.
async fn call(org: &Org<'_>, headers: &[(&str, &str)]) -> String {
    let mut request = org.echo("/v1/chat/completions");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = request.json(&chat(MARK)).send().await.unwrap();
    let id = log_id(&response);
    response.bytes().await.unwrap();
    org.log(&id).await;
    id
}

fn hex(id: &[u8]) -> String {
    id.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

/// The logs that spans are of: a call has one SERVER span.
fn logs_of(spans: &[Span]) -> Vec<String> {
    let of_calls = spans.iter().filter(|span| span.kind == SpanKind::Server as i32);
    let mut ids: Vec<String> =
        of_calls.filter_map(|span| attribute(&span.attributes, "turnpike.log.id")).collect();
    ids.sort();
    ids
}

async fn a_call_is_spans_at_the_receiver(protocol: &str) {
    let app = start().await;
    let org = app.org(Plan::Developer).await;
    let collector = Collector::start(if protocol == "grpc" { "grpc" } else { "http/protobuf" });
    let resource = json!({"deployment.environment.name": "test"});
    let more = json!({"protocol": protocol, "resource": resource, "metrics": true});
    let id = destination(&org.admin(), &collector.url, more).await;
    let mut upstream = Upstream::start().await;
    let calling = org
        .ask(&upstream, "/v1/chat/completions")
        .header("traceparent", format!("00-{TRACE}-{PARENT}-01"))
        .json(&chat(MARK))
        .send();
    let answering = async { upstream.asked().await.json(200, &answer(MARK)).await };
    let (response, ()) = tokio::join!(calling, answering);
    let response = response.unwrap();
    let log = log_id(&response);
    response.bytes().await.unwrap();
    let log = (org.log(&log).await, log);
    let before = state(&org.admin(), &id).await;
    assert_eq!(before["delivery"]["waiting_logs"], 1, "{before}");

    assert_eq!(deliver(&app).await.count("sent"), Some(1));
    let spans = collector.spans();
    let of_kind = |kind: SpanKind| spans.iter().find(|span| span.kind == kind as i32).unwrap();
    let (server, client) = (of_kind(SpanKind::Server), of_kind(SpanKind::Client));
    assert_eq!((hex(&server.trace_id), hex(&server.parent_span_id)), (TRACE.to_owned(), PARENT.to_owned()));
    assert_eq!((&client.trace_id, &client.parent_span_id), (&server.trace_id, &server.span_id));
    let said = |span: &Span, name: &str| attribute(&span.attributes, name);
    assert_eq!(said(server, "turnpike.log.id"), Some(log.1));
    assert_eq!(said(client, "gen_ai.request.model").as_deref(), Some("gpt-4o-mini"));
    let usage = &answer(MARK)["usage"];
    assert_eq!(said(client, "gen_ai.usage.input_tokens"), Some(usage["prompt_tokens"].to_string()));
    assert_eq!(said(client, "gen_ai.usage.output_tokens"), Some(usage["completion_tokens"].to_string()));
    let resources = collector.senders();
    let environment = |of: &opentelemetry_proto::tonic::resource::v1::Resource| {
        attribute(&of.attributes, "deployment.environment.name")
    };
    assert!(!resources.is_empty() && resources.iter().all(|of| environment(of).as_deref() == Some("test")));
    let metrics: Vec<String> = collector.metrics().into_iter().map(|metric| metric.name).collect();
    for name in ["gen_ai.client.token.usage", "turnpike.quota.used", "turnpike.quota.limit"] {
        assert!(metrics.iter().any(|metric| metric == name), "{name}: {metrics:?}");
    }

    let after = state(&org.admin(), &id).await;
    let delivery = &after["delivery"];
    assert_eq!((&delivery["waiting_logs"], &delivery["sent_logs"]), (&json!(0), &json!(1)), "{after}");
    assert!(delivery["last_success_at"].is_string() && delivery["last_error"].is_null(), "{after}");
    assert!(deliver(&app).await.is_idle(), "nothing waits");
}

#[tokio::test]
async fn a_call_is_spans_at_a_receiver_that_speaks_http() {
    a_call_is_spans_at_the_receiver("http/protobuf").await;
}

#[tokio::test]
async fn a_call_is_spans_at_a_receiver_that_speaks_grpc() {
    a_call_is_spans_at_the_receiver("grpc").await;
}

#[tokio::test]
async fn content_goes_out_where_it_is_asked_for_and_never_under_do_not_track() {
    let app = start().await;
    let org = app.org(Plan::Developer).await;
    let (without, with) = (Collector::start("http/protobuf"), Collector::start("http/protobuf"));
    destination(&org.admin(), &without.url, json!({})).await;
    destination(&org.admin(), &with.url, json!({"content": true})).await;
    let has_mark = |collector: &Collector| {
        let bytes = collector.bytes();
        bytes.windows(MARK.len()).any(|piece| piece == MARK.as_bytes())
    };
    call(&org, &[("x-portkey-debug", "false")]).await;
    deliver(&app).await;
    assert_eq!((logs_of(&without.spans()).len(), logs_of(&with.spans()).len()), (1, 1));
    assert!(!has_mark(&without) && !has_mark(&with), "no content is kept, and none goes out");
    call(&org, &[]).await;
    deliver(&app).await;
    assert_eq!((logs_of(&without.spans()).len(), logs_of(&with.spans()).len()), (2, 2));
    assert!(!has_mark(&without) && has_mark(&with));
}

#[tokio::test]
async fn a_trace_is_sampled_whole_and_filters_choose_among_logs() {
    let app = start().await;
    let org = app.org(Plan::Developer).await;
    let (all, half, none, failed, tagged) = (
        Collector::start("http/protobuf"),
        Collector::start("http/protobuf"),
        Collector::start("http/protobuf"),
        Collector::start("http/protobuf"),
        Collector::start("http/protobuf"),
    );
    let admin = org.admin();
    destination(&admin, &all.url, json!({})).await;
    destination(&admin, &half.url, json!({"sampling": 0.5})).await;
    destination(&admin, &none.url, json!({"sampling": 0})).await;
    destination(&admin, &failed.url, json!({"filters": {"failed_only": true}})).await;
    let tags = json!({"filters": {"metadata": {"team": "search"}, "providers": ["echo"]}});
    destination(&admin, &tagged.url, tags).await;
    for trace in 0..12 {
        for _ in 0..2 {
            call(&org, &[("x-portkey-trace-id", &format!("trace-{trace}"))]).await;
        }
    }
    let refused = org.request(Method::POST, "/v1/chat/completions").json(&chat("x")).send().await.unwrap();
    assert!(refused.status().is_client_error());
    let refused = log_id(&refused);
    org.log(&refused).await;
    let of_team = call(&org, &[("x-portkey-metadata", r#"{"team": "search"}"#)]).await;
    deliver(&app).await;
    assert_eq!(logs_of(&all.spans()).len(), 26);
    assert_eq!(logs_of(&none.spans()), Vec::<String>::new());
    assert_eq!(logs_of(&failed.spans()), [refused]);
    assert_eq!(logs_of(&tagged.spans()), [of_team]);
    let mut calls_by_trace = std::collections::BTreeMap::<Vec<u8>, u32>::new();
    for span in half.spans().into_iter().filter(|span| span.kind == SpanKind::Server as i32) {
        if attribute(&span.attributes, "turnpike.trace_id").is_some_and(|id| id.starts_with("trace-")) {
            *calls_by_trace.entry(span.trace_id).or_default() += 1;
        }
    }
    assert!((1..12).contains(&calls_by_trace.len()), "{calls_by_trace:?}");
    assert!(calls_by_trace.values().all(|calls| *calls == 2), "{calls_by_trace:?}");
}

#[tokio::test]
async fn what_a_guardrail_found_is_an_event_of_the_calls_span_and_what_it_saw_is_not() {
    let app = start().await;
    let org = app.org(Plan::Developer).await;
    let collector = Collector::start("http/protobuf");
    destination(&org.admin(), &collector.url, json!({})).await;
    let guardrail = json!({"default.contains": {"words": [MARK], "operator": "none"}, "id": "no-mark"});
    let config = json!({"provider": "echo", "input_guardrails": [guardrail]}).to_string();
    call(&org, &[("x-portkey-config", &config)]).await;
    deliver(&app).await;
    let spans = collector.spans();
    let server = spans.iter().find(|span| span.kind == SpanKind::Server as i32).unwrap();
    let [event] = &server.events[..] else { panic!("{:?}", server.events) };
    let said = |name: &str| attribute(&event.attributes, name);
    assert_eq!(event.name, "turnpike.guardrail");
    assert_eq!(said("turnpike.guardrail.id").as_deref(), Some("no-mark"));
    assert_eq!(said("turnpike.guardrail.phase").as_deref(), Some("input"));
    assert!(said("turnpike.guardrail.verdict").unwrap().contains("false"));
    assert!(!format!("{spans:?}").contains(MARK), "{spans:?}");
}

#[tokio::test]
async fn a_workspaces_destination_gets_its_logs_and_is_its_own() {
    let app = start().await;
    let org = app.org(Plan::Developer).await;
    let (_, other) = org.neighbour().await;
    let (mine, others) = (Collector::start("http/protobuf"), Collector::start("http/protobuf"));
    let admin = org.admin();
    let of_other = destination(&admin, &others.url, json!({"workspace_id": other})).await;
    let of_all = destination(&admin, "https://otlp.example.com", json!({"status": "paused"})).await;
    let scopes = json!(["workspaces.read", "workspaces.update"]);
    let key = json!({"name": "manager", "scopes": scopes, "workspace_id": org.workspace});
    let path = "/v1/api-keys/workspace/service";
    let key = done(admin.request(Method::POST, path).json(&key).send().await.unwrap()).await;
    let manager = org.with_key(key["key"].as_str().unwrap());
    let of_mine = destination(&manager, &mine.url, json!({})).await;

    let log = call(&org, &[]).await;
    deliver(&app).await;
    assert_eq!((logs_of(&mine.spans()), logs_of(&others.spans())), (vec![log], Vec::new()));
    let seen = done(manager.request(Method::GET, DESTINATIONS).send().await.unwrap()).await;
    let seen: Vec<&str> =
        seen["data"].as_array().unwrap().iter().filter_map(|it| it["id"].as_str()).collect();
    assert_eq!(seen, [of_mine]);
    for id in [&of_other, &of_all] {
        for (method, path) in [
            (Method::GET, format!("{DESTINATIONS}/{id}")),
            (Method::PUT, format!("{DESTINATIONS}/{id}")),
            (Method::DELETE, format!("{DESTINATIONS}/{id}")),
            (Method::POST, format!("{DESTINATIONS}/{id}/test")),
        ] {
            let answer = manager.request(method, &path).json(&json!({})).send().await.unwrap();
            assert_eq!(answer.status(), 404, "{path}");
        }
    }
    let elsewhere = json!({"name": "x", "endpoint": mine.url, "workspace_id": other});
    let answer = manager.request(Method::POST, DESTINATIONS).json(&elsewhere).send().await.unwrap();
    assert_eq!(answer.status(), 404);
}

#[tokio::test]
async fn what_is_kept_in_headers_is_sent_and_never_shown_and_changes_are_written_down() {
    const SECRET: &str = "Basic dXNlcjpnbGNfc2VjcmV0";
    let app = start().await;
    let org = app.org(Plan::Developer).await;
    let mut receiver = Upstream::start().await;
    let url = format!("http://{}/otlp", receiver.addr);
    let id = destination(&org.admin(), &url, json!({"headers": {"authorization": SECRET}})).await;
    let changed = change(&org.admin(), &id, json!({"name": "other", "sampling": 1})).await;
    assert_eq!((&changed["name"], &changed["protocol"]), (&json!("other"), &json!("http/protobuf")));
    assert_eq!(changed["headers"].as_object().unwrap().len(), 1);
    assert!(!changed.to_string().contains(SECRET));
    call(&org, &[]).await;
    let answering = async {
        let exchange = receiver.asked().await;
        let asked = (exchange.head.clone(), exchange.header("authorization").map(str::to_owned));
        exchange.bodiless(200, &[("content-length", "0")]).await;
        asked
    };
    let (report, (head, authorization)) = tokio::join!(deliver(&app), answering);
    assert_eq!((report.count("sent"), authorization.as_deref()), (Some(1), Some(SECRET)));
    assert!(head.starts_with("POST /otlp/v1/traces "), "{head}");
    let deleted = org.admin().request(Method::DELETE, &format!("{DESTINATIONS}/{id}"));
    done(deleted.send().await.unwrap()).await;
    call(&org, &[]).await;
    assert!(deliver(&app).await.is_idle());
    let entries = entity::audit_entry::Entity::find().all(&app.running.db).await.unwrap();
    let noted: Vec<_> =
        entries.iter().filter(|entry| entry.action.starts_with("otel_destination.")).collect();
    let actions: Vec<&str> = noted.iter().map(|entry| entry.action.as_str()).collect();
    assert_eq!(actions.len(), 3, "{actions:?}");
    assert!(noted.iter().all(|entry| !entry.change.to_string().contains(SECRET)));
}

#[tokio::test]
async fn what_waits_is_bounded_by_age_and_number_and_what_retention_deleted_is_counted() {
    let app = start_with(|settings| settings.jobs.span_export_max_logs = 2).await;
    let org = app.org(Plan::Developer).await;
    let admin = org.admin();
    let collector = Collector::start("http/protobuf");
    let id = destination(&admin, &collector.url, json!({})).await;
    change(&admin, &id, json!({"status": "active"})).await;
    for _ in 0..5 {
        call(&org, &[]).await;
    }
    assert_eq!(state(&admin, &id).await["delivery"]["waiting_logs"], 5);
    assert_eq!(deliver(&app).await.count("dropped"), Some(3));
    let now = state(&admin, &id).await;
    assert_eq!((&now["delivery"]["dropped_logs"], &now["delivery"]["sent_logs"]), (&json!(3), &json!(2)));

    call(&org, &[]).await;
    app.clock.advance(Duration::from_hours(25));
    assert!(state(&admin, &id).await["delivery"]["lag_seconds"].as_i64() >= Some(25 * 3600));
    let report = deliver(&app).await;
    assert_eq!((report.count("dropped"), report.count("sent")), (Some(1), Some(0)));

    let log = call(&org, &[]).await;
    app.execute(&format!("DELETE FROM log WHERE {}", app.is("id", log.parse().unwrap()))).await;
    let report = deliver(&app).await;
    assert_eq!((report.count("dropped"), report.count("sent")), (Some(1), Some(0)));
    let now = state(&admin, &id).await;
    let delivery = &now["delivery"];
    assert_eq!((&delivery["dropped_logs"], &delivery["waiting_logs"]), (&json!(5), &json!(0)), "{now}");
    assert_eq!(logs_of(&collector.spans()).len(), 2);
}

#[tokio::test]
async fn feedback_is_a_later_span_under_the_call_that_it_is_about() {
    let app = start().await;
    let org = app.org(Plan::Developer).await;
    let collector = Collector::start("http/protobuf");
    let plain = destination(&org.admin(), &collector.url, json!({})).await;
    let failed = json!({"filters": {"failed_only": true}});
    let other = Collector::start("http/protobuf");
    let filtered = destination(&org.admin(), &other.url, failed).await;
    call(&org, &[("x-portkey-trace-id", "a conversation")]).await;
    deliver(&app).await;
    let give = async |method, path: &str, body: Value| {
        let answer = done(org.request(method, path).json(&body).send().await.unwrap()).await;
        answer["feedback_ids"][0].as_str().unwrap().to_owned()
    };
    let text = json!({"text": MARK});
    let given = json!({"trace_id": "a conversation", "value": -5, "weight": 0.5, "metadata": text});
    let id = give(Method::POST, "/v1/feedback", given).await;
    assert_eq!(deliver(&app).await.count("sent"), Some(2));
    app.clock.advance(Duration::from_secs(1));
    give(Method::PUT, &format!("/v1/feedback/{id}"), json!({"value": 10})).await;
    assert_eq!(deliver(&app).await.count("sent"), Some(2));

    let spans = collector.spans();
    let server = spans.iter().find(|span| span.kind == SpanKind::Server as i32).unwrap();
    let given: Vec<&Span> = spans.iter().filter(|span| span.name == "feedback").collect();
    assert_eq!(given.len(), 2);
    for (span, score) in given.iter().zip(["-2.5", "5.0"]) {
        assert_eq!((&span.trace_id, &span.parent_span_id), (&server.trace_id, &server.span_id));
        assert_eq!(span.links[0].span_id, server.span_id);
        assert_eq!(attribute(&span.attributes, "turnpike.feedback.id").as_ref(), Some(&id));
        let event = &span.events[0];
        assert_eq!(event.name, "gen_ai.evaluation.result");
        let said = attribute(&event.attributes, "gen_ai.evaluation.score.value").unwrap();
        assert!(said.contains(&format!("({score})")), "{said}");
        assert!(!format!("{span:?}").contains(MARK), "it is content");
    }
    assert_ne!(given[0].span_id, given[1].span_id);
    assert_eq!(other.spans().len(), 0, "its calls are not sent there");
    for id in [&plain, &filtered] {
        assert_eq!(state(&org.admin(), id).await["delivery"]["waiting_logs"], 0);
    }

    change(&org.admin(), &plain, json!({"content": true})).await;
    give(Method::PUT, &format!("/v1/feedback/{id}"), json!({"value": 9})).await;
    deliver(&app).await;
    let last = collector.spans().pop().unwrap();
    assert_eq!(attribute(&last.events[0].attributes, "gen_ai.evaluation.explanation").as_deref(), Some(MARK));
}
