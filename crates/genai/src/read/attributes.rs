//! The attributes of a span as JSON, looked for under all the names that a thing has had.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use serde_json::{Map, Number, Value};

/// Parts of a name that make levels of a tree; what follows them is one name.
const MAX_LEVELS: usize = 8;

/// By name; of a name that comes twice the last.
pub(super) struct Attributes(BTreeMap<String, Value>);

impl Attributes {
    pub fn of(attributes: Vec<KeyValue>) -> Self {
        Self(pairs(attributes).collect())
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    pub fn into_object(self) -> Map<String, Value> {
        self.0.into_iter().collect()
    }

    /// The first of these that is there.
    pub fn first(&self, names: &[&str]) -> Option<&Value> {
        names.iter().find_map(|name| self.0.get(*name)).filter(|value| !value.is_null())
    }

    /// The first of these that is a text with something in it.
    pub fn text(&self, names: &[&str]) -> Option<&str> {
        let found = names.iter().filter_map(|name| self.0.get(*name)?.as_str());
        found.map(str::trim).find(|text| !text.is_empty())
    }

    /// The first of these that is a whole number of at least 0; some send it as a text, or with a fraction of nothing.
    pub fn count(&self, names: &[&str]) -> Option<u64> {
        names.iter().find_map(|name| count(self.0.get(*name)?))
    }

    /// The first of these that is a number of at least 0.
    pub fn number(&self, names: &[&str]) -> Option<f64> {
        let number = |value: &Value| value.as_f64().or_else(|| value.as_str()?.trim().parse().ok());
        let found = names.iter().filter_map(|name| number(self.0.get(*name)?));
        found.into_iter().find(|number: &f64| number.is_finite() && *number >= 0.0)
    }

    pub fn flag(&self, names: &[&str]) -> bool {
        matches!(self.first(names), Some(Value::Bool(true)))
    }

    /// The first of these that is an object or an array, by itself or in a text.
    pub fn structure(&self, names: &[&str]) -> Option<Value> {
        names.iter().find_map(|name| structure(self.0.get(*name)?))
    }

    /// What is flattened under `prefix` with numbers, in their order: `prefix.0.a.b` is `{"a": {"b": ..}}` of the first.
    pub fn items(&self, prefix: &str) -> Vec<Value> {
        let prefix = format!("{prefix}.");
        let mut found: BTreeMap<u32, Value> = BTreeMap::new();
        let from = self.0.range(prefix.clone()..).take_while(|(name, _)| name.starts_with(&prefix));
        for (name, value) in from {
            let rest = &name[prefix.len()..];
            let (number, path) = rest.split_once('.').map_or((rest, ""), |(number, path)| (number, path));
            let Ok(number) = number.parse() else { continue };
            put(found.entry(number).or_insert(Value::Null), path, value.clone());
        }
        found.into_values().collect()
    }
}

/// Puts a value where a path leads; what is there already, and is something else, stays.
fn put(mut place: &mut Value, path: &str, value: Value) {
    for part in path.splitn(MAX_LEVELS, '.').filter(|part| !part.is_empty()) {
        if place.is_null() {
            *place = Value::Object(Map::new());
        }
        let Value::Object(object) = place else { return };
        place = object.entry(part).or_insert(Value::Null);
    }
    if place.is_null() {
        *place = value;
    }
}

/// The items of an array, or of an object that has numbers for names, in their order.
pub(super) fn numbered(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(items) => items.iter().collect(),
        Value::Object(object) => {
            let items: BTreeMap<u32, &Value> =
                object.iter().filter_map(|(name, value)| Some((name.parse().ok()?, value))).collect();
            items.into_values().collect()
        }
        _ => Vec::new(),
    }
}

/// An object or an array, by itself or in a text.
pub(super) fn structure(value: &Value) -> Option<Value> {
    match value {
        Value::Object(_) | Value::Array(_) => Some(value.clone()),
        Value::String(text) if text.trim_start().starts_with(['{', '[']) => serde_json::from_str(text).ok(),
        _ => None,
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at least 0, and saturates")]
fn count(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) => {
            let whole = || number.as_f64().filter(|n| *n >= 0.0 && n.fract() == 0.0).map(|n| n as u64);
            number.as_u64().or_else(whole)
        }
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

pub(super) fn pairs(attributes: Vec<KeyValue>) -> impl Iterator<Item = (String, Value)> {
    attributes.into_iter().map(|KeyValue { key, value, .. }| (key, value.map_or(Value::Null, json)))
}

/// Numbers that JSON does not have are nothing, bytes are base64.
fn json(value: AnyValue) -> Value {
    match value.value {
        Some(Any::StringValue(text)) => text.into(),
        Some(Any::BoolValue(flag)) => flag.into(),
        Some(Any::IntValue(number)) => number.into(),
        Some(Any::DoubleValue(number)) => Number::from_f64(number).map_or(Value::Null, Value::Number),
        Some(Any::ArrayValue(array)) => array.values.into_iter().map(json).collect(),
        Some(Any::KvlistValue(list)) => Value::Object(pairs(list.values).collect()),
        Some(Any::BytesValue(bytes)) => STANDARD.encode(bytes).into(),
        _ => Value::Null,
    }
}
