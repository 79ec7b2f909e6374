//! From what a config or a saved guardrail says to a [`Guardrail`] (contract: 6.1, and API 7.5).

mod parameters;

use serde_json::{Map, Value};

pub(crate) use parameters::{MAX_PATTERN, Parameters};

use crate::checks::{self, Check};
use crate::{Feedback, Guardrail, Kind};

/// Checks of one guardrail. Ours.
const MAX_CHECKS: usize = 50;
/// Characters of a guardrail's id. Ours.
const MAX_ID: usize = 256;
/// Bytes of a feedback's metadata. Ours.
const MAX_METADATA: usize = 4 << 10;

/// What is not a check in the short form.
const RESERVED: [&str; 10] = [
    "deny",
    "async",
    "sequential",
    "on_fail",
    "on_success",
    "id",
    "type",
    "name",
    "guardrail_version_id",
    "is_enabled",
];

/// What is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {message}")]
pub struct Mistake {
    /// A JSON path, such as `input_guardrails[0].default.contains.words`.
    pub path: String,
    pub message: String,
}

/// Reads an entry of `input_guardrails` and its like, in the short or the long form. `at` is its JSON path.
///
/// # Errors
/// All that is wrong with it.
pub fn inline(entry: &Value, at: &str, kind: Kind) -> Result<Guardrail, Vec<Mistake>> {
    let mut mistakes = Vec::new();
    let Some(map) = entry.as_object() else {
        return Err(vec![mistake(at, "must be an object, or the slug of a saved guardrail")]);
    };
    let checks = match map.get("checks") {
        Some(checks @ Value::Array(_)) => listed(checks, &format!("{at}.checks"), &mut mistakes),
        _ => keyed(map, at, &mut mistakes),
    };
    let guardrail = with_actions(map, at, kind, checks, &mut mistakes);
    if mistakes.is_empty() { Ok(guardrail) } else { Err(mistakes) }
}

/// Reads a saved guardrail: its `checks` and its `actions`.
///
/// # Errors
/// All that is wrong with it.
pub fn saved(id: &str, checks: &Value, actions: &Value) -> Result<Guardrail, Vec<Mistake>> {
    let mut mistakes = Vec::new();
    let checks = listed(checks, "checks", &mut mistakes);
    let none = Map::new();
    let actions = actions.as_object().unwrap_or_else(|| {
        mistakes.push(mistake("actions", "must be an object"));
        &none
    });
    let mut guardrail = with_actions(actions, "actions", Kind::Guardrail, checks, &mut mistakes);
    guardrail.id = Some(id.to_owned());
    if mistakes.is_empty() { Ok(guardrail) } else { Err(mistakes) }
}

fn mistake(path: &str, message: impl Into<String>) -> Mistake {
    Mistake { path: path.to_owned(), message: message.into() }
}

/// The checks of the long form.
fn listed(checks: &Value, at: &str, mistakes: &mut Vec<Mistake>) -> Vec<Check> {
    let Some(checks) = checks.as_array().filter(|checks| (1..=MAX_CHECKS).contains(&checks.len())) else {
        mistakes.push(mistake(at, format!("must be an array of 1 to {MAX_CHECKS} checks")));
        return Vec::new();
    };
    let none = Map::new();
    let mut read = Vec::with_capacity(checks.len());
    for (i, check) in checks.iter().enumerate() {
        let at = format!("{at}[{i}]");
        let Some(id) = check.get("id").and_then(Value::as_str) else {
            mistakes.push(mistake(&format!("{at}.id"), "must be a check's id, such as default.contains"));
            continue;
        };
        let parameters = match check.get("parameters") {
            None | Some(Value::Null) => &none,
            Some(Value::Object(parameters)) => parameters,
            Some(_) => {
                mistakes.push(mistake(&format!("{at}.parameters"), "must be an object"));
                continue;
            }
        };
        let here = Named { id, id_at: &format!("{at}.id"), parameters_at: &format!("{at}.parameters") };
        let check_read = here.read(parameters, mistakes);
        if enabled(check.as_object().unwrap_or(&none), &at, mistakes) {
            read.extend(check_read);
        }
    }
    read
}

/// The checks of the short form: each key that is not reserved.
fn keyed(map: &Map<String, Value>, at: &str, mistakes: &mut Vec<Mistake>) -> Vec<Check> {
    let mut read = Vec::new();
    let mut seen = 0;
    let none = Map::new();
    for (key, value) in map.iter().filter(|(key, _)| !RESERVED.contains(&key.as_str())) {
        seen += 1;
        let at = format!("{at}.{key}");
        let parameters = match value {
            Value::Object(parameters) => parameters,
            Value::Null => &none,
            _ => {
                mistakes.push(mistake(&at, "must be the check's parameters, an object"));
                continue;
            }
        };
        let id = parameters.get("id").and_then(Value::as_str).unwrap_or(key);
        let check = Named { id, id_at: &at, parameters_at: &at }.read(parameters, mistakes);
        if enabled(parameters, &at, mistakes) {
            read.extend(check);
        }
    }
    if !(1..=MAX_CHECKS).contains(&seen) {
        mistakes.push(mistake(at, format!("must have 1 to {MAX_CHECKS} checks, such as default.contains")));
    }
    read
}

fn enabled(map: &Map<String, Value>, at: &str, mistakes: &mut Vec<Mistake>) -> bool {
    flag(map, "is_enabled", at, mistakes).unwrap_or(true)
}

