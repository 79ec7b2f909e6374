//! The texts of a call, as somebody would look for them: what was asked and what was answered, in whichever of the dialects.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::answer::each_document;
use crate::object::fields;

/// Where a request has its texts. Not in `tools`, which say the same in each call.
const ASKED: [&str; 7] = ["system", "instructions", "messages", "contents", "prompt", "input", "query"];

/// Where an answer, or an event of one, has its texts, and which part of the answer the event is of.
const ANSWERED: [&str; 15] = [
    "choices",
    "message",
    "response",
    "content",
    "content_block",
    "candidates",
    "output",
    "delta",
    "text",
    "refusal",
    "error",
    "detail",
    "index",
    "output_index",
    "content_index",
];

/// What tells the parts of an answer apart whose fragments come by turns.
const INDEXES: [&str; 3] = ["index", "output_index", "content_index"];

/// The fields whose strings are texts. Others name, choose or point to something, or are data in base64.
const TEXTS: [&str; 18] = [
    "system",
    "instructions",
    "prompt",
    "input",
    "query",
    "content",
    "text",
    "output",
    "delta",
    "refusal",
    "reasoning",
    "reasoning_content",
    "thinking",
    "transcript",
    "name",
    "arguments",
    "partial_json",
    "message",
];

/// What a request asks: its messages, prompt or input, a text a line. A body may be cut short; of one that is no JSON there is none.
#[must_use]
pub fn request_text(request: &[u8]) -> String {
    let mut texts = Texts::default();
    texts.document(&fields(request, &ASKED));
    texts.joined()
}

/// What an answer says, all of its choices, its reasoning, calls of tools and errors, a text a line. `response` is JSON, or a whole
/// event stream when `sse`: what comes there in fragments is put together again.
#[must_use]
pub fn answer_text(response: &[u8], sse: bool) -> String {
    let mut texts = Texts { of_events: sse, ..Texts::default() };
    each_document(response, sse, |document| texts.document(&fields(document.as_bytes(), &ANSWERED)));
    texts.joined()
}

