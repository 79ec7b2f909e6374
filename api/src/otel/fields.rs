//! What is read of a destination, field by field.

use std::collections::BTreeMap;

use egress::Reach;
use exports::{BadHeader, Filters, Flavour, Protocol, check_header};
use serde_json::Value;

use crate::Error;
use crate::fields::{Fields, Sent, kind, shown};

pub(super) const MAX_NAME: usize = 100;
/// Headers, attributes of the resource, and pairs of metadata.
const MAX_PAIRS: usize = 32;
const MAX_VALUE: usize = 4_096;
/// Values of a list of a filter.
const MAX_VALUES: usize = 100;

/// What was sent; what was not is as it is, or by default.
#[derive(Default)]
pub(super) struct Sents {
    pub name: Option<String>,
    pub endpoint: Option<String>,
    pub protocol: Option<Protocol>,
    pub headers: Option<BTreeMap<String, String>>,
    pub sampling: Option<f64>,
    pub filters: Option<Filters>,
    pub content: Option<bool>,
    pub metrics: Option<bool>,
    pub resource: Option<BTreeMap<String, String>>,
    pub flavour: Option<Flavour>,
    pub status: Option<&'static str>,
}

/// Reads them all; those of a new destination and of a change alike.
pub(super) fn read(fields: &mut Fields, reach: Reach) -> Result<Sents, Error> {
    Ok(Sents {
        name: fields.line("name", MAX_NAME)?,
        endpoint: fields.private_url("endpoint", reach, "a URL such as https://otlp.example.com")?,
        protocol: protocol(fields)?,
        headers: headers(fields)?,
        sampling: sampling(fields)?,
        filters: filters(fields)?,
        content: fields.flag("content")?,
        metrics: fields.flag("metrics")?,
        resource: resource(fields)?,
        flavour: flavour(fields)?,
        status: fields.status()?,
    })
}

fn protocol(fields: &mut Fields) -> Result<Option<Protocol>, Error> {
    let Some(name) = fields.line("protocol", 20)? else { return Ok(None) };
    let all = [Protocol::HttpProtobuf, Protocol::HttpJson, Protocol::Grpc];
    let found = all.into_iter().find(|protocol| protocol.as_str() == name);
    let unknown =
        || Error::invalid("protocol", format!("found `{name}`"), "http/protobuf, http/json or grpc");
    found.ok_or_else(unknown).map(Some)
}

fn flavour(fields: &mut Fields) -> Result<Option<Flavour>, Error> {
    match fields.line("flavour", 20)?.as_deref() {
        None => Ok(None),
        Some("genai") => Ok(Some(Flavour::GenAi)),
        Some(other) => Err(Error::invalid("flavour", format!("found `{other}`"), "genai")),
    }
}

fn sampling(fields: &mut Fields) -> Result<Option<f64>, Error> {
    let Some(value) = fields.take("sampling") else { return Ok(None) };
    match value.as_f64().filter(|part| (0.0..=1.0).contains(part)) {
        Some(part) => Ok(Some(part)),
        None => Err(Error::invalid("sampling", format!("found {}", shown(&value)), "a number from 0 to 1")),
    }
}

/// Null is none.
fn headers(fields: &mut Fields) -> Result<Option<BTreeMap<String, String>>, Error> {
    let Some(pairs) = pairs(fields, "headers")? else { return Ok(None) };
    for (name, value) in &pairs {
        let at = format!("headers.{name}");
        match check_header(name, value) {
            Ok(_) => {}
            Err(problem @ BadHeader::Value) => {
                return Err(Error::invalid(at, problem.to_string(), "the value of a header"));
            }
            Err(problem) => return Err(Error::invalid(at, problem.to_string(), "another header")),
        }
    }
    Ok(Some(pairs))
}

fn resource(fields: &mut Fields) -> Result<Option<BTreeMap<String, String>>, Error> {
    pairs(fields, "resource")
}

/// Null is what lets all through.
fn filters(fields: &mut Fields) -> Result<Option<Filters>, Error> {
    let mut fields = match fields.sent("filters") {
        Sent::Not => return Ok(None),
        Sent::Null => return Ok(Some(Filters::default())),
        Sent::As(value) => Fields::of(value, "filters")?,
    };
    let filters = Filters {
        providers: names(&mut fields, "providers")?,
        models: names(&mut fields, "models")?,
        endpoints: names(&mut fields, "endpoints")?,
        virtual_keys: names(&mut fields, "virtual_keys")?,
        api_keys: names(&mut fields, "api_keys")?,
        metadata: pairs(&mut fields, "metadata")?.unwrap_or_default(),
        failed_only: fields.flag("failed_only")?.unwrap_or(false),
    };
    fields.finish()?;
    Ok(Some(filters))
}

fn names(fields: &mut Fields, name: &'static str) -> Result<Vec<String>, Error> {
    let expected = || format!("at most {MAX_VALUES} strings of 1 to {MAX_NAME} characters");
    let at = fields.path(name);
    let problem = match fields.take(name) {
        None => return Ok(Vec::new()),
        Some(Value::Array(items)) if items.len() > MAX_VALUES => format!("found {} of them", items.len()),
        Some(Value::Array(items)) => match items.iter().map(text).collect() {
            Ok(names) => return Ok(names),
            Err(problem) => problem,
        },
        Some(other) => format!("found {}", kind(&other)),
    };
    Err(Error::invalid(at, problem, expected()))
}

fn text(value: &Value) -> Result<String, String> {
    match value {
        Value::String(text) if text.is_empty() => Err("an empty string is in it".to_owned()),
        Value::String(text) if text.chars().count() > MAX_NAME => {
            Err("a string in it is too long".to_owned())
        }
        Value::String(text) if text.contains('\0') => Err("a NUL character is in it".to_owned()),
        Value::String(text) => Ok(text.clone()),
        other => Err(format!("found {} in it", kind(other))),
    }
}

/// An object of strings; null is an empty one.
fn pairs(fields: &mut Fields, name: &'static str) -> Result<Option<BTreeMap<String, String>>, Error> {
    let at = fields.path(name);
    let object = match fields.sent(name) {
        Sent::Not => return Ok(None),
        Sent::Null => return Ok(Some(BTreeMap::new())),
        Sent::As(Value::Object(object)) => object,
        Sent::As(other) => {
            return Err(Error::invalid(at, format!("found {}", kind(&other)), "an object of strings"));
        }
    };
    if object.len() > MAX_PAIRS {
        return Err(Error::invalid(
            at,
            format!("found {} pairs", object.len()),
            format!("at most {MAX_PAIRS}"),
        ));
    }
    let mut pairs = BTreeMap::new();
    for (name, value) in object {
        let problem = match value {
            _ if name.is_empty() || name.chars().count() > MAX_NAME || name.chars().any(char::is_control) => {
                "its name is empty, too long or has control characters".to_owned()
            }
            Value::String(text) if text.chars().count() > MAX_VALUE => "too long".to_owned(),
            Value::String(text) if text.chars().any(char::is_control) => {
                "a control character is in it".to_owned()
            }
            Value::String(text) => {
                pairs.insert(name, text);
                continue;
            }
            other => format!("found {}", kind(&other)),
        };
        let expected = format!("a string of at most {MAX_VALUE} characters on one line");
        return Err(Error::invalid(format!("{at}.{name}"), problem, expected));
    }
    Ok(Some(pairs))
}
