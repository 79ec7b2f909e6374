//! One message, in whatever shape an instrumentation gives it, in that of `OpenAI`'s chat.

use serde_json::{Map, Value, json};

use super::attributes::{numbered, structure};

/// A message, and why it ended where it is an answer.
pub(super) struct Message {
    pub body: Map<String, Value>,
    pub finish_reason: Option<String>,
}

impl Message {
    /// A text in a role.
    pub fn of_text(role: &str, text: impl Into<Value>) -> Self {
        let body = [("role".to_owned(), role.into()), ("content".to_owned(), text.into())];
        Self { body: body.into_iter().collect(), finish_reason: None }
    }

    /// Of any shape; a message with answers of several tools is one for each. None of what is no message.
    pub fn all_of(value: &Value, role: &str) -> Vec<Self> {
        // OpenInference has a level more.
        let value = value
            .get("message")
            .filter(|inner| inner.is_object() && value.get("role").is_none())
            .unwrap_or(value);
        match value {
            Value::String(text) => vec![Self::of_text(role, text.as_str())],
            Value::Object(fields) if fields.contains_key("parts") => of_parts(fields, role),
            Value::Object(fields) => vec![Self::of_fields(fields, role)],
            _ => Vec::new(),
        }
    }

    /// `OpenAI`'s own shape, `OpenInference`'s and `Traceloop`'s.
    fn of_fields(fields: &Map<String, Value>, role: &str) -> Self {
        let mut body = Map::new();
        body.insert(
            "role".to_owned(),
            fields.get("role").filter(|it| it.is_string()).cloned().unwrap_or(role.into()),
        );
        for name in ["name", "tool_call_id"] {
            if let Some(text) = fields.get(name).filter(|it| it.is_string()) {
                body.insert(name.to_owned(), text.clone());
            }
        }
        body.insert("content".to_owned(), content(fields));
        let calls = fields.get("tool_calls").map(parsed);
        let calls: Vec<Value> = calls.iter().flat_map(numbered).map(tool_call).collect();
        if !calls.is_empty() {
            body.insert("tool_calls".to_owned(), calls.into());
        }
        Self { body, finish_reason: reason(fields) }
    }

    pub fn into_value(self) -> Value {
        Value::Object(self.body)
    }

    pub fn role(&self) -> &str {
        self.body.get("role").and_then(Value::as_str).unwrap_or_default()
    }
}

/// The conventions' word in `OpenAI`'s.
pub(super) fn finish_reason(word: &str) -> String {
    match word {
        "tool_call" => "tool_calls".to_owned(),
        other => other.to_owned(),
    }
}

fn reason(fields: &Map<String, Value>) -> Option<String> {
    fields.get("finish_reason").and_then(Value::as_str).filter(|word| !word.is_empty()).map(finish_reason)
}

fn parsed(value: &Value) -> Value {
    structure(value).unwrap_or_else(|| value.clone())
}

/// A text, or the parts that it is made of.
fn content(fields: &Map<String, Value>) -> Value {
    if let Some(parts) = fields.get("contents") {
        return numbered(parts).into_iter().map(openinference_part).collect();
    }
    match fields.get("content") {
        // Traceloop writes parts into a text.
        Some(Value::String(text)) => match structure(&Value::String(text.clone())) {
            Some(Value::Array(parts))
                if !parts.is_empty() && parts.iter().all(|part| part.get("type").is_some()) =>
            {
                parts.into()
            }
            _ => text.as_str().into(),
        },
        Some(other) => other.clone(),
        None => Value::Null,
    }
}

fn openinference_part(part: &Value) -> Value {
    let part = part.get("message_content").unwrap_or(part);
    match part["type"].as_str() {
        Some("image") => {
            let url = part.pointer("/image/image/url").or_else(|| part.pointer("/image/url"));
            json!({"type": "image_url", "image_url": {"url": url}})
        }
        _ => part.clone(),
    }
}

/// Of `OpenAI`'s shape, or with its name and arguments at the top.
fn tool_call(call: &Value) -> Value {
    let call = call.get("tool_call").unwrap_or(call);
    let function = call.get("function").filter(|it| it.is_object()).unwrap_or(call);
    let arguments = arguments(function.get("arguments"));
    json!({"id": call.get("id"), "type": "function", "function": {"name": function.get("name"), "arguments": arguments}})
}

/// A text with JSON in it, as `OpenAI` has them.
fn arguments(value: Option<&Value>) -> Value {
    match value {
        None | Some(Value::Null) => "".into(),
        Some(Value::String(text)) => text.as_str().into(),
        Some(other) => other.to_string().into(),
    }
}

/// The shape of the conventions since v1.37: a role and parts.
fn of_parts(fields: &Map<String, Value>, role: &str) -> Vec<Message> {
    let role = fields.get("role").and_then(Value::as_str).unwrap_or(role);
    let (mut content, mut calls, mut reasoning, mut answers) =
        (Vec::new(), Vec::new(), String::new(), Vec::new());
    for part in fields.get("parts").map(numbered).unwrap_or_default() {
        match part["type"].as_str() {
            Some("text") => content.push(json!({"type": "text", "text": part["content"]})),
            Some("reasoning") => reasoning.push_str(part["content"].as_str().unwrap_or_default()),
            Some("tool_call") => calls.push(tool_call(part)),
            Some("tool_call_response") => answers.push(tool_answer(part)),
            _ => content.push(media(part)),
        }
    }
    if content.is_empty() && calls.is_empty() && reasoning.is_empty() && !answers.is_empty() {
        return answers;
    }
    let mut message = Message::of_text(role, joined(content));
    message.finish_reason = reason(fields);
    if let Some(name) = fields.get("name").filter(|name| name.is_string()) {
        message.body.insert("name".to_owned(), name.clone());
    }
    if !reasoning.is_empty() {
        message.body.insert("reasoning_content".to_owned(), reasoning.into());
    }
    if !calls.is_empty() {
        message.body.insert("tool_calls".to_owned(), calls.into());
    }
    answers.push(message);
    answers
}

/// One text is the content itself.
fn joined(mut parts: Vec<Value>) -> Value {
    match parts.as_mut_slice() {
        [] => Value::Null,
        [only] if only["type"] == "text" => only["text"].take(),
        _ => parts.into(),
    }
}

fn tool_answer(part: &Value) -> Message {
    // `result` until v1.37.
    let response = part.get("response").or_else(|| part.get("result"));
    let mut message = Message::of_text("tool", arguments(response));
    if let Some(id) = part.get("id").filter(|id| id.is_string()) {
        message.body.insert("tool_call_id".to_owned(), id.clone());
    }
    message
}

fn media(part: &Value) -> Value {
    let text = |name: &str| part[name].as_str();
    match (text("type"), text("modality").unwrap_or("image")) {
        (Some("uri"), "image") => json!({"type": "image_url", "image_url": {"url": part["uri"]}}),
        (Some("blob"), "image") => {
            let (kind, content) =
                (text("mime_type").unwrap_or("image/png"), text("content").unwrap_or_default());
            json!({"type": "image_url", "image_url": {"url": format!("data:{kind};base64,{content}")}})
        }
        (Some("file"), _) => json!({"type": "file", "file": {"file_id": part["file_id"]}}),
        _ => part.clone(),
    }
}
