//! How calls to a target are made: what it says itself, over what it inherits (contract 2.1).

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::as_object;
use super::reading::{Object, Reading};
use guardrails::Kind;

use crate::config::{Cache, CacheMode, Given, Hook, Policy};
use crate::retry::Retry;

/// Retries that can be asked for (contract 3.4).
const MAX_ATTEMPTS: u64 = 5;
const MAX_TIMEOUT_MS: u64 = 3_600_000;
/// Seconds (contract 3.2).
const CACHE_AGE_S: (u64, u64) = (60, 7_776_000);
const MAX_HOOKS: usize = 50;
const MAX_PARAMS: usize = 200;
/// Bytes of parameters that targets take over from those above them, in all: a short text must not become a large tree.
const MAX_INHERITED_BYTES: usize = 1 << 20;

const INPUT_HOOKS: [&str; 3] = ["before_request_hooks", "input_guardrails", "input_mutators"];
const OUTPUT_HOOKS: [&str; 3] = ["after_request_hooks", "output_guardrails", "output_mutators"];

/// All that is read here.
pub(super) const FIELDS: [&str; 13] = [
    "retry",
    "cache",
    "request_timeout",
    "custom_host",
    "forward_headers",
    "strict_open_ai_compliance",
    "override_params",
    INPUT_HOOKS[0],
    INPUT_HOOKS[1],
    INPUT_HOOKS[2],
    OUTPUT_HOOKS[0],
    OUTPUT_HOOKS[1],
    OUTPUT_HOOKS[2],
];

pub(super) fn read(reading: &mut Reading, object: &Object<'_>, above: &Policy) -> Policy {
    let timeout = reading.whole(object, "request_timeout", 1, MAX_TIMEOUT_MS).map(Duration::from_millis);
    Policy {
        retry: if object.has("retry") { retry(reading, object) } else { above.retry.clone() },
        cache: if object.has("cache") { cache(reading, object) } else { above.cache },
        request_timeout: timeout.or(above.request_timeout),
        custom_host: reading.text(object, "custom_host", 2048).or_else(|| above.custom_host.clone()),
        forward_headers: forward_headers(reading, object).or_else(|| above.forward_headers.clone()),
        strict: reading.boolean(object, "strict_open_ai_compliance").or(above.strict),
        override_params: override_params(reading, object, above),
        input_hooks: hooks(reading, object, INPUT_HOOKS, &above.input_hooks),
        output_hooks: hooks(reading, object, OUTPUT_HOOKS, &above.output_hooks),
    }
}

fn retry(reading: &mut Reading, object: &Object<'_>) -> Retry {
    let Some(retry) = as_object(reading, object, "retry") else { return Retry::default() };
    let attempts = reading.whole(&retry, "attempts", 0, MAX_ATTEMPTS).unwrap_or(0);
    let after = reading.boolean(&retry, "use_retry_after_header");
    let also = reading.boolean(&retry, "use_retry_after_headers");
    Retry {
        attempts: u8::try_from(attempts).unwrap_or_default(),
        on_status: reading.statuses(&retry, "on_status_codes"),
        use_retry_after: after.or(also).unwrap_or(false),
    }
}

fn cache(reading: &mut Reading, object: &Object<'_>) -> Option<Cache> {
    let cache = as_object(reading, object, "cache")?;
    let mode = match cache.get("mode").map(Value::as_str) {
        None | Some(Some("simple")) => CacheMode::Simple,
        Some(Some("semantic")) => CacheMode::Semantic,
        Some(_) => {
            reading.mistake(&cache.path("mode"), "must be simple or semantic");
            return None;
        }
    };
    let (min, max) = CACHE_AGE_S;
    Some(Cache { mode, max_age: reading.whole(&cache, "max_age", min, max).map(Duration::from_secs) })
}

fn forward_headers(reading: &mut Reading, object: &Object<'_>) -> Option<Vec<String>> {
    let path = object.path("forward_headers");
    let list = reading.list(object, "forward_headers", 32)?;
    let token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    let names = list.iter().map(|value| {
        let name = value.as_str()?.trim().to_ascii_lowercase();
        (!name.is_empty() && name.len() <= 256 && name.chars().all(token)).then_some(name)
    });
    let names: Option<Vec<String>> = names.collect();
    if names.is_none() {
        reading.mistake(&path, "must be an array of names of headers");
    }
    names
}

fn override_params(
    reading: &mut Reading,
    object: &Object<'_>,
    above: &Policy,
) -> Arc<serde_json::Map<String, Value>> {
    match object.get("override_params") {
        None => Arc::clone(&above.override_params),
        Some(Value::Object(own)) if own.len() <= MAX_PARAMS => {
            if !above.override_params.is_empty() {
                reading.inherited_bytes += bytes(&above.override_params);
            }
            if reading.inherited_bytes > MAX_INHERITED_BYTES {
                let problem = format!(
                    "targets take over more than {MAX_INHERITED_BYTES} bytes of parameters from those above them, in all"
                );
                reading.mistake(&object.path("override_params"), &problem);
                return Arc::default();
            }
            let mut merged = (*above.override_params).clone();
            merged.extend(own.clone());
            Arc::new(merged)
        }
        Some(_) => {
            let problem = format!("must be an object of at most {MAX_PARAMS} parameters");
            reading.mistake(&object.path("override_params"), &problem);
            Arc::default()
        }
    }
}

/// Of their JSON.
fn bytes(params: &serde_json::Map<String, Value>) -> usize {
    // Writing to memory cannot fail, and every key is a string.
    serde_json::to_vec(params).map_or(0, |text| text.len())
}

/// Those that the target has replace those above it.
fn hooks(reading: &mut Reading, object: &Object<'_>, fields: [&str; 3], above: &Arc<[Hook]>) -> Arc<[Hook]> {
    if !object.has_any(&fields) {
        return Arc::clone(above);
    }
    let mut hooks = Vec::new();
    for field in fields {
        let path = object.path(field);
        let list = reading.list(object, field, MAX_HOOKS).unwrap_or_default();
        let kind = if field.ends_with("mutators") { Kind::Mutator } else { Kind::Guardrail };
        for (at, value) in list.iter().enumerate() {
            let path = format!("{path}[{at}]");
            let given = match value {
                Value::String(id) if !id.is_empty() && id.len() <= 256 => Given::Saved(id.clone()),
                Value::Object(_) => match guardrails::inline(value, &path, kind) {
                    Ok(guardrail) => Given::Inline(Arc::new(guardrail)),
                    Err(mistakes) => {
                        for mistake in mistakes {
                            reading.mistake(&mistake.path, &mistake.message);
                        }
                        continue;
                    }
                },
                _ => {
                    reading.mistake(&path, "must be an object of checks, or a saved guardrail's id");
                    continue;
                }
            };
            let long = value.get("type").and_then(Value::as_str) == Some("mutator");
            hooks.push(Hook { path, given, mutator: long || field.ends_with("mutators") });
        }
    }
    hooks.into()
}
