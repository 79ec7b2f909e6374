//! Reads a few top-level fields of a JSON object without building a tree of the rest.

mod mend;

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

pub(crate) use mend::mend;

/// Calls `visit` with each `wanted` field of the object, in order; the rest is only checked to be JSON. Nesting
/// costs no stack, however deep: `serde_json` skips values with a loop.
///
/// # Errors
/// The text is no JSON (syntax, end of input), or no object (the data category).
pub(crate) fn each_field<'a>(
    text: &'a str,
    wanted: &[&'static str],
    visit: impl FnMut(&'static str, &'a RawValue),
) -> Result<(), serde_json::Error> {
    let mut json = serde_json::Deserializer::from_str(text);
    json.deserialize_map(Fields { wanted, visit })?;
    json.end()
}

/// Calls `visit` with each `wanted` field of a raw object, in order; for what is no object, never.
pub(crate) fn each_field_of<'a>(
    object: &'a RawValue,
    wanted: &[&'static str],
    visit: impl FnMut(&'static str, &'a RawValue),
) {
    if object.get().starts_with('{') {
        // Of a raw value only a key can be unreadable; what came before it counts.
        _ = each_field(object.get(), wanted, visit);
    }
}

/// Calls `visit` with each item of a raw array, in order; for what is no array, never.
pub(crate) fn each_item<'a>(array: &'a RawValue, visit: impl FnMut(&'a RawValue)) {
    if array.get().starts_with('[') {
        // Cannot fail: a raw value is JSON, and the items are raw values.
        _ = serde_json::Deserializer::from_str(array.get()).deserialize_seq(Items(visit));
    }
}

/// The string that a raw value is.
///
/// # Errors
/// It is no string (the data category), or has half a surrogate pair in it (syntax).
pub(crate) fn string(raw: &RawValue) -> Result<Cow<'_, str>, serde_json::Error> {
    let literal = raw.get();
    match literal.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(inner) if memchr::memchr(b'\\', inner.as_bytes()).is_none() => Ok(Cow::Borrowed(inner)),
        _ => serde_json::from_str(literal).map(Cow::Owned),
    }
}

/// What is text of a body: all of it, mostly.
pub(crate) fn text(body: &[u8]) -> &str {
    body.utf8_chunks().next().map_or("", |chunk| chunk.valid())
}

/// The `wanted` fields of a JSON object that may be cut short or broken: what can be read is read.
#[must_use]
pub fn fields(body: &[u8], wanted: &[&'static str]) -> Map<String, Value> {
    let text = text(body);
    let (found, outcome) = collect(text, wanted);
    match outcome {
        Err(error) if error.is_eof() => collect(&mend(text), wanted).0,
        _ => found,
    }
}

fn collect(text: &str, wanted: &[&'static str]) -> (Map<String, Value>, Result<(), serde_json::Error>) {
    let mut found = Map::new();
    let outcome = each_field(text, wanted, |name, raw| {
        if let Ok(value) = serde_json::from_str(raw.get()) {
            found.insert(name.to_owned(), value);
        }
    });
    (found, outcome)
}

struct Fields<'w, F> {
    wanted: &'w [&'static str],
    visit: F,
}

impl<'de, F: FnMut(&'static str, &'de RawValue)> Visitor<'de> for Fields<'_, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key_seed(Key(self.wanted))? {
            match name {
                Some(name) => (self.visit)(name, map.next_value()?),
                None => _ = map.next_value::<IgnoredAny>()?,
            }
        }
        Ok(())
    }
}

struct Items<F>(F);

impl<'de, F: FnMut(&'de RawValue)> Visitor<'de> for Items<F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a JSON array")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<(), A::Error> {
        while let Some(item) = items.next_element()? {
            (self.0)(item);
        }
        Ok(())
    }
}

/// Recognises a key without allocating: the wanted name it equals, if any.
struct Key<'w>(&'w [&'static str]);

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = Option<&'static str>;

    fn deserialize<D: Deserializer<'de>>(self, key: D) -> Result<Self::Value, D::Error> {
        key.deserialize_str(self)
    }
}

impl Visitor<'_> for Key<'_> {
    type Value = Option<&'static str>;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        Ok(self.0.iter().copied().find(|name| *name == key))
    }
}

#[cfg(test)]
mod tests;
