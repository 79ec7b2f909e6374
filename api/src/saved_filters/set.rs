//! A set of filters in a body: what a list of logs takes in its query.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::Error;
use crate::fields::{Fields, kind};
use crate::logs::filters;
use crate::query::Parameters;

/// Bytes of a set.
const MAX_SET: usize = 16 << 10;

/// The set in `filters`, as a query has it. What a list would refuse is refused.
pub(super) fn take(fields: &mut Fields) -> Result<Option<Value>, Error> {
    let Some(value) = fields.take("filters") else { return Ok(None) };
    let Value::Object(named) = value else {
        return Err(invalid("filters", &value, "an object of filters, as a list of logs takes them"));
    };
    let mut set = BTreeMap::new();
    for (name, value) in named {
        let text = text(&name, value)?;
        set.insert(name, text);
    }
    let bytes: usize = set.iter().map(|(name, text)| name.len() + text.len()).sum();
    if set.is_empty() || bytes > MAX_SET {
        let problem = if bytes > MAX_SET { "too long" } else { "there is none" };
        return Err(Error::invalid("filters", problem, format!("one or more, of at most {MAX_SET} bytes")));
    }
    let shown = json!(set);
    let check = |set| {
        let mut query = Parameters::of(set)?;
        filters::take(&mut query)?;
        query.finish()
    };
    check(set).map_err(|error| error.within("filters"))?;
    Ok(Some(shown))
}

/// A value as it stands in a query.
fn text(name: &str, value: Value) -> Result<String, Error> {
    let expected = "a string, a number, an array of them, or an object of metadata";
    let at = || format!("filters.{name}");
    match value {
        Value::String(text) if text.is_empty() => {
            Err(Error::invalid(at(), "found an empty string", expected))
        }
        Value::String(text) => Ok(text),
        Value::Number(number) => Ok(number.to_string()),
        Value::Object(_) => Ok(value.to_string()),
        Value::Array(items) => {
            let item = |item: &Value| match item {
                Value::String(text) => Ok(text.clone()),
                Value::Number(number) => Ok(number.to_string()),
                other => Err(invalid(&at(), other, expected)),
            };
            Ok(items.iter().map(item).collect::<Result<Vec<_>, _>>()?.join(","))
        }
        other => Err(invalid(&at(), &other, expected)),
    }
}

fn invalid(field: &str, found: &Value, expected: &str) -> Error {
    Error::invalid(field, format!("found {}", kind(found)), expected)
}