/// A part of an answer, and which of its fields.
type Place = (u64, &'static str);

#[derive(Default)]
struct Texts {
    of_events: bool,
    whole: String,
    /// Of events: what has come of each so far.
    fragments: BTreeMap<Place, String>,
}

impl Texts {
    fn document(&mut self, root: &Map<String, Value>) {
        self.object(root, 0);
    }

    fn object(&mut self, object: &Map<String, Value>, within: u64) {
        let indexes = INDEXES.iter().filter_map(|name| object.get(*name)?.as_u64());
        let at = indexes.fold(within, |at, index| at.wrapping_mul(31).wrapping_add(index).wrapping_add(1));
        for (name, value) in object {
            let field = TEXTS.iter().copied().find(|text| text == name);
            self.value(field.or((name == "error" || name == "detail").then_some("message")), value, at);
        }
    }

    fn value(&mut self, field: Option<&'static str>, value: &Value, at: u64) {
        match (value, field) {
            (Value::String(text), Some(field)) => self.push((at, field), text),
            (Value::Array(items), _) => {
                for item in items {
                    let field = field.filter(|_| !item.is_object());
                    self.value(field, item, at);
                }
            }
            // The arguments of a tool, where they are no text as with others.
            (Value::Object(_), Some(field @ "input")) => self.push((at, field), &value.to_string()),
            (Value::Object(object), _) => self.object(object, at),
            _ => {}
        }
    }

    fn push(&mut self, place: Place, text: &str) {
        if self.of_events {
            self.fragments.entry(place).or_default().push_str(text);
        } else {
            self.whole.push_str(text);
            self.whole.push('\n');
        }
    }

    fn joined(mut self) -> String {
        for text in self.fragments.values() {
            self.whole.push_str(text);
            self.whole.push('\n');
        }
        self.whole
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn sorted(texts: &str) -> Vec<String> {
        let mut lines: Vec<_> = texts.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    }

    fn asked(body: &Value) -> Vec<String> {
        sorted(&request_text(body.to_string().as_bytes()))
    }

    fn answered(body: &Value) -> Vec<String> {
        sorted(&answer_text(body.to_string().as_bytes(), false))
    }

    fn streamed(events: &[Value]) -> Vec<String> {
        let ended = events.iter().map(ToString::to_string).chain(["[DONE]".to_owned()]);
        let body: Vec<String> = ended.map(|event| format!("data: {event}\n\n")).collect();
        sorted(&answer_text(body.concat().as_bytes(), true))
    }

    #[test]
    fn a_request_has_the_texts_of_its_dialect_and_neither_names_of_models_nor_data() {
        let tools =
            json!([{"type": "function", "function": {"name": "look_up", "description": "Not this."}}]);
        let chat = json!({
            "model": "gpt-4o", "user": "u", "tools": tools,
            "messages": [
                {"role": "system", "content": "Be short."},
                {"role": "user", "content": [
                    {"type": "text", "text": "What is this?"},
                    {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
                ]},
                {"role": "assistant", "content": null, "tool_calls": [
                    {"id": "call_1", "function": {"name": "look_up", "arguments": "{\"of\":\"it\"}"}},
                ]},
            ],
        });
        assert_eq!(asked(&chat), ["Be short.", "What is this?", "look_up", "{\"of\":\"it\"}"]);
        let anthropic = json!({
            "system": "Be long.", "max_tokens": 5,
            "messages": [
                {"role": "user", "content": "Hi"},
                {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "add", "input": {"n": "seven"}}]},
                {"role": "user", "content": [{"type": "image", "source": {"type": "base64", "data": "AAAA"}}]},
            ],
        });
        assert_eq!(asked(&anthropic), ["Be long.", "Hi", "add", "{\"n\":\"seven\"}"]);
        for (body, texts) in [
            (json!({"prompt": "Once"}), vec!["Once"]),
            (json!({"prompt": ["Once", "Twice"], "suffix": "x"}), vec!["Once", "Twice"]),
            (json!({"input": ["a", "b"]}), vec!["a", "b"]),
            (json!({"input": [1, 2]}), vec![]),
            (
                json!({"instructions": "Do.", "input": [{"role": "user", "content": [{"type": "input_text", "text": "it"}]}]}),
                vec!["Do.", "it"],
            ),
            (json!({"contents": [{"parts": [{"text": "Hello"}]}]}), vec!["Hello"]),
            (json!({"metadata": {"text": "not this"}}), vec![]),
            (json!(["messages"]), vec![]),
        ] {
            assert_eq!(asked(&body), texts, "{body}");
        }
        assert_eq!(request_text(b"{\"messages\": [{\"content\": \"cut sho"), "cut sho\n");
        assert_eq!(request_text(b"\xff\xfe"), "");
    }

    #[test]
    fn an_answer_has_the_texts_of_its_dialect() {
        for (body, texts) in [
            (
                json!({"id": "x", "model": "m", "choices": [
                    {"index": 0, "message": {"role": "assistant", "content": "One", "refusal": null}, "finish_reason": "stop"},
                    {"index": 1, "message": {"content": "Two"}},
                ]}),
                vec!["One", "Two"],
            ),
            (json!({"choices": [{"text": "Once"}]}), vec!["Once"]),
            (
                json!({"content": [{"type": "thinking", "thinking": "Hm"}, {"type": "text", "text": "Yes"}]}),
                vec!["Hm", "Yes"],
            ),
            (json!({"output": [{"content": [{"type": "output_text", "text": "Done"}]}]}), vec!["Done"]),
            (json!({"candidates": [{"content": {"parts": [{"text": "Hello"}]}}]}), vec!["Hello"]),
            (json!({"text": "what was said"}), vec!["what was said"]),
            (
                json!({"error": {"message": "Rate limit reached", "type": "requests", "code": null}}),
                vec!["Rate limit reached"],
            ),
            (json!({"error": "no such model"}), vec!["no such model"]),
            (json!({"data": [{"embedding": [0.5], "b64_json": "AAAA"}]}), vec![]),
        ] {
            assert_eq!(answered(&body), texts, "{body}");
        }
    }

    #[test]
    fn what_a_stream_brings_in_fragments_by_turns_is_put_together() {
        let chunk =
            |index: u64, text: &str| json!({"choices": [{"index": index, "delta": {"content": text}}]});
        let chat = [
            chunk(0, "Good mor"),
            chunk(1, "Bon"),
            chunk(0, "ning"),
            json!({"choices": [{"index": 0, "delta": {"reasoning_content": "Hm"}}]}),
            chunk(1, "jour"),
            json!({"choices": [], "usage": {"total_tokens": 7}}),
        ];
        assert_eq!(streamed(&chat), ["Bonjour", "Good morning", "Hm"]);
        let anthropic = [
            json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
            json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Good mor"}}),
            json!({"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": "{\"a\""}}),
            json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "ning"}}),
        ];
        assert_eq!(streamed(&anthropic), ["Good morning", "{\"a\""]);
        let responses = [
            json!({"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": "Good mor"}),
            json!({"type": "response.output_text.delta", "output_index": 1, "content_index": 0, "delta": "Bon"}),
            json!({"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": "ning"}),
        ];
        assert_eq!(streamed(&responses), ["Bon", "Good morning"]);
    }
}
