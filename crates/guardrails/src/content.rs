//! Where the text under test is in a request and in an answer (contract: 6.2).

use providers::Endpoint;
use serde_json::Value;

use crate::Phase;

/// The text under test: the text parts of the last message, of the prompt, of the input, or of the first choice, a line each.
#[must_use]
pub fn text(endpoint: Endpoint, phase: Phase, json: &Value) -> String {
    let parts = places(endpoint, phase, json);
    let parts: Vec<&str> = parts
        .iter()
        .filter_map(|place| json.pointer(place)?.as_str())
        .filter(|part| !part.is_empty())
        .collect();
    parts.join("\n")
}

/// Puts what `edit` makes of each text part in its place; whether it made anything of any.
pub(crate) fn edit(
    endpoint: Endpoint,
    phase: Phase,
    json: &mut Value,
    mut edit: impl FnMut(&str) -> Option<String>,
) -> bool {
    let mut edited = false;
    for place in places(endpoint, phase, json) {
        if let Some(Value::String(part)) = json.pointer_mut(&place)
            && let Some(new) = edit(part)
        {
            *part = new;
            edited = true;
        }
    }
    edited
}

/// JSON pointers to the text parts.
fn places(endpoint: Endpoint, phase: Phase, json: &Value) -> Vec<String> {
    match (phase, endpoint) {
        (Phase::Input, Endpoint::ChatCompletions | Endpoint::Messages) => {
            let last = json.get("messages").and_then(Value::as_array).map_or(0, Vec::len);
            last.checked_sub(1).map_or_else(Vec::new, |i| parts(json, &format!("/messages/{i}/content")))
        }
        (Phase::Input, Endpoint::Completions) => parts(json, "/prompt"),
        (Phase::Input, Endpoint::Embeddings) => parts(json, "/input"),
        (Phase::Output, Endpoint::ChatCompletions) => parts(json, "/choices/0/message/content"),
        (Phase::Output, Endpoint::Completions) => parts(json, "/choices/0/text"),
        (Phase::Output, Endpoint::Messages) => parts(json, "/content"),
        _ => Vec::new(),
    }
}

/// A string, the strings of an array, or the `text` of its objects.
fn parts(json: &Value, at: &str) -> Vec<String> {
    let place = |(i, item): (usize, &Value)| match item {
        Value::String(_) => Some(format!("{at}/{i}")),
        Value::Object(part) if part.get("text").is_some_and(Value::is_string) => {
            Some(format!("{at}/{i}/text"))
        }
        _ => None,
    };
    match json.pointer(at) {
        Some(Value::String(_)) => vec![at.to_owned()],
        Some(Value::Array(items)) => items.iter().enumerate().filter_map(place).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_text_under_test_is_the_last_messages_or_the_first_choices() {
        use Endpoint::{ChatCompletions, Completions, CreateSpeech, Embeddings, Messages};
        use Phase::{Input, Output};
        let parts =
            json!([{"type": "text", "text": "a"}, {"type": "image_url"}, {"type": "text", "text": "b"}]);
        for (endpoint, phase, body, expected) in [
            (ChatCompletions, Input, json!({"messages": [{"content": "x"}, {"content": "a"}]}), "a"),
            (ChatCompletions, Input, json!({"messages": [{"content": parts.clone()}]}), "a\nb"),
            (ChatCompletions, Input, json!({"messages": []}), ""),
            (ChatCompletions, Input, json!({}), ""),
            (Messages, Input, json!({"messages": [{"content": parts.clone()}]}), "a\nb"),
            (Completions, Input, json!({"prompt": "a"}), "a"),
            (Completions, Input, json!({"prompt": ["a", "", "b"]}), "a\nb"),
            (Embeddings, Input, json!({"input": ["a", "b"]}), "a\nb"),
            (Embeddings, Input, json!({"input": [1, 2]}), ""),
            (Embeddings, Output, json!({"data": []}), ""),
            (ChatCompletions, Output, json!({"choices": [{"message": {"content": "a"}}, {}]}), "a"),
            (ChatCompletions, Output, json!({"choices": [{"message": {"content": null}}]}), ""),
            (Completions, Output, json!({"choices": [{"text": "a"}]}), "a"),
            (Messages, Output, json!({"content": parts}), "a\nb"),
            (CreateSpeech, Input, json!({"input": "a"}), ""),
        ] {
            assert_eq!(text(endpoint, phase, &body), expected, "{endpoint:?} {phase:?} {body}");
        }
    }

    #[test]
    fn an_edit_changes_the_text_parts_and_nothing_else() {
        let mut body = json!({"messages": [{"role": "user", "content": "no"},
            {"role": "user", "content": [{"text": "one"}, {"image_url": "one"}, {"text": "two"}]}]});
        let upper = |part: &str| (part != "two").then(|| part.to_uppercase());
        assert!(edit(Endpoint::ChatCompletions, Phase::Input, &mut body, upper));
        assert_eq!(
            body,
            json!({"messages": [{"role": "user", "content": "no"},
                {"role": "user", "content": [{"text": "ONE"}, {"image_url": "one"}, {"text": "two"}]}]})
        );
    }
}
