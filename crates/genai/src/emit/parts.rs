//! The parts of messages, from the providers' shapes to the conventions' (v1.41.1, "Gen AI input messages" schema).

use serde_json::{Map, Value, json};

/// One part. What an answer's stream adds to is kept apart from what is whole.
pub(super) enum Part {
    Text(String),
    Reasoning(String),
    Call {
        /// Its number among the calls of a stream.
        index: Option<u64>,
        id: Option<String>,
        name: String,
        /// JSON, as it came.
        arguments: String,
    },
    Whole(Value),
}

impl Part {
    /// A part of a message's content, in the shape of `OpenAI`'s chats, its responses, or Anthropic's messages. What is
    /// not known stays as it is: the schema allows any type.
    pub fn of(part: &Value) -> Self {
        let text = |name: &str| part.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        match part.get("type").and_then(Value::as_str) {
            None => Self::Text(part.as_str().map_or_else(|| text("text"), str::to_owned)),
            Some("text" | "input_text" | "output_text" | "summary_text") => Self::Text(text("text")),
            Some("refusal") => Self::Text(text("refusal")),
            Some("thinking") => Self::Reasoning(text("thinking")),
            Some("tool_use") => Self::Call {
                index: None,
                id: Some(text("id")),
                name: text("name"),
                // A stream starts with an empty object, and then says what is in it.
                arguments: part
                    .get("input")
                    .filter(|input| **input != json!({}))
                    .map(Value::to_string)
                    .unwrap_or_default(),
            },
            Some(kind) => Self::Whole(media(kind, part).unwrap_or_else(|| part.clone())),
        }
    }

    pub fn into_json(self) -> Value {
        match self {
            Self::Text(content) => json!({ "type": "text", "content": content }),
            Self::Reasoning(content) => json!({ "type": "reasoning", "content": content }),
            Self::Call { id, name, arguments, .. } => {
                let mut part = Map::from_iter([("type".to_owned(), "tool_call".into())]);
                part.extend(id.map(|id| ("id".to_owned(), id.into())));
                part.insert("name".to_owned(), name.into());
                let arguments = match arguments.as_str() {
                    "" => json!({}),
                    text => serde_json::from_str(text).unwrap_or(Value::String(arguments)),
                };
                part.insert("arguments".to_owned(), arguments);
                part.into()
            }
            Self::Whole(part) => part,
        }
    }
}

/// Adds text to what is being said.
pub(super) fn text(parts: &mut Vec<Part>, more: &str) {
    match parts.last_mut() {
        _ if more.is_empty() => {}
        Some(Part::Text(text)) => text.push_str(more),
        _ => parts.push(Part::Text(more.to_owned())),
    }
}

/// Adds to what is being thought.
pub(super) fn reasoning(parts: &mut Vec<Part>, more: &str) {
    match parts.last_mut() {
        _ if more.is_empty() => {}
        Some(Part::Reasoning(text)) => text.push_str(more),
        _ => parts.push(Part::Reasoning(more.to_owned())),
    }
}

/// Adds to the arguments of the call that is being written.
pub(super) fn arguments(parts: &mut [Part], more: &str) {
    if let Some(Part::Call { arguments, .. }) = parts.last_mut() {
        arguments.push_str(more);
    }
}

/// Adds a call of a tool, or to the one with this number.
pub(super) fn call(parts: &mut Vec<Part>, number: Option<u64>, call: &Value) {
    let function = call.get("function").or_else(|| call.get("custom")).unwrap_or(call);
    let said = function.get("arguments").or_else(|| function.get("input"));
    let said =
        said.map(|said| said.as_str().map_or_else(|| said.to_string(), str::to_owned)).unwrap_or_default();
    let begun = parts.iter_mut().rev().find_map(|part| match part {
        Part::Call { index, arguments, .. } if number.is_some() && *index == number => Some(arguments),
        _ => None,
    });
    if let Some(arguments) = begun {
        return arguments.push_str(&said);
    }
    let id = call.get("id").or_else(|| call.get("call_id")).and_then(Value::as_str).map(str::to_owned);
    let name = function.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
    parts.push(Part::Call { index: number, id, name, arguments: said });
}

/// The parts of a message's content: a text, or a list.
pub(super) fn of_content(content: &Value) -> Vec<Part> {
    match content {
        Value::String(text) => vec![Part::Text(text.clone())],
        Value::Array(parts) => parts.iter().map(Part::of).collect(),
        _ => Vec::new(),
    }
}

/// The parts of an item of a response.
pub(super) fn of_item(item: &Value) -> Vec<Part> {
    match item.get("type").and_then(Value::as_str) {
        Some("message") | None => item.get("content").map(of_content).unwrap_or_default(),
        Some("function_call") => {
            let mut parts = Vec::new();
            // `id` is the item's; `call_id` is what the answer refers to.
            let id = item.get("call_id").cloned().unwrap_or_default();
            let function = json!({ "name": item.get("name"), "arguments": item.get("arguments") });
            call(&mut parts, None, &json!({ "id": id, "function": function }));
            parts
        }
        Some("function_call_output") => {
            vec![Part::Whole(response(item.get("call_id"), item.get("output")))]
        }
        Some("reasoning") => {
            let summary = item.get("summary").and_then(Value::as_array).into_iter().flatten();
            summary.filter_map(|part| Some(Part::Reasoning(part.get("text")?.as_str()?.to_owned()))).collect()
        }
        Some(_) => vec![Part::Whole(item.clone())],
    }
}

/// What a tool answered.
pub(super) fn response(id: Option<&Value>, response: Option<&Value>) -> Value {
    json!({ "type": "tool_call_response", "id": id, "response": response })
}

/// Pictures, sound, files, and a tool's answer among them.
fn media(kind: &str, part: &Value) -> Option<Value> {
    let text = |of: &Value, name: &str| of.get(name).and_then(Value::as_str).map(str::to_owned);
    match kind {
        "image_url" | "input_image" => {
            let url = part.get("image_url")?;
            let url = url.as_str().map(str::to_owned).or_else(|| text(url, "url"))?;
            Some(located("image", &url))
        }
        "input_audio" => {
            let audio = part.get("input_audio")?;
            let mime = text(audio, "format").map(|format| format!("audio/{format}"));
            Some(
                json!({ "type": "blob", "modality": "audio", "mime_type": mime, "content": text(audio, "data")? }),
            )
        }
        "file" | "input_file" => {
            let id = text(part.get("file").unwrap_or(part), "file_id")?;
            Some(json!({ "type": "file", "modality": "document", "file_id": id }))
        }
        "image" | "document" => {
            let (source, kind) = (part.get("source")?, if kind == "image" { "image" } else { "document" });
            if let Some(url) = text(source, "url") {
                return Some(located(kind, &url));
            }
            let mime = text(source, "media_type");
            Some(
                json!({ "type": "blob", "modality": kind, "mime_type": mime, "content": text(source, "data")? }),
            )
        }
        "tool_result" => Some(response(part.get("tool_use_id"), part.get("content"))),
        _ => None,
    }
}

/// What a URL points to, or holds.
fn located(modality: &str, url: &str) -> Value {
    let held = url.strip_prefix("data:").and_then(|rest| rest.split_once(";base64,"));
    match held {
        Some((mime, content)) => {
            json!({ "type": "blob", "modality": modality, "mime_type": mime, "content": content })
        }
        None => json!({ "type": "uri", "modality": modality, "uri": url }),
    }
}
