//! Checks of the model that a request names.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{Finding, Subject};
use crate::parse::Parameters;

/// `modelWhitelist`: the model is one of these.
#[derive(Debug)]
pub(crate) struct Whitelist {
    models: Vec<String>,
    not: bool,
}

impl Whitelist {
    pub fn read(parameters: &mut Parameters<'_>) -> Option<Self> {
        let not = parameters.flag("not", false);
        Some(Self { models: parameters.needed_texts("models")?, not })
    }

    pub fn judge(&self, subject: Subject<'_>) -> Finding<'static> {
        judge(subject, &self.models, self.not)
    }
}

fn judge(subject: Subject<'_>, models: &[String], not: bool) -> Finding<'static> {
    let Some(model) = subject.model() else {
        return Finding::trouble("NoModel", "the request names no model");
    };
    let listed = models.iter().any(|allowed| allowed == model);
    let explanation = if listed { "the model is in the list" } else { "the model is not in the list" };
    Finding::of(listed != not, explanation).with("model", model)
}

/// `modelRules`: the model is one of those that the call's metadata allow, else one of the defaults.
#[derive(Debug)]
pub(crate) struct Rules {
    defaults: Vec<String>,
    /// Models by a metadata key and its value.
    metadata: BTreeMap<String, BTreeMap<String, Vec<String>>>,
    not: bool,
}

impl Rules {
    pub fn read(parameters: &mut Parameters<'_>) -> Option<Self> {
        const MODELS: &str = "an array of models, strings";
        let not = parameters.flag("not", false);
        let rules = parameters.object_or_text("rules");
        let rules = parameters.needs("rules", rules, "an object with defaults and metadata")?;
        let defaults = match rules.get("defaults") {
            None | Some(Value::Null) => Some(Vec::new()),
            Some(models) => strings(models),
        };
        if defaults.is_none() {
            parameters.mistake("rules.defaults", format!("must be {MODELS}"));
        }
        let none = Map::new();
        let by_key = match rules.get("metadata") {
            None | Some(Value::Null) => Some(&none),
            Some(metadata) => metadata.as_object(),
        };
        let Some(by_key) = by_key else {
            parameters.mistake("rules.metadata", "must be an object of models by value by key");
            return None;
        };
        let mut metadata = BTreeMap::new();
        for (key, by_value) in by_key {
            let models = by_value.as_object().and_then(|by_value| {
                by_value
                    .iter()
                    .map(|(value, models)| Some((value.clone(), strings(models)?)))
                    .collect::<Option<BTreeMap<_, _>>>()
            });
            match models {
                Some(models) => drop(metadata.insert(key.clone(), models)),
                None => parameters.mistake(
                    &format!("rules.metadata.{key}"),
                    format!("must be an object of {MODELS} by value"),
                ),
            }
        }
        let rules = Self { defaults: defaults?, metadata, not };
        if rules.defaults.is_empty() && rules.metadata.is_empty() {
            parameters.mistake("rules", "must have defaults or metadata");
        }
        Some(rules)
    }

    pub fn judge(&self, subject: Subject<'_>) -> Finding<'static> {
        let matched = self.metadata.iter().filter_map(|(key, by_value)| {
            let value = subject.call.metadata.get(key)?;
            by_value.get(value)
        });
        let mut allowed: Vec<String> = matched.flatten().cloned().collect();
        if allowed.is_empty() {
            allowed.clone_from(&self.defaults);
        }
        if allowed.is_empty() {
            return Finding::trouble(
                "NoRule",
                "no rule is about this call's metadata, and there are no defaults",
            );
        }
        judge(subject, &allowed, self.not)
    }
}

fn strings(value: &Value) -> Option<Vec<String>> {
    value.as_array()?.iter().map(|item| item.as_str().map(str::to_owned)).collect()
}
