//! Checks of the JSON that is in a text: that of fenced blocks, else what stands between braces.

use std::fmt;

use jsonschema::{Draft, PatternOptions, Validator};
use serde_json::{Map, Value, json};

use super::{Finding, Operator, Subject};
use crate::parse::{MAX_PATTERN, Parameters};

/// Values that are looked at in one text, and places where one may begin that are tried.
const MAX_VALUES: usize = 32;
const MAX_TRIES: usize = 256;

/// Errors of a validation that are told.
const MAX_ERRORS: usize = 10;

/// `jsonSchema`: some JSON in the text is as the schema says (draft 2020-12).
pub(crate) struct Schema {
    validator: Validator,
    not: bool,
}

impl fmt::Debug for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Schema").field("not", &self.not).finish_non_exhaustive()
    }
}

impl Schema {
    pub fn read(parameters: &mut Parameters<'_>) -> Option<Self> {
        let not = parameters.flag("not", false);
        let schema = parameters.object_or_text("schema");
        let schema = parameters.needs("schema", schema, "a JSON schema, an object")?;
        let patterns = PatternOptions::regex().size_limit(MAX_PATTERN).dfa_size_limit(MAX_PATTERN);
        let options = jsonschema::options().with_draft(Draft::Draft202012).with_pattern_options(patterns);
        match options.offline().build(&Value::Object(schema)) {
            Ok(validator) => Some(Self { validator, not }),
            Err(error) => {
                let at = error.instance_path().to_string();
                let mut said: String = error.to_string().chars().take(200).collect();
                if !at.is_empty() {
                    said = format!("{said} at {at}");
                }
                parameters.mistake(
                    "schema",
                    format!("must be a JSON schema that refers to nothing outside of it: {said}"),
                );
                None
            }
        }
    }

    pub fn judge(&self, subject: Subject<'_>) -> Finding<'static> {
        let values = values(subject.text);
        if values.is_empty() {
            return Finding::of(false, "no JSON was found");
        }
        let valid = values.iter().any(|value| self.validator.is_valid(value));
        let mut finding = Finding::found(valid, self.not, "JSON that is as the schema says");
        if let Some(first) = values.first().filter(|_| !valid) {
            let errors: Vec<Value> = self
                .validator
                .iter_errors(first)
                .take(MAX_ERRORS)
                .map(|error| json!({"path": error.instance_path().to_string(), "message": error.to_string()}))
                .collect();
            finding = finding.with("validationErrors", errors);
        }
        finding
    }
}

/// `jsonKeys`: keys of the JSON in the text.
#[derive(Debug)]
pub(crate) struct Keys {
    keys: Vec<String>,
    operator: Operator,
}

impl Keys {
    pub fn read(parameters: &mut Parameters<'_>) -> Option<Self> {
        let operator = Operator::read(parameters, Operator::Any);
        Some(Self { keys: parameters.needed_texts("keys")?, operator })
    }

    pub fn judge(&self, subject: Subject<'_>) -> Finding<'static> {
        let values = values(subject.text);
        let objects: Vec<&Map<String, Value>> = values.iter().filter_map(Value::as_object).collect();
        if objects.is_empty() {
            return Finding::of(false, "no JSON was found");
        }
        // The object that has what is wanted, else the last.
        let mut finding = Finding::of(false, "");
        for object in objects {
            finding = self.operator.judge(&self.keys, |key| object.contains_key(key));
            // A key that must not be there must be in none of them.
            if finding.verdict != (self.operator == Operator::None) {
                break;
            }
        }
        finding
    }
}

/// The JSON values in a text.
fn values(text: &str) -> Vec<Value> {
    let fenced: Vec<Value> = fences(text)
        .filter_map(|(_, block)| serde_json::from_str(block.trim()).ok())
        .take(MAX_VALUES)
        .collect();
    if !fenced.is_empty() {
        return fenced;
    }
    let mut values = Vec::new();
    let mut rest = text;
    for _ in 0..MAX_TRIES {
        let Some(start) = rest.find('{') else { break };
        rest = &rest[start..];
        let mut stream = serde_json::Deserializer::from_str(rest).into_iter::<Value>();
        let read = stream.next();
        match read {
            Some(Ok(value)) => {
                rest = &rest[stream.byte_offset()..];
                values.push(value);
            }
            _ => rest = &rest[1..],
        }
        if values.len() >= MAX_VALUES {
            break;
        }
    }
    values
}

/// The fenced blocks of a text: what stands after the opening fence, and what is between.
pub(super) fn fences(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let start = rest.find("```")?;
        let opened = rest[start..].trim_start_matches('`');
        let end = opened.find("```");
        let block = &opened[..end.unwrap_or(opened.len())];
        rest = end.map_or("", |end| opened[end..].trim_start_matches('`'));
        // A block on one line has no language.
        let (info, body) = block.split_once('\n').unwrap_or(("", block));
        let info = info.trim();
        let is_language = !info.contains([' ', '{', '[', '"']);
        end.map(|_| if is_language { (info, body) } else { ("", block) })
    })
}
