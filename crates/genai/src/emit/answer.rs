//! An answer, from its one body or put together from the events of its stream: `OpenAI`'s chats, completions and
//! responses, and Anthropic's messages.

use std::collections::BTreeMap;

use providers::{Endpoint, sse};
use serde_json::{Map, Value, json};

use super::attributes::Attributes;
use super::parameters::is_generation;
use super::parts::{self, Part};
use crate::names;

const FIELDS: [&str; 15] = [
    "id",
    "type",
    "choices",
    "content",
    "content_block",
    "delta",
    "message",
    "response",
    "output",
    "stop_reason",
    "status",
    "incomplete_details",
    "service_tier",
    "system_fingerprint",
    "role",
];

/// What was read so far.
#[derive(Default)]
pub(super) struct Answer {
    id: Option<String>,
    service_tier: Option<String>,
    system_fingerprint: Option<String>,
    choices: BTreeMap<u64, Choice>,
    /// Whether what was said is kept, or only how it ended.
    content: bool,
}

/// One of the answers that were asked for.
#[derive(Default)]
struct Choice {
    parts: Vec<Part>,
    finish_reason: Option<String>,
}

impl Answer {
    pub fn of(endpoint: Endpoint, body: &[u8], streamed: bool, content: bool) -> Self {
        let mut answer = Self { content, ..Self::default() };
        if !is_generation(endpoint) {
            return answer;
        }
        if !streamed {
            answer.take(&providers::fields(body, &FIELDS));
            return answer;
        }
        for event in sse::events(body) {
            let document = providers::fields(event.data.as_bytes(), &FIELDS);
            // Some providers end an event with a single line feed, so that one may hold several documents.
            if document.is_empty() && event.data.contains('\n') {
                event.data.lines().for_each(|line| answer.take(&providers::fields(line.as_bytes(), &FIELDS)));
            } else {
                answer.take(&document);
            }
        }
        answer
    }

    pub fn add(&self, attributes: &mut Attributes) {
        attributes.text_if(names::RESPONSE_ID, self.id.as_deref());
        let reasons = self.choices.values().filter_map(|choice| choice.finish_reason.as_deref());
        attributes.texts(names::RESPONSE_FINISH_REASONS, reasons);
        attributes.text_if(names::OPENAI_RESPONSE_SERVICE_TIER, self.service_tier.as_deref());
        attributes.text_if(names::OPENAI_RESPONSE_SYSTEM_FINGERPRINT, self.system_fingerprint.as_deref());
    }

    /// The output messages: one for each choice that has something to say.
    pub fn messages(self) -> Vec<Value> {
        let said = self.choices.into_values().filter(|choice| !choice.parts.is_empty());
        let message = |choice: Choice| {
            let parts: Vec<_> = choice.parts.into_iter().map(Part::into_json).collect();
            // An answer that ends without a reason was broken off.
            let reason = choice.finish_reason.as_deref().map_or("error", finish_reason);
            json!({ "role": "assistant", "parts": parts, "finish_reason": reason })
        };
        said.map(message).collect()
    }

    fn take(&mut self, document: &Map<String, Value>) {
        let kind = document.get("type").and_then(Value::as_str).unwrap_or_default();
        if let Some(response) = document.get("response").and_then(Value::as_object) {
            // The last event of a response has all of it once more.
            if response.get("output").and_then(Value::as_array).is_some_and(|output| !output.is_empty()) {
                self.choices.clear();
            }
            self.take(response);
        }
        if let Some(message) = document.get("message").and_then(Value::as_object) {
            self.take(message);
        }
        for (slot, name) in [
            (&mut self.id, "id"),
            (&mut self.service_tier, "service_tier"),
            (&mut self.system_fingerprint, "system_fingerprint"),
        ] {
            let said = document.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
            *slot = slot.take().or_else(|| said.map(str::to_owned));
        }
        for (position, choice) in (0..).zip(items(document.get("choices"))) {
            self.take_choice(choice.get("index").and_then(Value::as_u64).unwrap_or(position), choice);
        }
        self.take_blocks(kind, document);
        self.take_output(document);
    }

