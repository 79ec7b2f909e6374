//! A JSON object taken apart field by field, so that what is wrong is said by the field's name, and nothing sent is
//! silently left out.

use std::ops::RangeInclusive;

use egress::Reach;
use sea_orm::{ActiveValue, Value as DbValue};
use serde_json::{Map, Value};

use crate::{Error, instant};

/// Characters of a URL.
const MAX_URL: usize = 2_048;

/// What became of a field.
pub(crate) enum Sent<T> {
    Not,
    Null,
    As(T),
}

impl<T> Sent<T> {
    pub fn value(self) -> Option<T> {
        match self {
            Self::Not | Self::Null => None,
            Self::As(value) => Some(value),
        }
    }

    pub fn as_ref(&self) -> Sent<&T> {
        match self {
            Self::Not => Sent::Not,
            Self::Null => Sent::Null,
            Self::As(value) => Sent::As(value),
        }
    }

    pub fn map<U>(self, read: impl FnOnce(T) -> U) -> Sent<U> {
        match self {
            Self::Not => Sent::Not,
            Self::Null => Sent::Null,
            Self::As(value) => Sent::As(read(value)),
        }
    }

    /// What is to be there, where `now` is: nothing where null was sent.
    pub fn over(self, now: T) -> T
    where
        T: Default,
    {
        match self {
            Self::Not => now,
            Self::Null => T::default(),
            Self::As(value) => value,
        }
    }

    /// What `read` makes of a value.
    pub fn read<U>(self, read: impl FnOnce(T) -> Result<U, Error>) -> Result<Sent<U>, Error> {
        Ok(match self {
            Self::Not => Sent::Not,
            Self::Null => Sent::Null,
            Self::As(value) => Sent::As(read(value)?),
        })
    }

    /// The change of a column that it asks for: null empties it.
    pub fn change(self) -> ActiveValue<Option<T>>
    where
        Option<T>: Into<DbValue>,
    {
        match self {
            Self::Not => ActiveValue::NotSet,
            Self::Null => ActiveValue::Set(None),
            Self::As(value) => ActiveValue::Set(Some(value)),
        }
    }
}

pub(crate) struct Fields {
    /// Where the object is in the body: empty, or a path and a dot.
    prefix: String,
    map: Map<String, Value>,
    known: Vec<&'static str>,
}

impl Fields {
    /// The fields of `value`, which is at `path` in the body.
    pub fn of(value: Value, path: &str) -> Result<Self, Error> {
        let Value::Object(map) = value else {
            let field = if path.is_empty() { "body" } else { path };
            return Err(Error::invalid(field, format!("found {}", kind(&value)), "an object"));
        };
        let prefix = if path.is_empty() { String::new() } else { format!("{path}.") };
        Ok(Self { prefix, map, known: Vec::new() })
    }

    /// The full name of a field.
    pub fn path(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    pub fn sent(&mut self, name: &'static str) -> Sent<Value> {
        self.known.push(name);
        match self.map.remove(name) {
            None => Sent::Not,
            Some(Value::Null) => Sent::Null,
            Some(value) => Sent::As(value),
        }
    }

    pub fn take(&mut self, name: &'static str) -> Option<Value> {
        self.sent(name).value()
    }

    /// What `name` is to be, where it was not sent.
    pub fn required<T>(&self, name: &str, value: Option<T>, expected: &str) -> Result<T, Error> {
        value.ok_or_else(|| Error::invalid(self.path(name), "missing", expected))
    }

    /// A text of 1 to `max` characters that has no control characters.
    pub fn line(&mut self, name: &'static str, max: usize) -> Result<Option<String>, Error> {
        Ok(self.sent_line(name, max)?.value())
    }

    /// The same, telling null from absent.
    pub fn sent_line(&mut self, name: &'static str, max: usize) -> Result<Sent<String>, Error> {
        let sent = self.sent(name);
        sent.read(|value| {
            let problem = match value {
                Value::String(text) if text.is_empty() => "found an empty string",
                Value::String(text) if text.chars().count() > max => "too long",
                Value::String(text) if text.chars().any(char::is_control) => "a control character is in it",
                Value::String(text) => return Ok(text),
                other => &format!("found {}", kind(&other)),
            };
            let expected = format!("a string of 1 to {max} characters on one line");
            Err(Error::invalid(self.path(name), problem, expected))
        })
    }

    /// `status`: whether something is at work.
    pub fn status(&mut self) -> Result<Option<&'static str>, Error> {
        match self.line("status", 20)?.as_deref() {
            None => Ok(None),
            Some("active") => Ok(Some("active")),
            Some("paused") => Ok(Some("paused")),
            Some(other) => {
                Err(Error::invalid(self.path("status"), format!("found `{other}`"), "active or paused"))
            }
        }
    }

