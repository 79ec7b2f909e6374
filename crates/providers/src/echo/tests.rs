#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use serde_json::{Value, json};

use super::{Answer, answer};
use crate::{Endpoint, measure, sse};

fn ask(endpoint: Endpoint, body: &Value) -> (u16, Value) {
    match answer(endpoint, body.to_string().as_bytes(), "1", 1_700_000_000) {
        Answer::Json { status, body } => (status, serde_json::from_slice(&body).unwrap()),
        Answer::Stream(_) => panic!("a stream nobody asked for"),
    }
}

/// The stream's bytes, and its events but the last, which is checked to be `[DONE]`.
fn stream(endpoint: Endpoint, body: &Value) -> (Vec<u8>, Vec<Value>) {
    let Answer::Stream(events) = answer(endpoint, body.to_string().as_bytes(), "1", 1_700_000_000) else {
        panic!("no stream");
    };
    let bytes = events.concat();
    let mut data: Vec<String> = sse::events(&bytes).map(|event| event.data.into_owned()).collect();
    assert_eq!(data.len(), events.len(), "one event each");
    assert_eq!(data.pop().unwrap(), "[DONE]");
    (bytes, data.iter().map(|data| serde_json::from_str(data).unwrap()).collect())
}

#[test]
fn a_chat_is_answered_with_the_last_user_message() {
    let (status, body) = ask(
        Endpoint::ChatCompletions,
        &json!({ "model": "any", "messages": [
            { "role": "system", "content": "be kind" },
            { "role": "user", "content": [
                { "type": "text", "text": "hello" },
                { "type": "image_url", "image_url": { "url": "x" } },
                { "type": "text", "text": "there" },
            ] },
            { "role": "assistant", "content": null },
        ] }),
    );
    assert_eq!(status, 200);
    assert_eq!(body["id"], "chatcmpl-1");
    assert_eq!(body["object"], "chat.completion");
    assert_eq!(body["created"], 1_700_000_000);
    assert_eq!(body["model"], "any");
    assert_eq!(
        body["choices"][0]["message"],
        json!({ "role": "assistant", "content": "hello\n\nthere", "refusal": null })
    );
    assert_eq!(body["choices"][0]["finish_reason"], "stop");
    assert_eq!(body["usage"]["prompt_tokens"], 4);
    assert_eq!(body["usage"]["completion_tokens"], 2);
    assert_eq!(body["usage"]["total_tokens"], 6);
}

#[test]
fn a_streamed_chat_says_a_word_an_event_and_its_usage_when_asked() {
    let mut body = json!({ "stream": true, "messages": [{ "role": "user", "content": " one  two three " }] });
    let (_, events) = stream(Endpoint::ChatCompletions, &body);
    let deltas: Vec<&Value> = events.iter().map(|event| &event["choices"][0]["delta"]).collect();
    assert_eq!(deltas[0], &json!({ "role": "assistant", "content": "", "refusal": null }));
    assert_eq!(
        deltas[1..],
        [
            &json!({ "content": " one  " }),
            &json!({ "content": "two " }),
            &json!({ "content": "three " }),
            &json!({})
        ]
    );
    assert_eq!(events[4]["choices"][0]["finish_reason"], "stop");
    assert!(
        events.iter().all(|event| event["object"] == "chat.completion.chunk" && event.get("usage").is_none())
    );

    body["stream_options"] = json!({ "include_usage": true });
    let (bytes, events) = stream(Endpoint::ChatCompletions, &body);
    let (last, others) = events.split_last().unwrap();
    assert!(others.iter().all(|event| event["usage"].is_null() && event.get("usage").is_some()));
    assert_eq!(last["choices"], json!([]));
    assert_eq!(last["usage"]["total_tokens"], 6);
    let measured = measure(Endpoint::ChatCompletions, 200, b"", &bytes, true);
    assert_eq!(measured.usage.map(|usage| (usage.total(), usage.estimated)), Some((6, false)));
    assert_eq!(measured.finish_reason.as_deref(), Some("stop"));
}

#[test]
fn prompts_are_completed_with_themselves() {
    let (_, body) = ask(Endpoint::Completions, &json!({ "prompt": ["a b", "c"] }));
    assert_eq!(body["object"], "text_completion");
    assert_eq!(body["id"], "cmpl-1");
    assert_eq!(body["choices"][0]["text"], "a b");
    assert_eq!(
        body["choices"][1],
        json!({ "index": 1, "text": "c", "logprobs": null, "finish_reason": "stop" })
    );
    assert_eq!(body["usage"]["total_tokens"], 6);

    let (_, events) = stream(Endpoint::Completions, &json!({ "prompt": "a b", "stream": true }));
    let texts: Vec<&Value> = events.iter().map(|event| &event["choices"][0]["text"]).collect();
    assert_eq!(texts, ["a ", "b", ""]);
}

