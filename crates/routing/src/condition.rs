//! Conditions over a call's metadata, its parameters and its path (contract 3.7).
//!
//! All that stands in one query, or in one field, must hold. (The gateway that the contract was taken from lets `$regex`, `$or` and
//! `$and` hide what stands beside them; its documents do not say so, and here they do not.)

use std::borrow::Cow;
use std::collections::BTreeMap;

use regex::Regex;
use serde_json::Value;

/// What may be looked at of a call.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    pub metadata: &'a BTreeMap<String, String>,
    /// The body as the client sent it; none where it is no JSON object, or was not read.
    pub params: Option<&'a Value>,
    pub url_path: &'a str,
    /// Unix seconds.
    pub now_s: i64,
}

/// A query, and the position of the target to take when it holds.
#[derive(Clone, Debug)]
pub struct Condition {
    pub(crate) query: Query,
    pub then: usize,
}

/// What a field of a query looks at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Field {
    Metadata(String),
    Param(String),
    UrlPath,
}

#[derive(Clone, Debug)]
pub(crate) enum Query {
    All(Vec<Query>),
    Any(Vec<Query>),
    Field(Field, Vec<Test>),
}

#[derive(Clone, Debug)]
pub(crate) enum Test {
    Equal(Value),
    NotEqual(Value),
    Above(f64),
    AtLeast(f64),
    Below(f64),
    AtMost(f64),
    OneOf(Vec<Value>),
    NoneOf(Vec<Value>),
    Matches(Regex),
}

impl Condition {
    /// Whether it holds for a call.
    #[must_use]
    pub fn holds(&self, facts: &Facts<'_>) -> bool {
        self.query.holds(facts)
    }
}

impl Query {
    fn holds(&self, facts: &Facts<'_>) -> bool {
        match self {
            Self::All(queries) => queries.iter().all(|query| query.holds(facts)),
            Self::Any(queries) => queries.iter().any(|query| query.holds(facts)),
            Self::Field(field, tests) => {
                let value = facts.value(field);
                tests.iter().all(|test| test.holds(value.as_deref()))
            }
        }
    }

    /// Whether it looks at the body.
    pub(crate) fn reads_params(&self) -> bool {
        match self {
            Self::All(queries) | Self::Any(queries) => queries.iter().any(Self::reads_params),
            Self::Field(field, _) => matches!(field, Field::Param(_)),
        }
    }
}

impl<'a> Facts<'a> {
    fn value(&self, field: &Field) -> Option<Cow<'a, Value>> {
        match field {
            Field::Metadata(key) => self.metadata.get(key).map(|text| Cow::Owned(text.as_str().into())),
            Field::Param(name) => self.params?.get(name).map(Cow::Borrowed),
            Field::UrlPath => Some(Cow::Owned(self.url_path.into())),
        }
    }

    /// A field's value as a text; none where there is none.
    pub(crate) fn text(&self, field: &Field) -> Option<String> {
        self.value(field).filter(|value| !value.is_null()).map(|value| text(&value).into_owned())
    }
}

impl Test {
    fn holds(&self, value: Option<&Value>) -> bool {
        match self {
            Self::Equal(other) => value.is_some_and(|value| equal(value, other)),
            Self::NotEqual(other) => value.is_none_or(|value| !equal(value, other)),
            Self::OneOf(others) => value.is_some_and(|value| others.iter().any(|other| equal(value, other))),
            Self::NoneOf(others) => value.is_none_or(|value| !others.iter().any(|other| equal(value, other))),
            Self::Above(bound) => number(value).is_some_and(|number| number > *bound),
            Self::AtLeast(bound) => number(value).is_some_and(|number| number >= *bound),
            Self::Below(bound) => number(value).is_some_and(|number| number < *bound),
            Self::AtMost(bound) => number(value).is_some_and(|number| number <= *bound),
            Self::Matches(pattern) => {
                value.is_some_and(|value| !is_composite(value) && pattern.is_match(&text(value)))
            }
        }
    }
}

/// Equal and of the same type; numbers are of one, as in JSON.
fn equal(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => one == other || one.as_f64() == other.as_f64(),
        _ => one == other,
    }
}

/// What is ordered: a number, or a text that is one.
pub(crate) fn number(value: Option<&Value>) -> Option<f64> {
    match value? {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok().filter(|number: &f64| !number.is_nan()),
        _ => None,
    }
}

fn is_composite(value: &Value) -> bool {
    matches!(value, Value::Null | Value::Array(_) | Value::Object(_))
}

fn text(value: &Value) -> Cow<'_, str> {
    match value {
        Value::String(text) => Cow::Borrowed(text),
        other => Cow::Owned(other.to_string()),
    }
}
