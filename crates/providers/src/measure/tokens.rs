//! Counts tokens as `OpenAI`'s models do, for answers that do not say.

use std::collections::HashSet;

use serde_json::Value;
use tiktoken_rs::tokenizer::{Tokenizer, get_tokenizer};
use tiktoken_rs::{cl100k_base_singleton, o200k_base_singleton};

use crate::object::fields;

/// The text is encoded in pieces of about so many bytes. It bounds the work on text without word breaks; a token cut in
/// two at a seam is an error of one in thousands.
const PIECE_BYTES: usize = 8 * 1024;

/// What a chat message costs beyond its text, and what opens the answer: `OpenAI`'s cookbook, "How to count tokens".
const PER_MESSAGE: u64 = 4;
const PER_ANSWER: u64 = 3;

/// How a model's text becomes tokens. Other vendors' models are counted as `OpenAI`'s newer ones.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Encoding {
    Cl100k,
    O200k,
}

/// The model's encoding and the tokens of the request: its messages, prompt or input, and its tools.
pub(super) fn of_request(request: &[u8], answered_by: Option<&str>) -> (Encoding, u64) {
    let body = fields(request, &["model", "messages", "prompt", "input", "tools"]);
    let model = answered_by.or_else(|| body.get("model")?.as_str()).unwrap_or_default();
    let encoding = Encoding::of(model);
    let mut tokens = 0;
    if let Some(messages) = body.get("messages").and_then(Value::as_array) {
        tokens += PER_ANSWER;
        for message in messages {
            tokens += PER_MESSAGE + message.get("content").map_or(0, |content| encoding.count_value(content));
            tokens += message.get("tool_calls").map_or(0, |calls| encoding.count(&calls.to_string()));
        }
    }
    for text in ["prompt", "input"].iter().filter_map(|name| body.get(*name)) {
        tokens += encoding.count_value(text);
    }
    tokens += body.get("tools").map_or(0, |tools| encoding.count(&tools.to_string()));
    (encoding, tokens)
}

impl Encoding {
    fn of(model: &str) -> Self {
        let model = model.rsplit('/').next().unwrap_or(model); // aggregators write `openai/gpt-4`
        match get_tokenizer(model) {
            None | Some(Tokenizer::O200kBase | Tokenizer::O200kHarmony) => Self::O200k,
            Some(_) => Self::Cl100k,
        }
    }

    /// The tokens of `text`. The first call loads the encoding's table, which takes a while.
    pub fn count(self, text: &str) -> u64 {
        if text.is_empty() {
            return 0;
        }
        let table = match self {
            Self::Cl100k => cl100k_base_singleton(),
            Self::O200k => o200k_base_singleton(),
        };
        let no_specials = HashSet::new();
        pieces(text).map(|piece| table.count(piece, &no_specials).unwrap_or(piece.len() / 4) as u64).sum()
    }

    /// Text, token numbers, lists of either, or content parts, of which only text counts.
    fn count_value(self, value: &Value) -> u64 {
        match value {
            Value::String(text) => self.count(text),
            Value::Number(_) => 1,
            Value::Array(items) => items.iter().map(|item| self.count_value(item)).sum(),
            Value::Object(part) => {
                part.get("text").and_then(Value::as_str).map_or(0, |text| self.count(text))
            }
            Value::Null | Value::Bool(_) => 0,
        }
    }
}

/// Cuts at the last word break of each piece, or at a character's edge where there is none.
fn pieces(mut text: &str) -> impl Iterator<Item = &str> {
    std::iter::from_fn(move || {
        let mut cut = text.floor_char_boundary(PIECE_BYTES);
        if cut < text.len() {
            cut = text[..cut].rfind(' ').filter(|at| *at > 0).unwrap_or(cut);
        }
        let (piece, rest) = text.split_at(cut);
        text = rest;
        (!piece.is_empty()).then_some(piece)
    })
}

#[cfg(test)]
mod tests {
    use super::{Encoding, PIECE_BYTES, pieces};

    #[test]
    fn older_models_have_the_older_encoding() {
        for (model, encoding) in [
            ("gpt-3.5-turbo-0125", Encoding::Cl100k),
            ("openai/gpt-4", Encoding::Cl100k),
            ("text-embedding-3-small", Encoding::Cl100k),
            ("gpt-4o-mini", Encoding::O200k),
            ("gpt-4.1", Encoding::O200k),
            ("mistral-large-latest", Encoding::O200k),
        ] {
            assert_eq!(Encoding::of(model), encoding, "{model}");
        }
    }

    #[test]
    fn pieces_are_bounded_and_lose_nothing() {
        for text in ["", "short", &"word ".repeat(5000), &"é".repeat(20_000), &" ".repeat(20_000)] {
            assert_eq!(pieces(text).collect::<String>(), *text);
            assert!(pieces(text).all(|piece| piece.len() <= PIECE_BYTES));
        }
    }

    #[test]
    fn cutting_between_words_hardly_changes_the_count() {
        // "word" with its space is one token, so 5000 of them and the last space are known.
        let counted = Encoding::O200k.count(&" word".repeat(5000));
        assert!((5000..=5010).contains(&counted), "{counted}");
    }
}
