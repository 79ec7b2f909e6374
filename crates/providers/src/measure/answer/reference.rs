//! The same by trees, as simple as can be: what the quick way is compared with.

use serde_json::{Map, Value};

use crate::object::fields;
use crate::sse;

/// The fields that say something; the rest (above all an embedding's numbers) is skipped unread.
const FIELDS: [&str; 10] = [
    "model",
    "usage",
    "x_groq",
    "choices",
    "stop_reason",
    "delta",
    "status",
    "incomplete_details",
    "message",
    "response",
];

/// What was read so far.
#[derive(Default)]
pub struct Answer {
    pub model: Option<String>,
    pub finish_reason: Option<String>,
    /// What the model wrote, all choices after one another: text, reasoning, refusals and tool calls.
    pub text: String,
    /// The provider's counts, merged over the events.
    pub counts: Map<String, Value>,
}

impl Answer {
    pub fn of_body(body: &[u8]) -> Self {
        let mut answer = Self::default();
        answer.take(&fields(body, &FIELDS));
        answer
    }

    pub fn of_stream(body: &[u8]) -> Self {
        let mut answer = Self::default();
        for event in sse::events(body) {
            // Some providers end an event with a single line feed, so that one may hold several documents.
            if serde_json::from_str::<serde::de::IgnoredAny>(&event.data).is_err()
                && event.data.contains('\n')
            {
                event.data.lines().for_each(|line| answer.take(&fields(line.as_bytes(), &FIELDS)));
            } else {
                answer.take(&fields(event.data.as_bytes(), &FIELDS));
            }
        }
        answer
    }

    fn take(&mut self, root: &Map<String, Value>) {
        // Anthropic's `message_start` and the responses endpoint's events wrap the answer.
        for wrapped in ["message", "response"].iter().filter_map(|name| root.get(*name)?.as_object()) {
            self.take(wrapped);
        }
        if let Some(model) = text_of(root.get("model")).filter(|_| self.model.is_none()) {
            self.model = Some(model.to_owned());
        }
        let groq = root.get("x_groq").and_then(|x| x.get("usage")); // Groq's streams
        for usage in [root.get("usage"), groq].into_iter().flatten().filter_map(Value::as_object) {
            self.count(usage);
        }
        for choice in root.get("choices").and_then(Value::as_array).into_iter().flatten() {
            self.take_choice(choice);
        }
        let stop = text_of(root.get("stop_reason"))
            .or_else(|| text_of(root.get("delta")?.get("stop_reason")))
            .or_else(|| text_of(root.get("incomplete_details")?.get("reason")))
            .or_else(|| text_of(root.get("status")).filter(|status| *status != "in_progress"));
        if let Some(reason) = stop {
            self.finish_reason = Some(reason.to_owned());
        }
    }

    /// Later counts replace earlier ones, for streams count up; but no count goes down, for Anthropic's last event may
    /// repeat the input as 0.
    fn count(&mut self, usage: &Map<String, Value>) {
        for (name, value) in usage.iter().filter(|(_, value)| !value.is_null()) {
            let before = self.counts.get(name).and_then(Value::as_f64);
            if !before.zip(value.as_f64()).is_some_and(|(before, now)| now < before) {
                self.counts.insert(name.clone(), value.clone());
            }
        }
    }

    fn take_choice(&mut self, choice: &Value) {
        if let Some(reason) = text_of(choice.get("finish_reason")) {
            self.finish_reason = Some(reason.to_owned());
        }
        if let Some(text) = text_of(choice.get("text")) {
            self.text.push_str(text);
        }
        for said in ["message", "delta"].iter().filter_map(|name| choice.get(*name)) {
            for name in ["content", "reasoning_content", "reasoning", "refusal"] {
                self.text.push_str(text_of(said.get(name)).unwrap_or_default());
            }
            for call in said.get("tool_calls").and_then(Value::as_array).into_iter().flatten() {
                for name in ["name", "arguments"] {
                    let part = call.get("function").and_then(|function| text_of(function.get(name)));
                    self.text.push_str(part.unwrap_or_default());
                }
            }
        }
    }
}

/// The text, unless it is empty: Azure and others send empty names in a stream's first chunk.
fn text_of(value: Option<&Value>) -> Option<&str> {
    value?.as_str().filter(|text| !text.is_empty())
}
