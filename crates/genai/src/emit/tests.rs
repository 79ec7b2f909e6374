#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;

use bytes::Bytes;
use logstore::Content;
use opentelemetry_proto::tonic::trace::v1::Span;
use proptest::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

use super::*;

/// A chat through the gateway, streamed and answered.
pub(super) fn log() -> log::Model {
    log::Model {
        id: Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0001),
        organisation_id: Uuid::from_u128(1),
        workspace_id: Uuid::from_u128(2),
        api_key_id: Some(Uuid::from_u128(3)),
        created_at: 1_764_000_000_123,
        retention_class: 30,
        source: "gateway".to_owned(),
        endpoint: "chatComplete".to_owned(),
        method: "POST".to_owned(),
        url: "https://api.mistral.ai/v1/chat/completions".to_owned(),
        provider: "mistral-ai".to_owned(),
        model: Some("mistral-small-2506".to_owned()),
        requested_model: Some("mistral-small".to_owned()),
        virtual_key: Some("vk-prod".to_owned()),
        trace_id: "4bf92f3577b34da6a3ce929d0e0e4736".to_owned(),
        span_id: None,
        span_name: None,
        parent_span_id: Some("00f067aa0ba902b7".to_owned()),
        metadata: Some(json!({ "_user": "u1" })),
        status_code: 200,
        outcome: "answered".to_owned(),
        streamed: true,
        input_tokens: Some(20),
        output_tokens: Some(7),
        cached_input_tokens: Some(16),
        cache_write_tokens: Some(0),
        reasoning_tokens: None,
        usage_detail: None,
        tokens_estimated: false,
        cost_pusd: Some(4_100_000),
        prices_version: Some("2026-11-05".to_owned()),
        latency_us: 1_500_000,
        first_byte_us: Some(250_000),
        cache_status: "DISABLED".to_owned(),
        retry_count: 0,
        mode: "single".to_owned(),
        option_path: "config".to_owned(),
        config_id: None,
        config_version_id: None,
        attempts: None,
        hook_results: None,
        payload: "whole".to_owned(),
        external_id: None,
        replay_of: None,
        prompt_id: None,
        prompt_version_id: None,
        prompt_slug: None,
    }
}

pub(super) fn exchange(request: &Value, response: &str) -> Exchange {
    let content = |body: String| Content { body: Bytes::from(body), ..Content::default() };
    Exchange { request: content(request.to_string()), response: content(response.to_owned()) }
}

/// A request whose every field that is told has a value.
fn request() -> Value {
    json!({
        "model": "mistral-small", "temperature": 0.5, "top_p": 0.9, "top_k": 40, "frequency_penalty": 0.1,
        "presence_penalty": -0.1, "max_tokens": 64, "stop": ["END", "STOP"], "seed": 7, "n": 2, "stream": true,
        "response_format": { "type": "json_object" }, "service_tier": "flex",
        "messages": [{ "role": "system", "content": "Be brief." }, { "role": "user", "content": "Hello" }],
        "tools": [{ "type": "function", "function": { "name": "weather", "parameters": { "type": "object" } } }],
    })
}

const STREAM: &str = concat!(
    "data: {\"id\":\"c-1\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"Hel\"}}]}\n\n",
    "data: {\"id\":\"c-1\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"lo\"}}]}\n\n",
    "data: {\"id\":\"c-1\",\"choices\":[{\"index\":1,\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"t1\",",
    "\"function\":{\"name\":\"weather\",\"arguments\":\"{\\\"city\\\":\"}}]}}]}\n\n",
    "data: {\"id\":\"c-1\",\"choices\":[{\"index\":1,\"delta\":{\"tool_calls\":[{\"index\":0,",
    "\"function\":{\"arguments\":\"\\\"Bern\\\"}\"}}]}}]}\n\n",
    "data: {\"id\":\"c-1\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"},",
    "{\"index\":1,\"delta\":{},\"finish_reason\":\"tool_calls\"}],\"system_fingerprint\":\"fp\"}\n\n",
    "data: [DONE]\n\n",
);

fn spans(log: &log::Model, content: Option<&Exchange>, options: &Options) -> Vec<Span> {
    let mut request = traces(&[Call { log, content }], options);
    request.resource_spans.remove(0).scope_spans.remove(0).spans
}

fn wanted() -> Options {
    Options { content: true, ..Options::default() }
}

