//! Reads a few top-level fields of a JSON object without building a tree of the rest.

mod mend;

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

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

/// The `wanted` fields of an object that may be cut short or broken: what can be read is read.
pub(crate) fn fields(body: &[u8], wanted: &[&'static str]) -> Map<String, Value> {
    let text = body.utf8_chunks().next().map_or("", |chunk| chunk.valid());
    let (found, outcome) = collect(text, wanted);
    match outcome {
        Err(error) if error.is_eof() => collect(&mend::mend(text), wanted).0,
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
