#![expect(clippy::unwrap_used, reason = "tests")]

use serde_json::{Value, json};

use super::*;

/// A span with these attributes and events, as OTLP/JSON.
fn span(attributes: &Value, events: &Value) -> Span {
    let listed = |object: &Value| -> Vec<Value> {
        let pairs = object.as_object().unwrap().iter();
        pairs.map(|(key, value)| json!({"key": key, "value": any(value)})).collect()
    };
    let event = |event: &Value| json!({"name": event[0], "attributes": listed(&event[1])});
    let events: Vec<Value> = events.as_array().unwrap().iter().map(event).collect();
    serde_json::from_value(json!({
        "traceId": "5b8efff798038103d269b633813fc60c",
        "spanId": "eee19b7ec3c1b174",
        "name": "a span",
        "kind": 3,
        "startTimeUnixNano": "1795392000000000000",
        "endTimeUnixNano": "1795392000820000000",
        "attributes": listed(attributes),
        "events": events,
    }))
    .unwrap()
}

fn any(value: &Value) -> Value {
    match value {
        Value::String(text) => json!({"stringValue": text}),
        Value::Bool(flag) => json!({"boolValue": flag}),
        Value::Number(number) if number.is_f64() => json!({"doubleValue": number}),
        // As OTLP has it: a text.
        Value::Number(number) => json!({"intValue": number.to_string()}),
        Value::Array(items) => json!({"arrayValue": {"values": items.iter().map(any).collect::<Vec<_>>()}}),
        other => {
            let pairs = other.as_object().unwrap().iter();
            let values: Vec<Value> =
                pairs.map(|(key, value)| json!({"key": key, "value": any(value)})).collect();
            json!({"kvlistValue": {"values": values}})
        }
    }
}

fn call_with(attributes: &Value, events: &Value) -> Call {
    read(span(attributes, events), &Origin::of(None), None).unwrap()
}

fn call(attributes: &Value) -> Call {
    call_with(attributes, &json!([]))
}

/// All of these together.
fn and(base: &Value, more: &Value) -> Value {
    let mut all = base.as_object().unwrap().clone();
    all.extend(more.as_object().unwrap().clone());
    all.into()
}

#[test]
fn the_current_conventions_read_like_a_chat() {
    let read = call(&json!({
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "mistral_ai",
        "gen_ai.request.model": "mistral-large",
        "gen_ai.response.model": "mistral-large-2407",
        "gen_ai.response.id": "cmpl-1",
        "gen_ai.request.temperature": 0.5,
        "gen_ai.request.max_tokens": 100,
        "gen_ai.request.stream": true,
        "gen_ai.response.time_to_first_chunk": 0.25,
        "gen_ai.usage.input_tokens": 1000,
        "gen_ai.usage.output_tokens": 200,
        "gen_ai.usage.cache_read.input_tokens": 600,
        "gen_ai.usage.cache_creation.input_tokens": 100,
        "gen_ai.usage.reasoning.output_tokens": 50,
        "gen_ai.conversation.id": "c-1",
        "enduser.id": "u-1",
        "server.address": "api.mistral.ai",
        "server.port": 443,
        "deployment": "blue",
        "gen_ai.system_instructions": r#"[{"type":"text","content":"Be brief."}]"#,
        "gen_ai.input.messages": json!([
            {"role": "user", "parts": [
                {"type": "text", "content": "What is this?"},
                {"type": "uri", "modality": "image", "uri": "https://a.example/b.png"}
            ]},
            {"role": "assistant", "parts": [
                {"type": "reasoning", "content": "Let me look."},
                {"type": "tool_call", "id": "t-1", "name": "look", "arguments": {"at": "b"}}
            ]},
            {"role": "tool", "parts": [{"type": "tool_call_response", "id": "t-1", "response": {"is": "a cat"}}]}
        ]).to_string(),
        "gen_ai.output.messages": json!([
            {"role": "assistant", "parts": [{"type": "text", "content": "A cat."}], "finish_reason": "stop"}
        ]).to_string(),
    }));
    assert_eq!(
        read.request,
        json!({
            "model": "mistral-large",
            "messages": [
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": [
                    {"type": "text", "text": "What is this?"},
                    {"type": "image_url", "image_url": {"url": "https://a.example/b.png"}}
                ]},
                {"role": "assistant", "content": null, "reasoning_content": "Let me look.", "tool_calls": [
                    {"id": "t-1", "type": "function", "function": {"name": "look", "arguments": "{\"at\":\"b\"}"}}
                ]},
                {"role": "tool", "content": "{\"is\":\"a cat\"}", "tool_call_id": "t-1"}
            ],
            "temperature": 0.5,
            "max_tokens": 100,
            "stream": true,
        })
    );
    assert_eq!(read.response["choices"][0]["message"], json!({"role": "assistant", "content": "A cat."}));
    assert_eq!(read.response["choices"][0]["finish_reason"], "stop");
    assert_eq!(
        (&read.response["id"], &read.response["model"]),
        (&json!("cmpl-1"), &json!("mistral-large-2407"))
    );
    let usage = read.usage.unwrap();
    assert_eq!((usage.input_tokens, usage.output_tokens, usage.total()), (1000, 200, 1200));
    assert_eq!((usage.cached_input_tokens, usage.cache_write_tokens, usage.reasoning_tokens), (600, 100, 50));
    assert_eq!((read.endpoint, read.provider.as_str()), (Endpoint::ChatCompletions, "mistral-ai"));
    assert_eq!(
        (read.url.as_str(), read.method.as_str(), read.status),
        ("https://api.mistral.ai", "POST", 200)
    );
    assert_eq!((read.latency_us, read.first_byte_us, read.streamed), (820_000, Some(250_000), true));
    assert_eq!(
        (read.trace_id.as_str(), read.span_id.as_str()),
        ("5b8efff798038103d269b633813fc60c", "eee19b7ec3c1b174")
    );
    let pair = |key: &str| read.metadata.get(key).map(String::as_str);
    assert_eq!(
        [pair("_user"), pair("gen_ai.conversation.id"), pair("deployment")],
        [Some("u-1"), Some("c-1"), Some("blue")]
    );
    assert_eq!(pair("start_time"), Some("2026-11-23T00:00:00.000000Z"));
}

