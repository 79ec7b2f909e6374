//! From a config's JSON to its tree, with every mistake told by where it is.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use secrecy::SecretString;
use serde_json::Value;

use crate::config::{Config, Kind, Leaf, Node, Policy};

mod extras;
mod policy;
mod query;
mod reading;
mod strategy;

use reading::{Object, Reading};

/// Bytes of a config's text.
pub const MAX_TEXT_BYTES: usize = 64 << 10;
/// Targets within targets.
const MAX_DEPTH: usize = 8;
/// Targets in all.
const MAX_TARGETS: usize = 100;

/// With none of these, and nothing else that is known, a target says nothing; fields that nobody knows are let be (contract 2).
const SAYS: [&str; 4] = ["provider", "virtual_key", "api_key", "strategy"];

/// Why a config is none: every mistake that was found, up to a bound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid(pub Vec<Mistake>);

/// One mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// Its JSON path within the config, e.g. `targets[1].retry.attempts`; empty for all of it.
    pub path: String,
    /// What would be right.
    pub message: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = if self.path.is_empty() { "config" } else { &self.path };
        write!(f, "{path}: {}", self.message)
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, mistake) in self.0.iter().enumerate() {
            f.write_str(if at == 0 { "" } else { "; " })?;
            mistake.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Invalid {}

impl Config {
    /// Reads a config's text.
    ///
    /// # Errors
    /// [`Invalid`].
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let whole = |message: String| Invalid(vec![Mistake { path: String::new(), message }]);
        if text.len() > MAX_TEXT_BYTES {
            return Err(whole(format!("must be at most {MAX_TEXT_BYTES} bytes")));
        }
        let value: Value =
            serde_json::from_str(text).map_err(|error| whole(format!("must be a JSON object: {error}")))?;
        Self::from_value(&value)
    }

    /// Reads a config.
    ///
    /// # Errors
    /// [`Invalid`].
    pub fn from_value(value: &Value) -> Result<Self, Invalid> {
        let mut reading = Reading::default();
        let root = node(&mut reading, value, "", 0, &Policy::default());
        match root {
            Some(root) if reading.mistakes.is_empty() => {
                let extra_bytes = reading.inherited_bytes + reading.patterns * query::MAX_PATTERN_BYTES;
                Ok(Self { root, reads_params: reading.reads_params, extra_bytes })
            }
            _ => Err(Invalid(reading.mistakes)),
        }
    }
}

/// A target, or all of the config. None only where a mistake was told.
fn node(reading: &mut Reading, value: &Value, path: &str, depth: usize, above: &Policy) -> Option<Node> {
    let object = reading.object(value, path)?;
    if object.has("options") {
        reading.mistake(
            &object.path("options"),
            "is of an older shape that is not read: use strategy and targets",
        );
    }
    reading.nodes += 1;
    if reading.nodes > MAX_TARGETS + 1 {
        reading.mistake(path, &format!("a config has at most {MAX_TARGETS} targets"));
        return None;
    }
    let name = reading.text(&object, "name", 256);
    let weight = reading.number(&object, "weight", 0.0, 1e9).unwrap_or(1.0);
    let policy = policy::read(reading, &object, above);
    let kind = if object.has("targets") {
        let targets = targets(reading, &object, depth, &policy)?;
        let strategy = strategy::read(reading, &object, &targets)?;
        Kind::Group(strategy, targets)
    } else {
        lone_strategy(reading, &object);
        Kind::Leaf(Arc::new(leaf(reading, &object, name.clone(), policy)))
    };
    Some(Node { path: object.node_path(), name, weight, kind })
}

fn targets(reading: &mut Reading, object: &Object<'_>, depth: usize, policy: &Policy) -> Option<Vec<Node>> {
    let path = object.path("targets");
    let list = reading.list(object, "targets", MAX_TARGETS)?;
    if list.is_empty() {
        reading.mistake(&path, "must have at least one target");
        return None;
    }
    if depth >= MAX_DEPTH {
        reading.mistake(&path, &format!("targets may be nested {MAX_DEPTH} deep"));
        return None;
    }
    let nodes: Vec<_> = list
        .iter()
        .enumerate()
        .map(|(at, target)| node(reading, target, &format!("{path}[{at}]"), depth + 1, policy))
        .collect();
    nodes.into_iter().collect()
}

/// A strategy has nothing to choose from here; `single` says as much.
fn lone_strategy(reading: &mut Reading, object: &Object<'_>) {
    let mode = object.get("strategy").and_then(|strategy| strategy.get("mode")).and_then(Value::as_str);
    if object.has("strategy") && mode != Some("single") {
        reading.mistake(&object.path("targets"), "must be given: a strategy chooses among targets");
    }
}

fn leaf(reading: &mut Reading, object: &Object<'_>, name: Option<String>, policy: Policy) -> Leaf {
    let provider = reading.text(object, "provider", 256);
    let virtual_key = reading.text(object, "virtual_key", 256);
    // `@` before a name makes it a virtual key's, in the newer of the contract's spellings.
    let (provider, at) = match provider {
        Some(slug) if slug.starts_with('@') => (None, Some(slug)),
        provider => (provider, None),
    };
    let virtual_key = virtual_key.or(at).map(|slug| slug.trim_start_matches('@').to_owned());
    let extras: BTreeMap<_, _> = extras::read(reading, object);
    if extras.is_empty() && !object.has_any(&SAYS) && !object.has_any(&policy::FIELDS) {
        let problem = "says nothing: name a provider or a virtual_key, or say how calls are to be made";
        reading.mistake(object.own_path(), problem);
    }
    let place =
        ["vertex-project-id", "vertex-service-account-json"].iter().any(|twin| extras.contains_key(twin));
    if provider.as_deref() == Some("vertex-ai") && !(place && extras.contains_key("vertex-region")) {
        let problem = "vertex-ai needs vertex_region, and vertex_project_id or vertex_service_account_json";
        reading.mistake(&object.path("provider"), problem);
    }
    Leaf {
        path: object.node_path(),
        name,
        provider,
        virtual_key,
        api_key: reading.text(object, "api_key", 16 << 10).map(SecretString::from),
        extras,
        policy,
    }
}

/// How a strategy's positions are found: by the targets' names.
fn named(targets: &[Node], name: &str) -> Result<usize, &'static str> {
    let mut found = targets.iter().enumerate().filter(|(_, target)| target.name.as_deref() == Some(name));
    match (found.next(), found.next()) {
        (Some((at, _)), None) => Ok(at),
        (None, _) => Err("must be the name of one of this strategy's targets"),
        (Some(_), Some(_)) => Err("is the name of several targets"),
    }
}

/// A field that is an object.
fn as_object<'a>(reading: &mut Reading, object: &Object<'a>, name: &str) -> Option<Object<'a>> {
    let value = object.get(name)?;
    reading.object(value, &object.path(name))
}
