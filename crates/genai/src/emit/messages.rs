//! What was said, as the JSON of the conventions.

use providers::Endpoint;
use serde_json::{Map, Value, json};

use super::answer::Answer;
use super::attributes::Attributes;
use super::bound;
use super::parts::{self, Part};
use crate::names;

/// Adds what there is, each bounded to `max` bytes.
pub(super) fn add(
    endpoint: Endpoint,
    request: &Map<String, Value>,
    answer: Answer,
    max: usize,
    attributes: &mut Attributes,
) {
    let told = [
        (names::SYSTEM_INSTRUCTIONS, instructions(request)),
        (names::INPUT_MESSAGES, input(endpoint, request)),
        (names::OUTPUT_MESSAGES, answer.messages()),
        (names::TOOL_DEFINITIONS, tools(request)),
    ];
    for (name, items) in told {
        if let Some(json) = bound::json(items, max) {
            attributes.whole_text(name, json);
        }
    }
}

/// Instructions that stand beside the messages: Anthropic's, and those of responses.
fn instructions(request: &Map<String, Value>) -> Vec<Value> {
    let given = request.get("system").or_else(|| request.get("instructions"));
    given.map(parts::of_content).unwrap_or_default().into_iter().map(Part::into_json).collect()
}

fn input(endpoint: Endpoint, request: &Map<String, Value>) -> Vec<Value> {
    let list = |name: &str| request.get(name).and_then(Value::as_array).into_iter().flatten();
    match endpoint {
        // Several prompts are several requests in one; several inputs are one.
        Endpoint::Completions => match request.get("prompt") {
            Some(prompt @ Value::String(_)) => vec![said("user", parts::of_content(prompt))],
            _ => list("prompt").map(|prompt| said("user", parts::of_content(prompt))).collect(),
        },
        Endpoint::Embeddings | Endpoint::CreateModelResponse => match request.get("input") {
            Some(input @ Value::String(_)) => vec![said("user", parts::of_content(input))],
            _ if endpoint == Endpoint::CreateModelResponse => list("input").map(item).collect(),
            _ => {
                let texts: Vec<_> = list("input").filter(|text| text.is_string()).map(Part::of).collect();
                if texts.is_empty() { Vec::new() } else { vec![said("user", texts)] }
            }
        },
        _ => list("messages").map(message).collect(),
    }
}

fn said(role: &str, parts: Vec<Part>) -> Value {
    let parts: Vec<_> = parts.into_iter().map(Part::into_json).collect();
    json!({ "role": role, "parts": parts })
}

/// A message of a chat, in `OpenAI`'s shape or Anthropic's.
fn message(message: &Value) -> Value {
    let role = message.get("role").and_then(Value::as_str).map_or("user", role);
    let mut parts = Vec::new();
    let reasoning = message.get("reasoning_content").and_then(Value::as_str);
    parts::reasoning(&mut parts, reasoning.unwrap_or_default());
    let content = message.get("content").filter(|content| !content.is_null());
    if role == "tool" {
        parts.push(Part::Whole(parts::response(message.get("tool_call_id"), content)));
    } else {
        parts.extend(content.map(parts::of_content).unwrap_or_default());
    }
    for call in message.get("tool_calls").and_then(Value::as_array).into_iter().flatten() {
        parts::call(&mut parts, None, call);
    }
    if let Some(call) = message.get("function_call").filter(|call| call.is_object()) {
        parts::call(&mut parts, None, &json!({ "function": call }));
    }
    let mut message_json = said(role, parts);
    if let Some(name) = message.get("name").filter(|name| name.is_string()) {
        message_json["name"] = name.clone();
    }
    message_json
}

/// An item of a response's input.
fn item(item: &Value) -> Value {
    let given = item.get("role").and_then(Value::as_str).map(role);
    let role = given.unwrap_or_else(|| match item.get("type").and_then(Value::as_str) {
        Some("function_call" | "reasoning") => "assistant",
        Some("function_call_output") => "tool",
        _ => "user",
    });
    said(role, parts::of_item(item))
}

/// The conventions' word for a role.
fn role(role: &str) -> &str {
    match role {
        "developer" => "system",
        "function" => "tool",
        other => other,
    }
}

/// The tools offered, in one shape: `{type, name, description, parameters}`.
fn tools(request: &Map<String, Value>) -> Vec<Value> {
    let list = |name: &str| request.get(name).and_then(Value::as_array).into_iter().flatten();
    list("tools").chain(list("functions")).map(tool).collect()
}

fn tool(tool: &Value) -> Value {
    let function = tool.get("function").unwrap_or(tool);
    let Some(name) = function.get("name").filter(|name| name.is_string()) else { return tool.clone() };
    let kind = tool.get("type").cloned().unwrap_or_else(|| "function".into());
    let mut definition = Map::from_iter([("type".to_owned(), kind), ("name".to_owned(), name.clone())]);
    let parameters = function.get("parameters").or_else(|| function.get("input_schema"));
    let described = [("description", function.get("description")), ("parameters", parameters)];
    definition
        .extend(described.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.clone()))));
    definition.into()
}