/// A check by its name, and where that stands.
struct Named<'a> {
    id: &'a str,
    id_at: &'a str,
    parameters_at: &'a str,
}

impl Named<'_> {
    fn read(&self, map: &Map<String, Value>, mistakes: &mut Vec<Mistake>) -> Option<Check> {
        let id = if self.id.contains('.') { self.id.to_owned() } else { format!("default.{}", self.id) };
        let (plugin, name) = id.split_once('.')?;
        if checks::PARTNERS.contains(&plugin) {
            let message =
                "needs a service outside, which this server does not ask; default.webhook can ask any";
            mistakes.push(mistake(self.id_at, message));
            return None;
        }
        let mut parameters = Parameters::new(map, self.parameters_at.to_owned(), mistakes);
        let fail_on_error = parameters.flag("failOnError", false);
        let reader = checks::reader(name).filter(|_| plugin == "default");
        let Some(read) = reader else {
            mistakes
                .push(mistake(self.id_at, format!("no check is called {id}; there are {}", checks::names())));
            return None;
        };
        read(&mut parameters).map(|rule| Check { id, rule, fail_on_error })
    }
}

fn with_actions(
    map: &Map<String, Value>,
    at: &str,
    kind: Kind,
    checks: Vec<Check>,
    mistakes: &mut Vec<Mistake>,
) -> Guardrail {
    let kind = match map.get("type").map(Value::as_str) {
        None => kind,
        Some(Some("guardrail")) => Kind::Guardrail,
        Some(Some("mutator")) => Kind::Mutator,
        Some(_) => {
            mistakes.push(mistake(&format!("{at}.type"), "must be guardrail or mutator"));
            kind
        }
    };
    let id = match map.get("id") {
        None | Some(Value::Null) => None,
        Some(Value::String(id)) if (1..=MAX_ID).contains(&id.chars().count()) => Some(id.clone()),
        Some(_) => {
            let message = format!("must be a string of 1 to {MAX_ID} characters");
            mistakes.push(mistake(&format!("{at}.id"), message));
            None
        }
    };
    let mut flagged = |name| flag(map, name, at, mistakes).unwrap_or(false);
    let (deny, asynchronous, sequential) = (flagged("deny"), flagged("async"), flagged("sequential"));
    let on_success = feedback(map, "on_success", at, mistakes);
    let on_fail = feedback(map, "on_fail", at, mistakes);
    Guardrail { id, kind, checks, deny, asynchronous, sequential, on_success, on_fail }
}

fn flag(map: &Map<String, Value>, name: &str, at: &str, mistakes: &mut Vec<Mistake>) -> Option<bool> {
    match map.get(name) {
        None | Some(Value::Null) => None,
        Some(Value::Bool(flag)) => Some(*flag),
        Some(_) => {
            mistakes.push(mistake(&format!("{at}.{name}"), "must be true or false"));
            None
        }
    }
}

/// The feedback of `on_success` or `on_fail`; by default its value is 5 or -5 and its weight 1 (API contract: 4).
fn feedback(map: &Map<String, Value>, name: &str, at: &str, mistakes: &mut Vec<Mistake>) -> Option<Feedback> {
    let sent = match map.get(name)? {
        Value::Null => return None,
        Value::Object(action) => match action.get("feedback") {
            None | Some(Value::Null) => return None,
            Some(Value::Object(feedback)) => feedback,
            Some(_) => {
                mistakes.push(mistake(&format!("{at}.{name}.feedback"), "must be an object"));
                return None;
            }
        },
        _ => {
            mistakes.push(mistake(&format!("{at}.{name}"), "must be an object"));
            return None;
        }
    };
    let mut told = |field: &str, message: &str| {
        mistakes.push(mistake(&format!("{at}.{name}.feedback.{field}"), message));
    };
    let by_default = if name == "on_fail" { -5 } else { 5 };
    let value = sent.get("value").filter(|value| !value.is_null());
    let value = value.map_or(Some(by_default), |value| {
        value.as_i64().filter(|n| (-10..=10).contains(n)).and_then(|n| i16::try_from(n).ok())
    });
    if value.is_none() {
        told("value", "must be a whole number from -10 to 10");
    }
    let weight = sent.get("weight").filter(|weight| !weight.is_null());
    let weight = weight.map_or(Some(1.0), |weight| weight.as_f64().filter(|n| (0.0..=1.0).contains(n)));
    if weight.is_none() {
        told("weight", "must be a number from 0 to 1");
    }
    let metadata = metadata(sent.get("metadata"));
    if metadata.is_none() {
        told("metadata", "must be a JSON object of at most 4 KiB, or the text of one");
    }
    Some(Feedback { value: value?, weight: weight?, metadata: metadata? })
}

/// An object, the text of one, or a text that is none: then it is the object's `text`.
fn metadata(sent: Option<&Value>) -> Option<Map<String, Value>> {
    let metadata = match sent {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(metadata)) => metadata.clone(),
        Some(Value::String(text)) if text.trim().is_empty() => Map::new(),
        Some(Value::String(text)) => match serde_json::from_str(text) {
            Ok(Value::Object(metadata)) => metadata,
            _ => Map::from_iter([("text".to_owned(), text.clone().into())]),
        },
        Some(_) => return None,
    };
    (Value::from(metadata.clone()).to_string().len() <= MAX_METADATA).then_some(metadata)
}

#[cfg(test)]
mod tests;
