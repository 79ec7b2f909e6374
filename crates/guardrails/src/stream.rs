//! Streamed answers that are held until they are checked: as the JSON that they come to, and back.

use std::collections::BTreeMap;

use bytes::Bytes;
use providers::{Endpoint, sse};
use serde_json::{Map, Value, json};

/// Choices and blocks of one answer. Ours.
const MAX_PARTS: usize = 256;

/// The answer that a stream comes to, as it would have been without streaming. None where it is no stream of the endpoint's.
#[must_use]
pub fn assembled(endpoint: Endpoint, stream: &[u8]) -> Option<Value> {
    let events = sse::events(stream).filter_map(|event| serde_json::from_str::<Value>(&event.data).ok());
    match endpoint {
        Endpoint::ChatCompletions | Endpoint::Completions => {
            let mut choices = Choices::default();
            events.for_each(|event| choices.take(event));
            choices.answer()
        }
        Endpoint::Messages => message(events),
        _ => None,
    }
}

/// The choices of a stream in `OpenAI`'s shape.
#[derive(Default)]
struct Choices {
    /// The fields of the first chunk, and the latest usage.
    head: Option<Map<String, Value>>,
    by_index: BTreeMap<u64, Map<String, Value>>,
}

impl Choices {
    fn take(&mut self, chunk: Value) {
        let Value::Object(mut chunk) = chunk else { return };
        let Some(Value::Array(choices)) = chunk.remove("choices") else { return };
        for choice in choices {
            let Value::Object(choice) = choice else { continue };
            let index = choice.get("index").and_then(Value::as_u64).unwrap_or(0);
            if self.by_index.len() < MAX_PARTS || self.by_index.contains_key(&index) {
                add_choice(self.by_index.entry(index).or_default(), choice);
            }
        }
        match &mut self.head {
            None => self.head = Some(chunk),
            Some(head) => {
                if let Some(usage) = chunk.remove("usage").filter(|usage| !usage.is_null()) {
                    head.insert("usage".to_owned(), usage);
                }
            }
        }
    }

    fn answer(self) -> Option<Value> {
        let mut answer = self.head?;
        if let Some(Value::String(object)) = answer.get_mut("object")
            && let Some(whole) = object.strip_suffix(".chunk")
        {
            *object = whole.to_owned();
        }
        answer.insert("choices".to_owned(), self.by_index.into_values().collect());
        Some(answer.into())
    }
}

fn add_choice(to: &mut Map<String, Value>, choice: Map<String, Value>) {
    for (name, value) in choice {
        match (name.as_str(), value) {
            ("delta", Value::Object(delta)) => {
                let message =
                    to.entry("message").or_insert_with(|| json!({"role": "assistant", "content": null}));
                if let Some(message) = message.as_object_mut() {
                    add_delta(message, delta);
                }
            }
            ("text", Value::String(text)) => append(to, "text", text),
            (_, Value::Null) => {
                to.entry(name).or_insert(Value::Null);
            }
            (_, value) => {
                to.insert(name, value);
            }
        }
    }
}

fn add_delta(to: &mut Map<String, Value>, delta: Map<String, Value>) {
    for (name, value) in delta {
        match (name.as_str(), value) {
            (_, Value::Null) => {}
            ("role", role) => drop(to.insert(name, role)),
            ("tool_calls", Value::Array(calls)) => {
                let all = to.entry("tool_calls").or_insert_with(|| json!([]));
                for call in calls {
                    add_tool_call(all, call);
                }
            }
            (_, Value::String(text)) => append(to, &name, text),
            (_, value) => drop(to.insert(name, value)),
        }
    }
}

fn add_tool_call(all: &mut Value, call: Value) {
    let (Value::Array(all), Value::Object(mut call)) = (all, call) else { return };
    let index = call.remove("index").and_then(|index| usize::try_from(index.as_u64()?).ok()).unwrap_or(0);
    if index >= MAX_PARTS {
        return;
    }
    while all.len() <= index {
        all.push(json!({}));
    }
    let Some(to) = all[index].as_object_mut() else { return };
    for (name, value) in call {
        match (name.as_str(), value) {
            ("function", Value::Object(function)) => {
                let to = to.entry("function").or_insert_with(|| json!({}));
                if let Some(to) = to.as_object_mut() {
                    add_delta(to, function);
                }
            }
            (_, value) => drop(to.insert(name, value)),
        }
    }
}

fn append(to: &mut Map<String, Value>, name: &str, text: String) {
    match to.get_mut(name) {
        Some(Value::String(before)) => before.push_str(&text),
        _ => drop(to.insert(name.to_owned(), text.into())),
    }
}