/// What says the same in each generation: one question, one answer, 10 tokens in, 5 out.
#[expect(clippy::too_many_lines, reason = "a table")]
fn generations() -> Vec<(&'static str, Value, Value)> {
    let none = json!([]);
    let old = json!({
        "gen_ai.system": "OpenAI",
        "gen_ai.request.model": "gpt-4o-mini",
        "gen_ai.usage.prompt_tokens": 10,
        "gen_ai.usage.completion_tokens": 5,
    });
    let middle = json!({
        "gen_ai.operation.name": "chat",
        "gen_ai.system": "openai",
        "gen_ai.request.model": "gpt-4o-mini",
        "gen_ai.usage.input_tokens": 10,
        "gen_ai.usage.output_tokens": 5,
        "gen_ai.response.finish_reasons": ["stop"],
    });
    let openinference = json!({
        "openinference.span.kind": "LLM",
        "llm.system": "openai",
        "llm.model_name": "gpt-4o-mini",
        "llm.token_count.prompt": 10,
        "llm.token_count.completion": 5,
        "llm.token_count.total": 15,
        "llm.finish_reason": "stop",
    });
    let traceloop = and(&old, &json!({"llm.request.type": "chat", "llm.usage.total_tokens": 15}));
    let asked = json!({"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hi"}]}).to_string();
    let answered = json!({
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "hello"}, "finish_reason": "stop"}]
    });
    vec![
        (
            "indexed",
            and(
                &traceloop,
                &json!({
                    "gen_ai.prompt.0.role": "user", "gen_ai.prompt.0.content": "hi",
                    "gen_ai.completion.0.role": "assistant", "gen_ai.completion.0.content": "hello",
                    "gen_ai.completion.0.finish_reason": "stop",
                }),
            ),
            none.clone(),
        ),
        (
            "events with JSON",
            and(&middle, &json!({})),
            json!([
                ["gen_ai.content.prompt", {"gen_ai.prompt": r#"[{"role":"user","content":"hi"}]"#}],
                ["gen_ai.content.completion", {"gen_ai.completion": r#"[{"role":"assistant","content":"hello"}]"#}],
            ]),
        ),
        (
            "events with attributes",
            and(&middle, &json!({})),
            json!([
                ["gen_ai.user.message", {"content": "hi"}],
                ["gen_ai.choice", {"index": 0, "finish_reason": "stop", "message": r#"{"content":"hello"}"#}],
            ]),
        ),
        ("texts", and(&middle, &json!({"gen_ai.prompt": "hi", "gen_ai.completion": "hello"})), none.clone()),
        (
            "JSON",
            and(
                &middle,
                &json!({
                    "gen_ai.prompt_json": r#"[{"role":"user","content":"hi"}]"#,
                    "gen_ai.completion_json": r#"[{"role":"assistant","content":"hello"}]"#,
                }),
            ),
            none.clone(),
        ),
        (
            "structured",
            and(
                &middle,
                &json!({
                    "gen_ai.input.messages": [{"role": "user", "parts": [{"type": "text", "content": "hi"}]}],
                    "gen_ai.output.messages":
                        [{"role": "assistant", "parts": [{"type": "text", "content": "hello"}], "finish_reason": "stop"}],
                }),
            ),
            none.clone(),
        ),
        (
            "OpenInference",
            and(
                &openinference,
                &json!({
                    "llm.input_messages.0.message.role": "user", "llm.input_messages.0.message.content": "hi",
                    "llm.output_messages.0.message.role": "assistant", "llm.output_messages.0.message.content": "hello",
                    "input.value": asked, "output.value": answered.to_string(),
                }),
            ),
            none.clone(),
        ),
        (
            "values",
            and(
                &openinference,
                &json!({
                    "input.value": asked, "input.mime_type": "application/json",
                    "output.value": answered.to_string(), "output.mime_type": "application/json",
                }),
            ),
            none,
        ),
    ]
}

#[test]
fn every_generation_says_the_same() {
    for (name, attributes, events) in generations() {
        let read = call_with(&attributes, &events);
        assert_eq!(read.endpoint, Endpoint::ChatCompletions, "{name}");
        assert_eq!(
            (read.provider.as_str(), read.requested_model.as_deref()),
            ("openai", Some("gpt-4o-mini")),
            "{name}"
        );
        assert_eq!(
            read.request["messages"],
            json!([{"role": "user", "content": "hi"}]),
            "{name}: {}",
            read.request
        );
        let choice = &read.response["choices"][0];
        assert_eq!(choice["message"]["content"], "hello", "{name}: {}", read.response);
        assert_eq!(choice["finish_reason"], "stop", "{name}");
        let usage = read.usage.unwrap();
        assert_eq!((usage.input_tokens, usage.output_tokens), (10, 5), "{name}");
        assert!(read.has_answer, "{name}");
    }
}

#[test]
fn flattened_messages_keep_their_order_their_parts_and_their_tools() {
    let mut attributes = json!({
        "openinference.span.kind": "LLM",
        "llm.model_name": "m",
        "llm.provider": "nobody",
        "llm.invocation_parameters": r#"{"temperature":0.1,"model":"other"}"#,
        "llm.tools.0.tool.json_schema": r#"{"type":"function","function":{"name":"look"}}"#,
        "llm.input_messages.0.message.role": "user",
        "llm.input_messages.0.message.contents.0.message_content.type": "text",
        "llm.input_messages.0.message.contents.0.message_content.text": "see",
        "llm.input_messages.0.message.contents.1.message_content.type": "image",
        "llm.input_messages.0.message.contents.1.message_content.image.image.url": "https://a.example/",
        "llm.output_messages.0.message.role": "assistant",
        "llm.output_messages.0.message.tool_calls.0.tool_call.id": "t-1",
        "llm.output_messages.0.message.tool_calls.0.tool_call.function.name": "look",
        "llm.output_messages.0.message.tool_calls.0.tool_call.function.arguments": "{}",
    });
    for n in [2, 10, 4_000_000_000_u32] {
        attributes[format!("llm.input_messages.{n}.message.role")] = json!("user");
        attributes[format!("llm.input_messages.{n}.message.content")] = json!(n.to_string());
    }
    let read = call(&attributes);
    let messages = read.request["messages"].as_array().unwrap();
    let contents: Vec<&Value> = messages.iter().map(|message| &message["content"]).collect();
    let parts = json!([{"type": "text", "text": "see"}, {"type": "image_url", "image_url": {"url": "https://a.example/"}}]);
    assert_eq!(contents, [&parts, &json!("2"), &json!("10"), &json!("4000000000")]);
    assert_eq!((&read.request["model"], &read.request["temperature"]), (&json!("m"), &json!(0.1)));
    assert_eq!(read.request["tools"], json!([{"type": "function", "function": {"name": "look"}}]));
    let called = &read.response["choices"][0]["message"]["tool_calls"][0];
    assert_eq!(
        *called,
        json!({"id": "t-1", "type": "function", "function": {"name": "look", "arguments": "{}"}})
    );
    assert_eq!(read.provider, "nobody");
}

#[test]
fn what_is_no_model_call_is_a_span_without_tokens() {
    let tokens =
        json!({"gen_ai.usage.input_tokens": 10, "gen_ai.usage.cost": 1.5, "gen_ai.request.model": "m"});
    for attributes in [
        json!({"gen_ai.operation.name": "invoke_agent", "gen_ai.provider.name": "openai"}),
        json!({"gen_ai.operation.name": "execute_tool"}),
        json!({"openinference.span.kind": "AGENT"}),
        json!({"openinference.span.kind": "CHAIN", "llm.model_name": "m"}),
        json!({"traceloop.span.kind": "workflow"}),
    ] {
        let read = call(&and(&tokens, &attributes));
        assert_eq!(read.endpoint, Endpoint::Span, "{attributes}");
        assert!(read.usage.is_none() && read.cost_pusd.is_none() && read.model.is_none(), "{attributes}");
        assert_eq!(read.request["attributes"]["gen_ai.usage.input_tokens"], 10);
        assert_eq!((&read.request["name"], &read.request["kind"]), (&json!("a span"), &json!("client")));
        assert_eq!(read.response, json!({"status": {"code": "unset", "message": ""}}));
    }
    let read = call(
        &json!({"http.request.method": "GET", "url.full": "https://a.example/x", "http.response.status_code": 404}),
    );
    assert_eq!(
        (read.endpoint, read.method.as_str(), read.url.as_str(), read.status),
        (Endpoint::Span, "GET", "https://a.example/x", 404)
    );
}

#[test]
fn nothing_is_counted_that_is_not_a_total() {
    let base = json!({"gen_ai.operation.name": "chat", "gen_ai.request.model": "m"});
    for (attributes, expected) in [
        (json!({}), None),
        (json!({"gen_ai.usage.details.input_tokens": 7, "gen_ai.usage.reasoning.output_tokens": 3}), None),
        (json!({"gen_ai.usage.input_tokens": 10, "gen_ai.usage.details.more": 7}), Some((10, 0, 0))),
        (
            json!({"gen_ai.usage.input_tokens": 10, "gen_ai.usage.cache_read.input_tokens": 50}),
            Some((10, 0, 10)),
        ),
        (json!({"gen_ai.usage.output_tokens": "7"}), Some((0, 7, 0))),
        (json!({"gen_ai.usage.output_tokens": 7.0}), Some((0, 7, 0))),
        (json!({"gen_ai.usage.output_tokens": -7}), None),
        (json!({"gen_ai.usage.output_tokens": 7.5}), None),
        (json!({"gen_ai.usage.input_tokens": 10, "gen_ai.usage.prompt_tokens": 99}), Some((10, 0, 0))),
    ] {
        let usage = call(&and(&base, &attributes)).usage;
        let counted = usage.map(|usage| (usage.input_tokens, usage.output_tokens, usage.cached_input_tokens));
        assert_eq!(counted, expected, "{attributes}");
    }
}

#[test]
fn a_cost_that_is_given_is_a_number_of_dollars() {
    let base = json!({"gen_ai.operation.name": "chat"});
    for (attributes, expected) in [
        (json!({"gen_ai.usage.cost": 0.000_123}), Some(123_000_000)),
        (json!({"llm.cost.total": 2}), Some(2_000_000_000_000)),
        (json!({"gen_ai.usage.cost": -1.0}), None),
        (json!({"gen_ai.usage.cost": 1e300}), None),
        (json!({"gen_ai.usage.cost": "free"}), None),
    ] {
        assert_eq!(call(&and(&base, &attributes)).cost_pusd, expected, "{attributes}");
    }
}

#[test]
fn other_endpoints_have_their_own_shapes() {
    let read = call(&json!({
        "openinference.span.kind": "EMBEDDING", "embedding.model_name": "e",
        "embedding.embeddings.0.embedding.text": "one", "embedding.embeddings.1.embedding.text": "two",
        "embedding.embeddings.0.embedding.vector": [0.1, 0.2],
    }));
    assert_eq!(
        (read.endpoint, &read.request),
        (Endpoint::Embeddings, &json!({"model": "e", "input": ["one", "two"]}))
    );
    let read = call(&json!({
        "llm.request.type": "completion", "gen_ai.request.model": "c",
        "gen_ai.prompt.0.content": "once", "gen_ai.completion.0.content": " upon",
    }));
    assert_eq!(
        (read.endpoint, &read.request),
        (Endpoint::Completions, &json!({"model": "c", "prompt": "once"}))
    );
    assert_eq!(read.response["choices"], json!([{"index": 0, "text": " upon", "finish_reason": null}]));
}

#[test]
fn an_error_is_told_as_one() {
    let error = |attributes: &Value, events: &Value| {
        let mut span = span(&and(&json!({"gen_ai.operation.name": "chat"}), attributes), events);
        span.status = serde_json::from_value(json!({"code": 2, "message": ""})).unwrap();
        read(span, &Origin::of(None), None).unwrap()
    };
    let read = error(&json!({"error.type": "429"}), &json!([]));
    assert_eq!((read.status, read.unanswered), (429, false));
    let exception = json!([["exception", {"exception.type": "Timeout", "exception.message": "too late"}]]);
    let read = error(&json!({}), &exception);
    assert_eq!((read.status, read.unanswered), (500, true));
    let told = json!({"error": {"message": "too late", "type": "Timeout", "param": null, "code": null}});
    assert_eq!(read.response, told);
}

#[test]
fn a_span_without_a_place_in_a_trace_is_refused() {
    for (field, bytes, expected) in [
        ("trace", vec![], Rejected::TraceId),
        ("trace", vec![0; 16], Rejected::TraceId),
        ("trace", vec![1; 8], Rejected::TraceId),
        ("span", vec![0; 8], Rejected::SpanId),
        ("span", vec![1; 16], Rejected::SpanId),
        ("parent", vec![1; 7], Rejected::ParentSpanId),
    ] {
        let mut span = span(&json!({}), &json!([]));
        match field {
            "trace" => span.trace_id = bytes,
            "span" => span.span_id = bytes,
            _ => span.parent_span_id = bytes,
        }
        assert_eq!(read(span, &Origin::of(None), None).unwrap_err(), expected, "{field}");
    }
    let mut none = span(&json!({}), &json!([]));
    none.parent_span_id = vec![0; 8];
    assert_eq!(read(none, &Origin::of(None), None).unwrap().parent_span_id, None);
}

#[test]
fn strange_attributes_break_nothing() {
    for attributes in [
        json!({"gen_ai.operation.name": "chat", "gen_ai.input.messages": "[1, null, {}, {\"parts\": 7}, [[]]]"}),
        json!({"gen_ai.operation.name": "chat", "gen_ai.input.messages": "[{\"role\":", "gen_ai.prompt.x.role": "y"}),
        json!({"gen_ai.operation.name": "chat", "gen_ai.prompt.0": "a", "gen_ai.prompt.0.role": "b", "gen_ai.prompt.0.role.c": "d"}),
        json!({"gen_ai.operation.name": "chat", "gen_ai.prompt.0.a.b.c.d.e.f.g.h.i.j.k": "deep"}),
        json!({"openinference.span.kind": "", "llm.tools.0": "x", "metadata": "[]", "input.value": "{\"messages\": {}}"}),
        json!({"openinference.span.kind": "LLM", "output.value": "{\"choices\": [7]}", "llm.request.functions.0": "f"}),
        json!({"gen_ai.operation.name": "chat", "gen_ai.system_instructions": "{}", "gen_ai.response.finish_reasons": "stop"}),
    ] {
        let read = call(&attributes);
        assert!(read.request.is_object() && read.response.is_object(), "{attributes}");
    }
}
