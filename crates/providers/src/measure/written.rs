//! What the model wrote, for answers whose tokens we count ourselves.

use serde_json::Value;

use super::answer::each_document;
use crate::object::fields;

/// All choices after one another: text, reasoning, refusals and tool calls.
pub(super) fn written(body: &[u8], sse: bool) -> String {
    let mut text = String::new();
    each_document(body, sse, |document| {
        let root = fields(document.as_bytes(), &["message", "response", "choices"]);
        let wrapped =
            ["message", "response"].map(|name| root.get(name).and_then(|inner| inner.get("choices")));
        let lists = wrapped.into_iter().chain([root.get("choices")]).flatten();
        for choice in lists.filter_map(Value::as_array).flatten() {
            push_choice(&mut text, choice);
        }
    });
    text
}

fn push_choice(text: &mut String, choice: &Value) {
    let mut push = |value: Option<&Value>| text.push_str(value.and_then(Value::as_str).unwrap_or_default());
    push(choice.get("text"));
    for said in ["message", "delta"].iter().filter_map(|name| choice.get(*name)) {
        for name in ["content", "reasoning_content", "reasoning", "refusal"] {
            push(said.get(name));
        }
        for call in said.get("tool_calls").and_then(Value::as_array).into_iter().flatten() {
            for name in ["name", "arguments"] {
                push(call.get("function").and_then(|function| function.get(name)));
            }
        }
    }
}