    /// A choice of a chat or a completion, whole or the next bit of it.
    fn take_choice(&mut self, index: u64, from: &Value) {
        let keep = self.content;
        let choice = self.choices.entry(index).or_default();
        choice.finish(from.get("finish_reason"));
        if !keep {
            return;
        }
        let said = from.get("message").or_else(|| from.get("delta"));
        if let Some(message) = said {
            let reasoning = message.get("reasoning_content").or_else(|| message.get("reasoning"));
            parts::reasoning(&mut choice.parts, reasoning.and_then(Value::as_str).unwrap_or_default());
            match message.get("content") {
                Some(Value::String(text)) => parts::text(&mut choice.parts, text),
                Some(Value::Array(content)) => choice.parts.extend(content.iter().map(Part::of)),
                _ => {}
            }
            parts::text(
                &mut choice.parts,
                message.get("refusal").and_then(Value::as_str).unwrap_or_default(),
            );
            for call in items(message.get("tool_calls")) {
                parts::call(&mut choice.parts, call.get("index").and_then(Value::as_u64), call);
            }
            if let Some(call) = message.get("function_call").filter(|call| call.is_object()) {
                parts::call(&mut choice.parts, Some(0), &json!({ "function": call }));
            }
        }
        parts::text(&mut choice.parts, from.get("text").and_then(Value::as_str).unwrap_or_default());
    }

    /// Anthropic's blocks, whole or as they come.
    fn take_blocks(&mut self, kind: &str, document: &Map<String, Value>) {
        let delta = document.get("delta");
        let reason = document.get("stop_reason").or_else(|| delta?.get("stop_reason"));
        if let Some(reason) = reason.filter(|reason| reason.is_string()) {
            self.choices.entry(0).or_default().finish(Some(reason));
        }
        if !self.content {
            return;
        }
        let blocks = items(document.get("content")).chain(document.get("content_block"));
        let blocks: Vec<_> = blocks.map(Part::of).collect();
        if !blocks.is_empty() {
            self.choices.entry(0).or_default().parts.extend(blocks);
        }
        let Some(delta) = delta else { return };
        let said = |name: &str| delta.get(name).and_then(Value::as_str).unwrap_or_default();
        match (kind, delta.get("type").and_then(Value::as_str)) {
            (_, Some("text_delta")) => {
                parts::text(&mut self.choices.entry(0).or_default().parts, said("text"));
            }
            (_, Some("thinking_delta")) => {
                parts::reasoning(&mut self.choices.entry(0).or_default().parts, said("thinking"));
            }
            (_, Some("input_json_delta")) => {
                parts::arguments(&mut self.choices.entry(0).or_default().parts, said("partial_json"));
            }
            ("response.output_text.delta", _) => {
                let text = delta.as_str().unwrap_or_default();
                parts::text(&mut self.choices.entry(0).or_default().parts, text);
            }
            _ => {}
        }
    }

    /// The items of a response.
    fn take_output(&mut self, document: &Map<String, Value>) {
        let Some(output) = document.get("output").and_then(Value::as_array) else { return };
        let keep = self.content;
        let choice = self.choices.entry(0).or_default();
        let incomplete = document.get("incomplete_details").and_then(|details| details.get("reason"));
        let status = document.get("status").filter(|status| *status != "in_progress");
        choice.finish(incomplete.or(status));
        if keep {
            choice.parts.extend(output.iter().flat_map(parts::of_item));
        }
    }
}

impl Choice {
    fn finish(&mut self, reason: Option<&Value>) {
        if let Some(reason) = reason.and_then(Value::as_str).filter(|reason| !reason.is_empty()) {
            self.finish_reason = Some(reason.to_owned());
        }
    }
}

/// The conventions' word for a provider's.
fn finish_reason(reason: &str) -> &str {
    match reason {
        "end_turn" | "stop_sequence" | "completed" => "stop",
        "max_tokens" | "max_output_tokens" => "length",
        "tool_calls" | "tool_use" | "function_call" => "tool_call",
        "refusal" => "content_filter",
        "failed" | "cancelled" => "error",
        other => other,
    }
}

fn items(list: Option<&Value>) -> impl Iterator<Item = &Value> {
    list.and_then(Value::as_array).into_iter().flatten()
}
