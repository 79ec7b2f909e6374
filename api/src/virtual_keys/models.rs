//! The models that a virtual key may be called with.

use serde_json::Value;

use crate::Error;
use crate::fields::{Fields, Sent, kind};

/// Models of one key, and characters of each.
const MAX_MODELS: usize = 500;
const MAX_MODEL: usize = 200;

/// `models`: names, or beginnings with a `*` after them; null: all.
pub(super) fn take(fields: &mut Fields) -> Result<Sent<Value>, Error> {
    fields.sent("models").read(|value| {
        let Value::Array(items) = &value else {
            return Err(wrong("models", &format!("found {}", kind(&value))));
        };
        if items.is_empty() || items.len() > MAX_MODELS {
            return Err(wrong("models", &format!("found {} of them", items.len())));
        }
        for (index, item) in items.iter().enumerate() {
            if let Some(problem) = problem(item) {
                return Err(wrong(&format!("models[{index}]"), &problem));
            }
        }
        Ok(value)
    })
}

fn wrong(at: &str, problem: &str) -> Error {
    let expected = format!(
        "1 to {MAX_MODELS} names of models, such as gpt-4o-mini, or beginnings of names, such as gpt-4o*; null for all"
    );
    Error::invalid(at, problem, expected)
}

fn problem(item: &Value) -> Option<String> {
    match item.as_str() {
        None => Some(format!("found {}", kind(item))),
        Some("") => Some("found an empty string".to_owned()),
        Some(text) if text.chars().count() > MAX_MODEL => Some("too long".to_owned()),
        Some(text) if text.chars().any(char::is_control) => Some("a control character is in it".to_owned()),
        Some(text) if text.trim_end_matches('*').contains('*') || text.ends_with("**") => {
            Some(format!("found `{text}`, whose `*` is not at its end"))
        }
        Some(_) => None,
    }
}