/// An attribute as its JSON in OTLP.
fn attribute(span: &Span, name: &str) -> Option<Value> {
    let found = span.attributes.iter().find(|attribute| attribute.key == name)?;
    let value = serde_json::to_value(found.value.as_ref()?).unwrap();
    Some(value.as_object().unwrap().values().next().unwrap().clone())
}

/// An attribute that is JSON.
fn json_attribute(span: &Span, name: &str) -> Option<Value> {
    Some(serde_json::from_str(attribute(span, name)?.as_str()?).unwrap())
}

#[test]
fn a_streamed_chat_with_content() {
    let exchange = exchange(&request(), STREAM);
    let mut options = wanted();
    options.resource.insert("deployment.environment.name".to_owned(), "prod".to_owned());
    let log = log();
    let request = traces(&[Call { log: &log, content: Some(&exchange) }], &options);
    let mut written = serde_json::to_value(request).unwrap();
    // Attributes as pairs are easier to read.
    flatten(&mut written);
    insta::assert_json_snapshot!(written);
}

/// Makes `[{key, value: {kind: value}}]` an object, and hides our version, which changes.
fn flatten(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields.iter_mut() {
                if name == "attributes" {
                    let pairs = field.as_array().unwrap().iter().map(|pair| {
                        let value = pair["value"].as_object().unwrap().values().next().unwrap().clone();
                        (pair["key"].as_str().unwrap().to_owned(), value)
                    });
                    *field = Value::Object(pairs.collect());
                    if field.get(names::SERVICE_VERSION).is_some() {
                        field[names::SERVICE_VERSION] = "[version]".into();
                    }
                } else if name == "version" {
                    *field = "[version]".into();
                } else {
                    flatten(field);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(flatten),
        _ => {}
    }
}

#[test]
fn without_content_parameters_are_told_and_nothing_that_was_said() {
    let exchange = exchange(&request(), STREAM);
    let spans = spans(&log(), Some(&exchange), &Options::default());
    let client = &spans[1];
    assert_eq!(attribute(client, names::REQUEST_TEMPERATURE), Some(json!(0.5)));
    assert_eq!(attribute(client, names::REQUEST_MAX_TOKENS), Some(json!("64")));
    assert_eq!(attribute(client, names::RESPONSE_ID), Some(json!("c-1")));
    let all = serde_json::to_string(&spans).unwrap();
    for said in ["Be brief", "Hello", "weather", "Bern", "messages", "tool.definitions"] {
        assert!(!all.contains(said), "{said} in {all}");
    }
}

#[test]
fn under_do_not_track_content_goes_nowhere_even_if_it_is_there() {
    let exchange = exchange(&request(), STREAM);
    let withheld = log::Model { payload: "withheld".to_owned(), ..log() };
    let all = serde_json::to_string(&spans(&withheld, Some(&exchange), &wanted())).unwrap();
    for said in ["Be brief", "Hello", "temperature", "weather", "c-1"] {
        assert!(!all.contains(said), "{said}");
    }
}

#[test]
fn a_call_is_a_server_span_with_a_client_span_for_each_attempt() {
    let change = |change: fn(&mut log::Model)| {
        let mut log = log();
        change(&mut log);
        spans(&log, None, &Options::default())
    };
    // SERVER is 2, CLIENT 3 (opentelemetry/proto/trace/v1).
    for (name, spans, expected) in [
        ("gateway", change(|_| {}), &[2, 3][..]),
        ("refused", change(|log| log.outcome = "refused".to_owned()), &[2]),
        ("from the cache", change(|log| log.cache_status = "HIT".to_owned()), &[2]),
        ("a miss", change(|log| log.cache_status = "MISS".to_owned()), &[2, 3]),
        ("inserted", change(|log| log.source = "insert".to_owned()), &[3]),
    ] {
        assert_eq!(spans.iter().map(|span| span.kind).collect::<Vec<_>>(), expected, "{name}");
        assert_eq!(spans[0].parent_span_id, 0x00f0_67aa_0ba9_02b7_u64.to_be_bytes(), "{name}");
        if let Some(client) = spans.get(1) {
            assert_eq!(client.parent_span_id, spans[0].span_id, "{name}");
        }
    }
}

#[test]
fn each_attempt_has_a_span_and_the_last_alone_what_was_used() {
    let attempt = |target: &str, retry: u16, status: Option<u16>, error: Option<&str>, at: [i64; 2]| {
        json!({
            "target": target, "name": null, "provider": "openai", "virtual_key": null, "model": "gpt-4o-mini",
            "url": "https://api.openai.com/v1/chat/completions", "retry": retry, "status": status, "error": error,
            "started_us": at[0], "latency_us": at[1], "cache_status": "MISS",
        })
    };
    let mut log = log();
    log.attempts = Some(json!([
        attempt("config.targets[0]", 0, Some(503), None, [1_000, 20_000]),
        attempt("config.targets[0]", 1, None, Some("openai could not be reached: refused"), [30_000, 5_000]),
        // A limit of its key: it was not asked.
        attempt(
            "config.targets[1]",
            0,
            None,
            Some("the budget of this virtual key is exhausted"),
            [40_000, 0]
        ),
        attempt("config.targets[2]", 0, Some(200), None, [50_000, 1_450_000]),
    ]));
    log.cache_status = "MISS".to_owned();
    let spans = spans(&log, None, &Options::default());
    let told = spans[1..].iter().map(|span| {
        assert_eq!((span.kind, &span.parent_span_id), (3, &spans[0].span_id));
        let text = |name| attribute(span, name).and_then(|value| value.as_str().map(str::to_owned));
        let usage = attribute(span, names::USAGE_INPUT_TOKENS).is_some();
        (text(names::ATTEMPT), text(names::HTTP_REQUEST_RESEND_COUNT), text(names::ERROR_TYPE), usage)
    });
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(
        told.collect::<Vec<_>>(),
        [
            (some("0"), None, some("503"), false),
            (some("1"), some("1"), some("upstream_failed"), false),
            (some("3"), None, None, true),
        ]
    );
    let nanos = |us: u64| 1_764_000_000_123_000_000 + us * 1000;
    let times = spans[1..].iter().map(|span| (span.start_time_unix_nano, span.end_time_unix_nano));
    let expected =
        [(1_000, 21_000), (30_000, 35_000), (50_000, 1_500_000)].map(|(from, to)| (nanos(from), nanos(to)));
    assert_eq!(times.collect::<Vec<_>>(), expected);
    let events: Vec<_> = spans[0].events.iter().map(|event| event.name.as_str()).collect();
    let expected = [names::CACHE_EVENT, names::RETRY_EVENT, names::FALLBACK_EVENT, names::FALLBACK_EVENT];
    assert_eq!(events, expected);
}

#[test]
fn what_was_answered_without_asking_has_no_attempts_span() {
    let mut log = log();
    log.cache_status = "HIT".to_owned();
    let hit =
        json!([{"target": "config", "provider": "openai", "status": null, "error": null, "latency_us": 300}]);
    log.attempts = Some(hit);
    let spans = spans(&log, None, &Options::default());
    assert_eq!(spans.len(), 1);
    let event = &spans[0].events[0];
    assert_eq!((event.name.as_str(), spans[0].events.len()), (names::CACHE_EVENT, 1));
}

#[test]
fn what_guardrails_found_is_told_without_what_they_saw() {
    let hook = |id: &str, verdict: bool, created_at: &str| {
        json!({
            "id": id, "verdict": verdict, "deny": !verdict, "async": false, "execution_time": 7, "type": "guardrail",
            "transformed": false, "feedback": null, "created_at": created_at,
            "checks": [
                {"id": "default.wordCount", "verdict": true, "data": {"wordCount": 3}},
                {"id": "default.contains", "verdict": verdict, "data": {"text": "kanari"}},
            ],
        })
    };
    let mut log = log();
    log.hook_results = Some(json!({
        "before_request_hooks": [hook("pg-in", true, "2025-11-24T16:00:00.200Z")],
        "after_request_hooks": [hook("pg-out", false, "not a time")],
    }));
    let spans = spans(&log, None, &Options::default());
    let events: Vec<_> =
        spans[0].events.iter().filter(|event| event.name == names::GUARDRAIL_EVENT).cloned().collect();
    assert!(!format!("{events:?}").contains("kanari"));
    assert_eq!(
        spans[1..]
            .iter()
            .flat_map(|span| &span.events)
            .filter(|event| event.name == names::GUARDRAIL_EVENT)
            .count(),
        0
    );
    let mut told = serde_json::to_value(&events).unwrap();
    flatten(&mut told);
    insta::assert_json_snapshot!(told);
}

#[test]
fn how_a_call_ended_is_told() {
    // Outcome, status; error type and code of status (2 is Error) of the SERVER span, and of the CLIENT span.
    let none = (None, 0);
    let cases = [
        ("answered", 200, none, Some(none)),
        ("answered", 429, none, Some((Some("429"), 2))),
        ("answered", 500, (Some("500"), 2), Some((Some("500"), 2))),
        ("upstream_failed", 502, (Some("upstream_failed"), 2), Some((Some("upstream_failed"), 2))),
        ("timed_out", 408, (Some("timed_out"), 2), Some((Some("timed_out"), 2))),
        ("upstream_cut", 200, (Some("upstream_cut"), 2), Some((Some("upstream_cut"), 2))),
        ("refused", 401, none, None),
        ("refused", 503, (Some("refused"), 2), None),
    ];
    for (outcome, status_code, server, client) in cases {
        let log = log::Model { outcome: outcome.to_owned(), status_code, ..log() };
        let spans = spans(&log, None, &Options::default());
        let told = |span: &Span| {
            let code = span.status.as_ref().map_or(0, |status| status.code);
            (attribute(span, names::ERROR_TYPE).map(|error| error.as_str().unwrap().to_owned()), code)
        };
        let expected = |(error, code): (Option<&str>, i32)| (error.map(str::to_owned), code);
        assert_eq!(told(&spans[0]), expected(server), "{outcome} {status_code}");
        assert_eq!(spans.get(1).map(told), client.map(expected), "{outcome} {status_code}");
    }
}

#[test]
fn what_a_call_is_called() {
    let cases = [
        ("chatComplete", Some("m"), "POST /v1/chat/completions", "chat m"),
        ("complete", Some("m"), "POST /v1/completions", "text_completion m"),
        ("embed", Some("m"), "POST /v1/embeddings", "embeddings m"),
        ("listFiles", None, "POST listFiles", "listFiles"),
    ];
    for (endpoint, model, server, client) in cases {
        let requested_model = model.map(str::to_owned);
        let log = log::Model { endpoint: endpoint.to_owned(), model: None, requested_model, ..log() };
        let spans = spans(&log, None, &Options::default());
        assert_eq!([&*spans[0].name, &*spans[1].name], [server, client]);
    }
    let named = log::Model { span_name: Some("Plan".to_owned()), ..log() };
    assert_eq!(spans(&named, None, &Options::default())[0].name, "Plan");
}

#[test]
fn providers_are_called_as_in_the_conventions() {
    for (slug, expected) in [
        ("openai", "openai"),
        ("open-ai", "openai"),
        ("anthropic", "anthropic"),
        ("mistral-ai", "mistral_ai"),
        ("google", "gcp.gemini"),
        ("bedrock", "aws.bedrock"),
        ("azure-openai", "azure.ai.openai"),
        ("deepseek", "deepseek"),
        ("of-my-own", "of-my-own"),
    ] {
        let log = log::Model { provider: slug.to_owned(), ..log() };
        assert_eq!(operation::provider(&log), expected, "{slug}");
    }
}

#[test]
fn a_callers_text_is_the_same_trace_in_its_organisation_alone() {
    let of = |organisation: u128, text: &str| trace_id(Uuid::from_u128(organisation), text);
    let plain = 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736_u128;
    assert_eq!(of(1, "4bf92f3577b34da6a3ce929d0e0e4736"), plain.to_be_bytes());
    assert_eq!(of(1, "4BF92F35-77B3-4DA6-A3CE-929D0E0E4736"), plain.to_be_bytes());
    assert_eq!(of(1, "order 17"), of(1, "order 17"));
    assert_ne!(of(1, "order 17"), of(2, "order 17"));
    assert_ne!(of(1, "order 17"), of(1, "order 18"));
    assert_ne!(of(1, "00000000000000000000000000000000"), [0; 16]);
    // Pinned: what was sent yesterday must be the same trace tomorrow.
    let hex = format!("{:032x}", u128::from_be_bytes(of(1, "order 17")));
    insta::assert_snapshot!(hex);
}

#[test]
fn a_callers_own_span_id_is_the_servers() {
    let given = log::Model { span_id: Some("b7ad6b7169203331".to_owned()), ..log() };
    let found = spans(&given, None, &Options::default());
    assert_eq!(found[0].span_id, 0xb7ad_6b71_6920_3331_u64.to_be_bytes());
    assert_eq!(found[1].parent_span_id, found[0].span_id);
    let texts = log::Model {
        span_id: Some("step 2".to_owned()),
        parent_span_id: Some("step 1".to_owned()),
        trace_id: "order 17".to_owned(),
        ..log()
    };
    let server = &spans(&texts, None, &Options::default())[0];
    assert!(server.parent_span_id.is_empty());
    for (name, expected) in
        [(names::TRACE_ID, "order 17"), (names::SPAN_ID, "step 2"), (names::PARENT_SPAN_ID, "step 1")]
    {
        assert_eq!(attribute(server, name), Some(json!(expected)));
    }
}

#[test]
fn messages_of_each_shape() {
    let tool_call =
        json!({ "id": "t1", "type": "function", "function": { "name": "f", "arguments": "{\"a\":1}" } });
    let chat = json!({ "messages": [
        { "role": "developer", "content": "D" },
        { "role": "user", "name": "ann", "content": [
            { "type": "text", "text": "What is this?" },
            { "type": "image_url", "image_url": { "url": "https://example.com/a.png" } },
            { "type": "image_url", "image_url": { "url": "data:image/png;base64,AAAA" } },
            { "type": "input_audio", "input_audio": { "data": "BBBB", "format": "wav" } },
        ] },
        { "role": "assistant", "content": null, "tool_calls": [tool_call] },
        { "role": "tool", "tool_call_id": "t1", "content": "42" },
    ] });
    let chat_answer = json!({ "id": "1", "choices": [{ "index": 0, "finish_reason": "stop",
        "message": { "role": "assistant", "reasoning_content": "Hm", "content": "A cat" } }] });
    let anthropic = json!({ "system": "S", "messages": [
        { "role": "user", "content": [{ "type": "tool_result", "tool_use_id": "t1", "content": "42" }] },
    ], "tools": [{ "name": "f", "description": "d", "input_schema": { "type": "object" } }] });
    let anthropic_stream = concat!(
        "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"m1\",\"content\":[]}}\n\n",
        "data: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"thinking\",\"thinking\":\"\"}}\n\n",
        "data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"thinking_delta\",\"thinking\":\"Hm\"}}\n\n",
        "data: {\"type\":\"content_block_start\",\"index\":1,\"content_block\":{\"type\":\"tool_use\",\"id\":\"t2\",\"name\":\"f\",\"input\":{}}}\n\n",
        "data: {\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"{\\\"a\\\":\"}}\n\n",
        "data: {\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"1}\"}}\n\n",
        "data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"tool_use\"}}\n\n",
    );
    let responses = json!({ "instructions": "I", "input": [
        { "role": "user", "content": [{ "type": "input_text", "text": "Hi" }] },
        { "type": "function_call", "call_id": "t1", "name": "f", "arguments": "{}" },
        { "type": "function_call_output", "call_id": "t1", "output": "42" },
    ] });
    let responses_stream = concat!(
        "data: {\"type\":\"response.output_text.delta\",\"delta\":\"He\"}\n\n",
        "data: {\"type\":\"response.completed\",\"response\":{\"id\":\"r1\",\"status\":\"completed\",\"output\":[",
        "{\"type\":\"message\",\"role\":\"assistant\",\"content\":[{\"type\":\"output_text\",\"text\":\"Hey\"}]}]}}\n\n",
    );
    let complete = json!({ "prompt": ["a", "b"] });
    let completed =
        json!({ "choices": [{ "text": "A", "finish_reason": "length" }, { "index": 1, "text": "B" }] });
    let cases = [
        ("chatComplete", chat, chat_answer.to_string(), false),
        ("messages", anthropic, anthropic_stream.to_owned(), true),
        ("createModelResponse", responses, responses_stream.to_owned(), true),
        ("complete", complete, completed.to_string(), false),
        (
            "embed",
            json!({ "input": ["a", "b"] }),
            json!({ "data": [{ "embedding": [0.5] }] }).to_string(),
            false,
        ),
    ];
    let told = cases.map(|(endpoint, request, response, streamed)| {
        let log = log::Model { endpoint: endpoint.to_owned(), streamed, ..log() };
        let exchange = exchange(&request, &response);
        let client = &spans(&log, Some(&exchange), &wanted())[1];
        json!({
            "endpoint": endpoint,
            "system": json_attribute(client, names::SYSTEM_INSTRUCTIONS),
            "input": json_attribute(client, names::INPUT_MESSAGES),
            "output": json_attribute(client, names::OUTPUT_MESSAGES),
            "tools": json_attribute(client, names::TOOL_DEFINITIONS),
            "reasons": attribute(client, names::RESPONSE_FINISH_REASONS),
        })
    });
    insta::assert_json_snapshot!(told);
}

#[test]
fn metrics_of_calls() {
    let mut logs = [log(), log(), log(), log(), log()];
    logs[1].latency_us = 80_000;
    logs[2].status_code = 429;
    (logs[2].input_tokens, logs[2].output_tokens, logs[2].first_byte_us) = (None, None, None);
    logs[3].outcome = "refused".to_owned();
    logs[4].provider = "echo".to_owned();
    logs[4].streamed = false;
    let calls = logs.each_ref().map(|log| Call { log, content: None });
    let quota = Quota {
        organisation: log().organisation_id,
        at_ms: 1_764_000_002_000,
        used: 9,
        limit: Some(10),
        dropped: 2,
    };
    let mut written = serde_json::to_value(metrics(&calls, Some(&quota), &Options::default())).unwrap();
    flatten(&mut written);
    insta::assert_json_snapshot!(written);
}

#[test]
fn no_calls_have_no_metrics_and_no_spans() {
    let none = metrics(&[], None, &Options::default());
    assert!(none.resource_metrics[0].scope_metrics[0].metrics.is_empty());
    assert!(traces(&[], &Options::default()).resource_spans[0].scope_spans[0].spans.is_empty());
}

proptest! {
    #[test]
    fn ids_are_valid_and_always_the_same(id: u128, trace in ".{0,64}|[0-9a-f]{32}", span in "[0-9a-f]{16}|.{0,20}|0{16}") {
        let log = log::Model { id: Uuid::from_u128(id), trace_id: trace, span_id: Some(span.clone()),
            parent_span_id: Some(span), ..log() };
        let first = spans(&log, None, &Options::default());
        prop_assert_eq!(&first, &spans(&log, None, &Options::default()));
        let ids: BTreeSet<_> = first.iter().map(|span| span.span_id.clone()).collect();
        prop_assert_eq!(ids.len(), first.len());
        for span in &first {
            prop_assert!(span.trace_id.len() == 16 && span.trace_id.iter().any(|byte| *byte != 0));
            prop_assert!(span.span_id.len() == 8 && span.span_id.iter().any(|byte| *byte != 0));
            prop_assert!(matches!(span.parent_span_id.len(), 0 | 8));
            prop_assert_eq!(&span.trace_id, &first[0].trace_id);
        }
    }

    #[test]
    fn content_of_any_length_stays_json_within_its_bound(
        texts in prop::collection::vec(".{0,300}", 0..20), max in 1000_usize..4000,
    ) {
        let messages: Vec<_> = texts.iter().map(|text| json!({ "role": "user", "content": text })).collect();
        let exchange = exchange(&json!({ "messages": messages }), "{}");
        let options = Options { max_content_bytes: max, ..wanted() };
        let told = spans(&log(), Some(&exchange), &options);
        let told = attribute(&told[1], names::INPUT_MESSAGES);
        prop_assert_eq!(told.is_some(), !texts.is_empty());
        if let Some(told) = told {
            let told = told.as_str().unwrap();
            prop_assert!(told.len() <= max, "{} > {max}", told.len());
            let kept: Vec<Value> = serde_json::from_str(told).unwrap();
            prop_assert!(!kept.is_empty() && kept.iter().all(|message| message["role"] == "user"));
        }
    }

    #[test]
    fn any_bodies_are_read_without_harm(request: Vec<u8>, response: Vec<u8>, streamed: bool) {
        let content = |body: Vec<u8>| Content { body: body.into(), ..Content::default() };
        let exchange = Exchange { request: content(request), response: content(response) };
        let log = log::Model { streamed, ..log() };
        prop_assert_eq!(spans(&log, Some(&exchange), &wanted()).len(), 2);
    }
}