/// Anthropic's events, put together.
fn message(events: impl Iterator<Item = Value>) -> Option<Value> {
    let mut message: Option<Map<String, Value>> = None;
    let mut blocks: BTreeMap<u64, Map<String, Value>> = BTreeMap::new();
    for mut event in events {
        let index = event.get("index").and_then(Value::as_u64).unwrap_or(0);
        match event.get("type").and_then(Value::as_str) {
            Some("message_start") => message = event["message"].take().as_object().cloned(),
            Some("content_block_start") if blocks.len() < MAX_PARTS => {
                blocks.insert(index, event["content_block"].take().as_object().cloned().unwrap_or_default());
            }
            Some("content_block_delta") => {
                if let (Some(block), Value::Object(delta)) = (blocks.get_mut(&index), event["delta"].take()) {
                    add_block_delta(block, delta);
                }
            }
            Some("message_delta") => {
                let Some(message) = &mut message else { continue };
                if let Value::Object(delta) = event["delta"].take() {
                    message.extend(delta);
                }
                if let (Value::Object(usage), Some(Value::Object(to))) =
                    (event["usage"].take(), message.get_mut("usage"))
                {
                    to.extend(usage);
                }
            }
            _ => {}
        }
    }
    let mut message = message?;
    for block in blocks.values_mut() {
        if let Some(Value::String(partial)) = block.remove("partial_json") {
            block
                .insert("input".to_owned(), serde_json::from_str(&partial).unwrap_or(Value::String(partial)));
        }
    }
    message.insert("content".to_owned(), blocks.into_values().collect());
    Some(message.into())
}

fn add_block_delta(block: &mut Map<String, Value>, delta: Map<String, Value>) {
    for (name, value) in delta {
        match (name.as_str(), value) {
            ("type", _) => {}
            (_, Value::String(text)) => append(block, &name, text),
            (_, value) => drop(block.insert(name, value)),
        }
    }
}

/// An answer as a stream of the endpoint's, for one whose text was changed after it was held.
#[must_use]
pub fn streamed(endpoint: Endpoint, answer: &Value) -> Bytes {
    let events = match endpoint {
        Endpoint::Messages => message_events(answer),
        _ => chunks(endpoint, answer),
    };
    events.concat().into()
}

fn chunks(endpoint: Endpoint, answer: &Value) -> Vec<String> {
    let none = Vec::new();
    let choices = answer.get("choices").and_then(Value::as_array).unwrap_or(&none);
    let mut events = Vec::new();
    let mut chunk = |choices: Value| {
        let mut chunk = answer.as_object().cloned().unwrap_or_default();
        if endpoint == Endpoint::ChatCompletions {
            chunk.insert("object".to_owned(), "chat.completion.chunk".into());
        }
        chunk.insert("choices".to_owned(), choices);
        events.push(format!("data: {}\n\n", Value::from(chunk)));
    };
    for (i, choice) in choices.iter().enumerate() {
        let index = choice.get("index").cloned().unwrap_or_else(|| i.into());
        if endpoint == Endpoint::ChatCompletions {
            chunk(json!([{"index": index, "delta": delta(&choice["message"]), "finish_reason": null}]));
            chunk(json!([{"index": index, "delta": {}, "finish_reason": choice["finish_reason"]}]));
        } else {
            chunk(json!([choice]));
        }
    }
    events.push("data: [DONE]\n\n".to_owned());
    events
}

/// A message as one delta: its tool calls say where they are.
fn delta(message: &Value) -> Value {
    let mut delta = message.clone();
    let calls = delta.get_mut("tool_calls").and_then(Value::as_array_mut);
    for (i, call) in calls.into_iter().flatten().enumerate() {
        if let Some(call) = call.as_object_mut() {
            call.insert("index".to_owned(), i.into());
        }
    }
    delta
}

fn message_events(answer: &Value) -> Vec<String> {
    let event =
        |data: Value| format!("event: {}\ndata: {data}\n\n", data["type"].as_str().unwrap_or_default());
    let mut start = answer.clone();
    if let Some(start) = start.as_object_mut() {
        start.insert("content".to_owned(), json!([]));
        start.insert("stop_reason".to_owned(), Value::Null);
    }
    let mut events = vec![event(json!({"type": "message_start", "message": start}))];
    let none = Vec::new();
    let blocks = answer.get("content").and_then(Value::as_array).unwrap_or(&none);
    for (index, block) in blocks.iter().enumerate() {
        let mut begun = block.clone();
        let delta = match block.get("type").and_then(Value::as_str) {
            Some("text") => {
                begun["text"] = "".into();
                Some(json!({"type": "text_delta", "text": block["text"]}))
            }
            Some("tool_use") => {
                begun["input"] = json!({});
                Some(json!({"type": "input_json_delta", "partial_json": block["input"].to_string()}))
            }
            _ => None,
        };
        events.push(event(json!({"type": "content_block_start", "index": index, "content_block": begun})));
        events.extend(
            delta.map(|delta| event(json!({"type": "content_block_delta", "index": index, "delta": delta}))),
        );
        events.push(event(json!({"type": "content_block_stop", "index": index})));
    }
    let delta = json!({"stop_reason": answer["stop_reason"], "stop_sequence": answer["stop_sequence"]});
    events.push(event(json!({"type": "message_delta", "delta": delta, "usage": answer["usage"]})));
    events.push(event(json!({"type": "message_stop"})));
    events
}

#[cfg(test)]
mod tests;