#[test]
fn embeddings_are_unit_vectors_that_depend_on_the_input_alone() {
    let embed = |body: Value| ask(Endpoint::Embeddings, &body).1;
    let two = embed(json!({ "input": ["one two", "three"], "dimensions": 4 }));
    let one = embed(json!({ "input": "one two", "dimensions": 4 }));
    assert_eq!(two["data"][0], one["data"][0]);
    assert_ne!(two["data"][0]["embedding"], two["data"][1]["embedding"]);
    assert_eq!(two["data"][1]["index"], 1);
    assert_eq!(two["usage"], json!({ "prompt_tokens": 3, "total_tokens": 3 }));
    let numbers: Vec<f64> = serde_json::from_value(one["data"][0]["embedding"].clone()).unwrap();
    assert_eq!(numbers.len(), 4);
    assert!((numbers.iter().map(|x| x * x).sum::<f64>() - 1.0).abs() < 1e-5);

    let encoded = embed(json!({ "input": "one two", "dimensions": 4, "encoding_format": "base64" }));
    let bytes = base64::Engine::decode(
        &base64::engine::general_purpose::STANDARD,
        encoded["data"][0]["embedding"].as_str().unwrap(),
    )
    .unwrap();
    let decoded: Vec<f64> =
        bytes.chunks(4).map(|four| f32::from_le_bytes(four.try_into().unwrap()).into()).collect();
    assert_eq!(decoded, numbers);

    assert_eq!(embed(json!({ "input": "x" }))["data"][0]["embedding"].as_array().unwrap().len(), 8);
    assert_eq!(embed(json!({ "input": [1, 2, 3] }))["usage"]["total_tokens"], 3);
}

#[test]
fn only_echo_is_listed_as_a_model() {
    let (status, body) = ask(Endpoint::Models, &json!(null));
    assert_eq!((status, &body["object"]), (200, &json!("list")));
    assert_eq!(body["data"][0]["id"], "echo");
    assert_eq!(body["data"].as_array().unwrap().len(), 1);
}

#[test]
fn bad_requests_are_refused_with_the_parameter_at_fault() {
    let user = json!([{ "role": "user", "content": "hi" }]);
    for (endpoint, body, param) in [
        (Endpoint::ChatCompletions, json!({}), "messages"),
        (Endpoint::ChatCompletions, json!({ "messages": "hi" }), "messages"),
        (Endpoint::ChatCompletions, json!({ "messages": [] }), "messages"),
        (Endpoint::ChatCompletions, json!({ "messages": ["hi"] }), "messages"),
        (Endpoint::ChatCompletions, json!({ "messages": [{ "role": "user", "content": 1 }] }), "messages"),
        (
            Endpoint::ChatCompletions,
            json!({ "messages": [{ "role": "user", "content": [{ "type": "text" }] }] }),
            "messages",
        ),
        (Endpoint::ChatCompletions, json!({ "messages": user, "model": 1 }), "model"),
        (Endpoint::ChatCompletions, json!({ "messages": user, "stream": "yes" }), "stream"),
        (
            Endpoint::ChatCompletions,
            json!({ "messages": user, "stream_options": { "include_usage": 1 } }),
            "stream_options",
        ),
        (Endpoint::ChatCompletions, json!({ "messages": user, "max_tokens": -1 }), "max_tokens"),
        (Endpoint::ChatCompletions, json!({ "messages": user, "n": 2 }), "n"),
        (Endpoint::Completions, json!({ "prompt": [1] }), "prompt"),
        (Endpoint::Embeddings, json!({ "input": [] }), "input"),
        (Endpoint::Embeddings, json!({ "input": ["a", 1] }), "input"),
        (Endpoint::Embeddings, json!({ "input": "a", "dimensions": 4097 }), "dimensions"),
        (Endpoint::Embeddings, json!({ "input": vec!["a"; 100], "dimensions": 4096 }), "dimensions"),
        (Endpoint::Embeddings, json!({ "input": "a", "encoding_format": "hex" }), "encoding_format"),
    ] {
        let (status, answer) = ask(endpoint, &body);
        assert_eq!((status, &answer["error"]["param"]), (400, &json!(param)), "{body}");
        assert_eq!(answer["error"]["type"], "invalid_request_error");
        assert_eq!(answer["error"]["code"], Value::Null);
        assert!(answer["error"]["message"].as_str().unwrap().starts_with(param));
    }
    assert_eq!(ask(Endpoint::ChatCompletions, &json!([])).0, 400);
    assert_eq!(ask(Endpoint::ImageGenerate, &json!({})).0, 404);
}

#[test]
fn a_text_is_cut_at_the_limits() {
    let ask_for = |content: String, max: Option<u32>| {
        let messages = json!([{ "role": "user", "content": content }]);
        ask(Endpoint::ChatCompletions, &json!({ "messages": messages, "max_tokens": max })).1["choices"][0]
            .clone()
    };
    let choice = ask_for("one two three".to_owned(), Some(2));
    assert_eq!(
        (&choice["message"]["content"], &choice["finish_reason"]),
        (&json!("one two"), &json!("length"))
    );
    assert_eq!(ask_for("one two".to_owned(), Some(2))["finish_reason"], "stop");

    let choice = ask_for("é".repeat(100_000), None);
    assert_eq!(choice["finish_reason"], "length");
    assert_eq!(choice["message"]["content"].as_str().unwrap().len(), 64 * 1024);
    let choice = ask_for("a ".repeat(10_000), None);
    assert_eq!(choice["message"]["content"].as_str().unwrap().split(' ').count(), 4096);

    let (bytes, _) = stream(
        Endpoint::Completions,
        &json!({ "prompt": vec!["a b c"; 4000], "stream": true, "stream_options": { "include_usage": true } }),
    );
    assert!(bytes.len() < 4 * 1024 * 1024, "{}", bytes.len());
}
