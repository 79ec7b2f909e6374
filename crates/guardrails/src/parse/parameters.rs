//! A check's parameters, read one by one; each mistake is told by its JSON path.

use regex::{Regex, RegexBuilder};
use serde_json::{Map, Value};
use url::Url;

use super::Mistake;

/// Bytes of a compiled pattern. Ours.
pub(crate) const MAX_PATTERN: usize = 1 << 20;
/// Entries of a list. Ours.
const MAX_LIST: usize = 1_000;

pub(crate) struct Parameters<'a> {
    map: &'a Map<String, Value>,
    at: String,
    mistakes: &'a mut Vec<Mistake>,
}

impl<'a> Parameters<'a> {
    pub fn new(map: &'a Map<String, Value>, at: String, mistakes: &'a mut Vec<Mistake>) -> Self {
        Self { map, at, mistakes }
    }

    /// What was sent; null is as nothing.
    pub fn get(&self, name: &str) -> Option<&'a Value> {
        self.map.get(name).filter(|value| !value.is_null())
    }

    pub fn mistake(&mut self, name: &str, message: impl Into<String>) {
        self.mistakes.push(Mistake { path: format!("{}.{name}", self.at), message: message.into() });
    }

    fn read<T>(
        &mut self,
        name: &str,
        expected: &str,
        read: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Option<T> {
        let value = self.get(name)?;
        let read = read(value);
        if read.is_none() {
            self.mistake(name, format!("must be {expected}"));
        }
        read
    }

    pub fn needs<T>(&mut self, name: &str, read: Option<T>, expected: &str) -> Option<T> {
        if read.is_none() && self.get(name).is_none() {
            self.mistake(name, format!("is missing: must be {expected}"));
        }
        read
    }

    pub fn flag(&mut self, name: &str, default: bool) -> bool {
        // Forms send the text.
        let flag = |value: &Value| match value {
            Value::String(text) if text == "true" => Some(true),
            Value::String(text) if text == "false" => Some(false),
            value => value.as_bool(),
        };
        self.read(name, "true or false", flag).unwrap_or(default)
    }

    pub fn text(&mut self, name: &str) -> Option<String> {
        self.read(name, "a string", |value| value.as_str().map(str::to_owned))
    }

    /// A string with something in it.
    pub fn needed_text(&mut self, name: &str) -> Option<String> {
        let some = |value: &Value| value.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        let text = self.read(name, "a string with something in it", some);
        self.needs(name, text, "a string")
    }

    pub fn whole(&mut self, name: &str, expected: &str, range: std::ops::RangeInclusive<u64>) -> Option<u64> {
        self.read(name, expected, |value| value.as_u64().filter(|n| range.contains(n)))
    }

    /// Strings; one string is split at its commas.
    pub fn texts(&mut self, name: &str) -> Option<Vec<String>> {
        let expected = format!("an array of at most {MAX_LIST} strings");
        self.read(name, &expected, texts)
    }

    pub fn needed_texts(&mut self, name: &str) -> Option<Vec<String>> {
        let texts = self.texts(name);
        if texts.as_ref().is_some_and(Vec::is_empty) {
            self.mistake(name, "must have an entry");
            return None;
        }
        self.needs(name, texts, "an array of strings")
    }

    /// An object, or the text of one.
    pub fn object_or_text(&mut self, name: &str) -> Option<Map<String, Value>> {
        self.read(name, "an object", |value| match value {
            Value::Object(map) => Some(map.clone()),
            Value::String(text) => serde_json::from_str(text).ok(),
            _ => None,
        })
    }

    /// A regular expression that is matched in linear time.
    pub fn pattern(&mut self, name: &str) -> Option<Regex> {
        let text = self.needed_text(name)?;
        match RegexBuilder::new(&text).size_limit(MAX_PATTERN).dfa_size_limit(MAX_PATTERN).build() {
            Ok(pattern) => Some(pattern),
            Err(regex::Error::CompiledTooBig(_)) => {
                self.mistake(name, "is too large a pattern");
                None
            }
            Err(_) => {
                self.mistake(
                    name,
                    "must be a regular expression without look-around and back-references, which linear time does not allow",
                );
                None
            }
        }
    }

    /// An absolute http or https URL; whether we may connect to it is judged when we do.
    pub fn url(&mut self, name: &str) -> Option<Url> {
        let text = self.needed_text(name)?;
        let url = Url::parse(&text).ok().filter(|url| {
            text.len() <= 2048
                && matches!(url.scheme(), "http" | "https")
                && url.username().is_empty()
                && url.password().is_none()
        });
        if url.is_none() {
            self.mistake(
                name,
                "must be an absolute http or https URL of at most 2048 characters, without a user name",
            );
        }
        url
    }
}

fn texts(value: &Value) -> Option<Vec<String>> {
    let texts: Vec<String> = match value {
        Value::String(text) => {
            text.split(',').map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned).collect()
        }
        Value::Array(items) => {
            items.iter().map(|item| item.as_str().map(str::to_owned)).collect::<Option<_>>()?
        }
        _ => return None,
    };
    (texts.len() <= MAX_LIST).then_some(texts)
}