    /// A URL that this server may connect to with something private.
    pub fn private_url(
        &mut self,
        name: &'static str,
        reach: Reach,
        expected: &str,
    ) -> Result<Option<String>, Error> {
        let Some(url) = self.line(name, MAX_URL)? else { return Ok(None) };
        let problem = match egress::check_private_url(&url, reach) {
            Ok(_) => return Ok(Some(url)),
            Err(Some(bad)) => bad.to_string(),
            Err(None) => "must be https".to_owned(),
        };
        Err(Error::invalid(self.path(name), problem, expected))
    }

    /// `expires_at`, when something is to end: a moment to come.
    pub fn expiry(&mut self, now_ms: i64) -> Result<Sent<i64>, Error> {
        let at = self.path("expires_at");
        self.sent_line("expires_at", 40)?.read(|text| match instant::parse(&text) {
            None => Err(Error::invalid(at, format!("found `{text}`"), instant::EXPECTED)),
            Some(ms) if ms <= now_ms => {
                Err(Error::invalid(at, format!("`{text}` is past"), "a time to come"))
            }
            Some(ms) => Ok(ms),
        })
    }

    /// An array of as many things as `bounds` has; `expected` says so.
    pub fn items(
        &mut self,
        name: &'static str,
        bounds: RangeInclusive<usize>,
        expected: &str,
    ) -> Result<Option<Vec<Value>>, Error> {
        self.sent_items(name, bounds, expected).map(Sent::value)
    }

    /// The same, telling null from absent.
    pub fn sent_items(
        &mut self,
        name: &'static str,
        bounds: RangeInclusive<usize>,
        expected: &str,
    ) -> Result<Sent<Vec<Value>>, Error> {
        let at = self.path(name);
        self.sent(name).read(|value| {
            let problem = match value {
                Value::Array(items) if bounds.contains(&items.len()) => return Ok(items),
                Value::Array(items) => format!("{} items", items.len()),
                other => format!("found {}", kind(&other)),
            };
            Err(Error::invalid(at, problem, expected))
        })
    }

    pub fn object(&mut self, name: &'static str) -> Result<Option<Self>, Error> {
        let path = self.path(name);
        self.take(name).map(|value| Self::of(value, &path)).transpose()
    }

    /// A number of at least 0.
    pub fn number(&mut self, name: &'static str) -> Result<Option<f64>, Error> {
        let Some(value) = self.take(name) else { return Ok(None) };
        match value.as_f64().filter(|number| *number >= 0.0) {
            Some(number) => Ok(Some(number)),
            None => Err(Error::invalid(
                self.path(name),
                format!("found {}", shown(&value)),
                "a number of at least 0",
            )),
        }
    }

    pub fn flag(&mut self, name: &'static str) -> Result<Option<bool>, Error> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(flag)),
            Some(other) => {
                Err(Error::invalid(self.path(name), format!("found {}", shown(&other)), "true or false"))
            }
        }
    }

    /// Refuses fields that the contract has and this server does not yet, unless they say nothing.
    pub fn not_yet(&mut self, names: &[&'static str]) -> Result<(), Error> {
        for name in names {
            let says_nothing = match self.map.remove(*name) {
                None | Some(Value::Null | Value::Bool(false)) => true,
                Some(Value::Array(items)) => items.is_empty(),
                Some(Value::Object(fields)) => fields.is_empty(),
                Some(Value::String(text)) => text.is_empty(),
                Some(_) => false,
            };
            if !says_nothing {
                return Err(Error::invalid(self.path(name), "not supported yet", "the field to be left out"));
            }
        }
        Ok(())
    }

    /// Refuses fields of what is once and for all.
    pub fn fixed(&mut self, names: &[&'static str]) -> Result<(), Error> {
        for name in names {
            if self.map.remove(*name).is_some_and(|value| !value.is_null()) {
                return Err(Error::invalid(self.path(name), "cannot be changed", "the field to be left out"));
            }
        }
        Ok(())
    }

    /// Refuses a field that says something else than the path, which it repeats: clients of Portkey's send such.
    pub fn repeats(&mut self, name: &str, in_path: &str) -> Result<(), Error> {
        match self.map.remove(name) {
            None | Some(Value::Null) => Ok(()),
            Some(value) if value.as_str() == Some(in_path) => Ok(()),
            Some(_) => Err(Error::invalid(
                self.path(name),
                "is not as in the path",
                format!("`{in_path}`, or the field to be left out"),
            )),
        }
    }

    /// The fields that nobody took.
    pub fn rest(self) -> Map<String, Value> {
        self.map
    }

    /// Refuses fields that nobody took.
    pub fn finish(mut self) -> Result<(), Error> {
        let Some(name) = self.map.keys().next() else { return Ok(()) };
        let path = self.path(name);
        self.known.sort_unstable();
        Err(Error::invalid(path, "no such field", format!("only {}", self.known.join(", "))))
    }
}

/// What kind of JSON a value is, in words.
pub(crate) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// A short value as it is, a long one by its kind.
pub(crate) fn shown(value: &Value) -> String {
    match value {
        Value::Number(number) => number.to_string(),
        Value::Bool(flag) => flag.to_string(),
        other => kind(other).to_owned(),
    }
}
