//! A set of filters in a body: what a list of logs takes in its query.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::Error;
use crate::fields::{Fields, kind};
use crate::query::Parameters;

/// Bytes of a set.
const MAX_SET: usize = 16 << 10;

/// The object in `filters`, as it was sent.
pub(crate) fn take(fields: &mut Fields) -> Result<Option<Map<String, Value>>, Error> {
    match fields.take("filters") {
        None => Ok(None),
        Some(Value::Object(named)) => Ok(Some(named)),
        Some(other) => Err(invalid("filters", &other, "an object of filters, as a list of logs takes them")),
    }
}

/// The same set as a query has it.
pub(crate) fn texts(named: &Map<String, Value>) -> Result<BTreeMap<String, String>, Error> {
    let text = |(name, value): (&String, &Value)| Ok((name.clone(), text(name, value)?));
    let set = named.iter().map(text).collect::<Result<BTreeMap<_, _>, Error>>()?;
    let bytes: usize = set.iter().map(|(name, text)| name.len() + text.len()).sum();
    if bytes > MAX_SET {
        return Err(Error::invalid("filters", "too long", format!("at most {MAX_SET} bytes")));
    }
    Ok(set)
}

/// What `read` makes of a set, all of which it takes.
pub(crate) fn read<T>(
    set: BTreeMap<String, String>,
    read: impl FnOnce(&mut Parameters) -> Result<T, Error>,
) -> Result<T, Error> {
    let read = |set| {
        let mut query = Parameters::of(set)?;
        let read = read(&mut query)?;
        query.finish()?;
        Ok(read)
    };
    read(set).map_err(|error: Error| error.within("filters"))
}

/// A value as it stands in a query.
fn text(name: &str, value: &Value) -> Result<String, Error> {
    let expected = "a string, a number, an array of them, or an object of metadata";
    let at = || format!("filters.{name}");
    match value {
        Value::String(text) if text.is_empty() => {
            Err(Error::invalid(at(), "found an empty string", expected))
        }
        Value::String(text) if text.chars().all(|c| c == ',' || c.is_whitespace()) => {
            Err(Error::invalid(at(), format!("found `{text}`"), expected))
        }
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        Value::Object(_) => Ok(value.to_string()),
        // Nothing to look for would be no filter at all.
        Value::Array(items) if items.is_empty() => Err(Error::invalid(at(), "it has no items", expected)),
        Value::Array(items) => {
            let item = |item: &Value| match item {
                Value::String(text) if text.trim().is_empty() || text.contains(',') => {
                    Err(Error::invalid(at(), format!("found `{text}`"), "items with text and without commas"))
                }
                Value::String(text) => Ok(text.clone()),
                Value::Number(number) => Ok(number.to_string()),
                other => Err(invalid(&at(), other, expected)),
            };
            Ok(items.iter().map(item).collect::<Result<Vec<_>, _>>()?.join(","))
        }
        other => Err(invalid(&at(), other, expected)),
    }
}

fn invalid(field: &str, found: &Value, expected: &str) -> Error {
    Error::invalid(field, format!("found {}", kind(found)), expected)
}
