//! The queries of conditions (contract 3.7).

use regex::RegexBuilder;
use serde_json::Value;

use super::reading::Reading;
use crate::condition::{Field, Query, Test, number};

/// `$and` and `$or` within each other.
const MAX_DEPTH: usize = 8;
/// Bytes of a compiled pattern, and of what matching it may hold for later.
pub(super) const MAX_PATTERN_BYTES: usize = 256 << 10;
/// Patterns of a config: compiled, each is many times its text.
const MAX_PATTERNS: usize = 20;
/// Values of `$in` and `$nin`.
const MAX_VALUES: usize = 1_000;

/// None only where a mistake was told.
pub(super) fn read(reading: &mut Reading, value: &Value, path: &str, depth: usize) -> Option<Query> {
    let object = reading.object(value, path)?;
    if depth > MAX_DEPTH {
        reading.mistake(path, &format!("queries may be nested {MAX_DEPTH} deep"));
        return None;
    }
    let mut all = Vec::new();
    for (name, value) in object.entries() {
        let path = object.path(name);
        match name.as_str() {
            "$and" => all.push(Query::All(list(reading, value, &path, depth)?)),
            "$or" => all.push(Query::Any(list(reading, value, &path, depth)?)),
            _ => {
                let field = field(reading, name, &path)?;
                all.push(Query::Field(field, tests(reading, value, &path)));
            }
        }
    }
    Some(Query::All(all))
}

fn list(reading: &mut Reading, value: &Value, path: &str, depth: usize) -> Option<Vec<Query>> {
    let Value::Array(items) = value else {
        reading.mistake(path, "must be an array of queries");
        return None;
    };
    let queries: Vec<_> = items
        .iter()
        .enumerate()
        .map(|(at, item)| read(reading, item, &format!("{path}[{at}]"), depth + 1))
        .collect();
    queries.into_iter().collect()
}

/// What a query, or a sticky draw, looks at.
pub(super) fn field(reading: &mut Reading, name: &str, path: &str) -> Option<Field> {
    let found = match name.split_once('.') {
        Some(("metadata", key)) if !key.is_empty() => Some(Field::Metadata(key.to_owned())),
        // Deeper paths never match anything in the contract: better told than waited for.
        Some(("params", key)) if !key.is_empty() && !key.contains('.') => Some(Field::Param(key.to_owned())),
        Some(("url", "pathname")) => Some(Field::UrlPath),
        _ => None,
    };
    if found.is_none() {
        reading.mistake(path, "must be metadata.<key>, params.<name> or url.pathname");
    }
    found
}

fn tests(reading: &mut Reading, value: &Value, path: &str) -> Vec<Test> {
    let Value::Object(operators) = value else {
        if value.is_array() {
            reading
                .mistake(path, "must be a value, or an object of operators such as {\"$in\":[\"a\",\"b\"]}");
        }
        return vec![Test::Equal(value.clone())];
    };
    operators
        .iter()
        .filter_map(|(operator, value)| test(reading, operator, value, &format!("{path}.{operator}")))
        .collect()
}

fn test(reading: &mut Reading, operator: &str, value: &Value, path: &str) -> Option<Test> {
    match operator {
        "$eq" => Some(Test::Equal(value.clone())),
        "$ne" => Some(Test::NotEqual(value.clone())),
        "$gt" => bound(reading, value, path).map(Test::Above),
        "$gte" => bound(reading, value, path).map(Test::AtLeast),
        "$lt" => bound(reading, value, path).map(Test::Below),
        "$lte" => bound(reading, value, path).map(Test::AtMost),
        "$in" => values(reading, value, path).map(Test::OneOf),
        "$nin" => values(reading, value, path).map(Test::NoneOf),
        "$regex" => pattern(reading, value, path),
        _ => {
            reading.mistake(path, "must be $eq, $ne, $gt, $gte, $lt, $lte, $in, $nin or $regex");
            None
        }
    }
}

fn bound(reading: &mut Reading, value: &Value, path: &str) -> Option<f64> {
    let bound = number(Some(value));
    if bound.is_none() {
        reading.mistake(path, "must be a number");
    }
    bound
}

fn values(reading: &mut Reading, value: &Value, path: &str) -> Option<Vec<Value>> {
    match value {
        Value::Array(values) if values.len() <= MAX_VALUES => Some(values.clone()),
        _ => {
            reading.mistake(path, &format!("must be an array of at most {MAX_VALUES}"));
            None
        }
    }
}

fn pattern(reading: &mut Reading, value: &Value, path: &str) -> Option<Test> {
    reading.patterns += 1;
    if reading.patterns > MAX_PATTERNS {
        reading.mistake(path, &format!("a config has at most {MAX_PATTERNS} regular expressions"));
        return None;
    }
    let compile = |text| {
        RegexBuilder::new(text).size_limit(MAX_PATTERN_BYTES).dfa_size_limit(MAX_PATTERN_BYTES).build()
    };
    let pattern = value.as_str().map(compile);
    match pattern {
        Some(Ok(pattern)) => Some(Test::Matches(pattern)),
        Some(Err(error)) => {
            let reason = error.to_string();
            let reason = reason.lines().last().unwrap_or_default();
            let problem =
                format!("must be a regular expression without look-around or back-references: {reason}");
            reading.mistake(path, &problem);
            None
        }
        None => {
            reading.mistake(path, "must be a string");
            None
        }
    }
}
