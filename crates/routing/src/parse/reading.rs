//! Fields of JSON objects, with the mistakes in them gathered.

use serde_json::{Map, Value};

use super::Mistake;

/// Mistakes told at the most.
const MAX_MISTAKES: usize = 20;

/// A config being read.
#[derive(Default)]
pub(super) struct Reading {
    pub mistakes: Vec<Mistake>,
    /// Targets so far, the whole among them.
    pub nodes: usize,
    pub reads_params: bool,
    /// Regular expressions so far.
    pub patterns: usize,
    /// Bytes of parameters that targets took over from those above them.
    pub inherited_bytes: usize,
}

/// An object, and where it is.
pub(super) struct Object<'a> {
    map: &'a Map<String, Value>,
    path: String,
}

impl<'a> Object<'a> {
    /// By the contract's name, or the same in camel case; null is as nothing.
    pub fn get(&self, name: &str) -> Option<&'a Value> {
        let value =
            self.map.get(name).or_else(|| name.contains('_').then(|| self.map.get(&camel(name))).flatten());
        value.filter(|value| !value.is_null())
    }

    pub fn has_any(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.has(name))
    }

    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    pub fn entries(&self) -> impl Iterator<Item = (&'a String, &'a Value)> {
        self.map.iter()
    }

    /// Where a field is.
    pub fn path(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    pub fn own_path(&self) -> &str {
        &self.path
    }

    /// Where it is from `config` on, as the contract's header has it.
    pub fn node_path(&self) -> String {
        if self.path.is_empty() { "config".to_owned() } else { format!("config.{}", self.path) }
    }
}

fn camel(name: &str) -> String {
    let mut camel = String::with_capacity(name.len());
    for (at, word) in name.split('_').enumerate() {
        let mut letters = word.chars();
        match letters.next() {
            Some(first) if at > 0 => camel.push(first.to_ascii_uppercase()),
            Some(first) => camel.push(first),
            None => {}
        }
        camel.extend(letters);
    }
    camel
}

/// A whole number, also one with a point: clients whose numbers are floats write `600.0`.
fn integer(value: &Value) -> Option<u64> {
    let float = || value.as_f64().filter(|float| float.fract() == 0.0 && (0.0..=1e15).contains(float));
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole, and within bounds")]
    value.as_u64().or_else(|| float().map(|float| float as u64))
}

impl Reading {
    pub fn mistake(&mut self, path: &str, message: &str) {
        if self.mistakes.len() < MAX_MISTAKES {
            self.mistakes.push(Mistake { path: path.to_owned(), message: message.to_owned() });
        }
    }

    pub fn object<'a>(&mut self, value: &'a Value, path: &str) -> Option<Object<'a>> {
        let Value::Object(map) = value else {
            self.mistake(path, "must be an object");
            return None;
        };
        Some(Object { map, path: path.to_owned() })
    }

    pub fn list<'a>(&mut self, object: &Object<'a>, name: &str, max: usize) -> Option<&'a [Value]> {
        match object.get(name)? {
            Value::Array(items) if items.len() <= max => Some(items),
            _ => {
                self.mistake(&object.path(name), &format!("must be an array of at most {max}"));
                None
            }
        }
    }

    pub fn text(&mut self, object: &Object<'_>, name: &str, max: usize) -> Option<String> {
        let text = object.get(name)?.as_str().filter(|text| {
            let text = text.trim();
            !text.is_empty() && text.chars().count() <= max && !text.contains(char::is_control)
        });
        if text.is_none() {
            self.mistake(&object.path(name), &format!("must be a string of 1 to {max} characters"));
        }
        text.map(|text| text.trim().to_owned())
    }

    pub fn boolean(&mut self, object: &Object<'_>, name: &str) -> Option<bool> {
        let value = object.get(name)?.as_bool();
        if value.is_none() {
            self.mistake(&object.path(name), "must be true or false");
        }
        value
    }

    pub fn number(&mut self, object: &Object<'_>, name: &str, min: f64, max: f64) -> Option<f64> {
        let value = object.get(name)?.as_f64().filter(|number| (min..=max).contains(number));
        if value.is_none() {
            self.mistake(&object.path(name), &format!("must be a number from {min} to {max}"));
        }
        value
    }

    pub fn whole(&mut self, object: &Object<'_>, name: &str, min: u64, max: u64) -> Option<u64> {
        object.get(name)?;
        let value = object.get(name).and_then(integer).filter(|number| (min..=max).contains(number));
        if value.is_none() {
            self.mistake(&object.path(name), &format!("must be a whole number from {min} to {max}"));
        }
        value
    }

    /// HTTP statuses.
    pub fn statuses(&mut self, object: &Object<'_>, name: &str) -> Option<Vec<u16>> {
        let list = self.list(object, name, 100)?;
        let statuses: Option<Vec<u16>> = list
            .iter()
            .map(|value| {
                value.as_u64().and_then(|n| u16::try_from(n).ok()).filter(|n| (100..600).contains(n))
            })
            .collect();
        if statuses.is_none() {
            self.mistake(&object.path(name), "must be an array of HTTP statuses, 100 to 599");
        }
        statuses
    }
}
