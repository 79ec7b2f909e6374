#![expect(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::{Answer, reference};
use crate::Usage;
use crate::measure::written::written;
use crate::usage::Counts;

/// A count as providers write it, or what stands in its place.
fn number() -> impl Strategy<Value = Value> {
    prop_oneof![
        6 => (0..500_u64).prop_map(Value::from),
        1 => Just(Value::Null),
        1 => (0..500_u32).prop_map(|n| Value::from(f64::from(n))),
    ]
}

fn some_of(names: &'static [&'static str]) -> impl Strategy<Value = Map<String, Value>> {
    prop::collection::vec((prop::sample::select(names), number()), 0..6)
        .prop_map(|fields| fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

fn usage() -> impl Strategy<Value = Value> {
    let counts = some_of(&[
        "prompt_tokens",
        "input_tokens",
        "completion_tokens",
        "output_tokens",
        "total_tokens",
        "prompt_cache_hit_tokens",
        "cached_tokens",
        "cache_read_input_tokens",
        "cache_creation_input_tokens",
        "unknown",
    ]);
    let groups = &[
        "prompt_tokens_details",
        "input_tokens_details",
        "completion_tokens_details",
        "output_tokens_details",
    ];
    let parts =
        some_of(&["cached_tokens", "cache_write_tokens", "audio_tokens", "reasoning_tokens", "unknown"]);
    let details = prop::option::of((
        prop::sample::select(groups.as_slice()),
        prop_oneof![4 => parts.prop_map(Value::from), 1 => Just(Value::Null)],
    ));
    let object = (counts, details).prop_map(|(mut counts, details)| {
        counts.extend(details.map(|(name, parts)| (name.to_owned(), parts)));
        Value::from(counts)
    });
    prop_oneof![3 => object, 1 => Just(Value::Null), 1 => Just(json!("none"))]
}

/// A name or a text, with what JSON escapes; or none.
fn word() -> impl Strategy<Value = Value> {
    prop_oneof![
        4 => prop::sample::select(vec!["", "stop", "gpt-4o", "in_progress", "end \"turn\"\n", "é\u{1f600}"]).prop_map(Value::from),
        1 => Just(Value::Null),
        1 => Just(json!(7)),
        1 => Just(json!(["x"])),
    ]
}

fn choices() -> impl Strategy<Value = Value> {
    let choice = (word(), word(), word(), prop::sample::select(vec!["message", "delta"])).prop_map(|(reason, content, name, said)| {
        json!({ "index": 0, "finish_reason": reason, "text": content, said: {
            "content": content, "reasoning": name, "tool_calls": [{ "function": { "name": name, "arguments": content } }],
        } })
    });
    prop_oneof![4 => prop::collection::vec(choice, 0..3).prop_map(Value::from), 1 => word()]
}

/// An answer or an event of one, in no provider's shape and in all.
fn flat() -> impl Strategy<Value = Value> {
    let field = prop_oneof![
        word().prop_map(|word| ("model", word)),
        usage().prop_map(|usage| ("usage", usage)),
        usage().prop_map(|usage| ("x_groq", json!({ "id": "r", "usage": usage }))),
        choices().prop_map(|choices| ("choices", choices)),
        word().prop_map(|word| ("stop_reason", word)),
        word().prop_map(|word| ("delta", json!({ "type": "d", "stop_reason": word }))),
        word().prop_map(|word| ("delta", word)),
        word().prop_map(|word| ("status", word)),
        word().prop_map(|word| ("incomplete_details", json!({ "reason": word }))),
        Just(("data", json!([{ "embedding": [0.1, 2e-3] }]))),
    ];
    prop::collection::vec(field, 0..6).prop_map(|fields| {
        fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>().into()
    })
}

fn document() -> impl Strategy<Value = Value> {
    let wrapper = prop::sample::select(vec!["message", "response"]);
    prop_oneof![
        3 => flat(),
        1 => (flat(), wrapper, flat()).prop_map(|(mut outer, name, inner)| {
            outer[name] = inner;
            outer
        }),
    ]
}

/// A stream with one of the ends that lines and events have; some data is written over several lines.
fn stream() -> impl Strategy<Value = String> {
    let ends = prop::sample::select(vec![("\n", "\n\n"), ("\r\n", "\r\n\r\n"), ("\r", "\r\r"), ("\n", "\n")]);
    (prop::collection::vec((document(), any::<bool>()), 0..8), ends).prop_map(|(documents, (line, event))| {
        let mut body = String::new();
        for (document, pretty) in documents {
            let text = if pretty && line != event { format!("{document:#}") } else { document.to_string() };
            let data = text.replace('\n', &format!("{line}data: "));
            body.extend(["event: x", line, "data: ", &data, event]);
        }
        body + "data: [DONE]" + event
    })
}

fn compare(body: &[u8], sse: bool) -> Result<(), TestCaseError> {
    let slow = if sse { reference::Answer::of_stream(body) } else { reference::Answer::of_body(body) };
    let quick = Answer::of(body, sse);
    prop_assert_eq!(&quick.model, &slow.model);
    prop_assert_eq!(&quick.finish_reason, &slow.finish_reason);
    prop_assert_eq!(quick.usage(), usage_of(&slow.counts));
    prop_assert_eq!(written(body, sse), slow.text);
    Ok(())
}

/// What was merged as trees, read at once.
fn usage_of(merged: &Map<String, Value>) -> Option<Usage> {
    let mut counts = Counts::default();
    counts.add(&serde_json::value::to_raw_value(merged).unwrap());
    Usage::read(&counts)
}

// Whole ones: where an answer is cut within its counts, what is left of them is read as far as it goes, and trees lose more.
proptest! {
    #[test]
    fn a_body_says_the_same_as_its_tree(document in document(), pretty in any::<bool>()) {
        let body = if pretty { format!("{document:#}") } else { document.to_string() };
        compare(body.as_bytes(), false)?;
    }

    #[test]
    fn a_stream_says_the_same_as_its_trees(body in stream()) {
        compare(body.as_bytes(), true)?;
    }
}
