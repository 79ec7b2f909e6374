//! Metadata that calls get from their key or its workspace: strings under names.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::Error;
use crate::fields::{Fields, Sent, kind};

/// Pairs of metadata, and characters of a name and of a value: as of a call's own (2.9).
const MAX_PAIRS: usize = 64;
const MAX_PAIR: usize = 128;

/// `metadata`; null takes it away.
pub(crate) fn take(fields: &mut Fields) -> Result<Sent<BTreeMap<String, String>>, Error> {
    let at = fields.path("metadata");
    fields.sent("metadata").read(|value| pairs(value, &at))
}

fn pairs(pairs: Value, at: &str) -> Result<BTreeMap<String, String>, Error> {
    let Value::Object(pairs) = pairs else {
        return Err(Error::invalid(at, format!("found {}", kind(&pairs)), "an object of strings"));
    };
    if pairs.len() > MAX_PAIRS {
        return Err(Error::invalid(
            at,
            format!("found {} pairs", pairs.len()),
            format!("at most {MAX_PAIRS}"),
        ));
    }
    let fits = |text: &str| text.chars().count() <= MAX_PAIR && !text.contains('\0');
    let pair = |(name, value): (String, Value)| {
        let problem = match value {
            _ if !fits(&name) => "its name is too long or has a NUL character".to_owned(),
            Value::String(text) if fits(&text) => return Ok((name, text)),
            Value::String(_) => "too long, or a NUL character is in it".to_owned(),
            other => format!("found {}", kind(&other)),
        };
        Err(Error::invalid(
            format!("{at}.{name}"),
            problem,
            format!("a string of at most {MAX_PAIR} characters"),
        ))
    };
    pairs.into_iter().map(pair).collect()
}
