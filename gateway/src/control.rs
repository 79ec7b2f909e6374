//! The `x-portkey-*` headers that steer a call, checked and typed.

use std::collections::BTreeMap;
use std::time::Duration;

use actix_web::http::header::HeaderMap;
use clock::Ids;
use recorder::Trace;

use crate::error::Error;

const PREFIX: &str = "x-portkey-";

/// Characters of an id that a caller gives. Ours.
const MAX_ID: usize = 256;
/// Characters of a metadata value. The contract's.
const MAX_METADATA_VALUE: usize = 128;
/// Pairs of metadata. Ours.
const MAX_METADATA_PAIRS: usize = 64;
/// Names in a list of headers. Ours.
const MAX_NAMES: usize = 32;
/// The longest time-out that can be asked for.
const MAX_TIMEOUT_MS: u64 = 3_600_000;

/// How the caller wants the call done.
#[derive(Debug)]
pub(crate) struct Control {
    /// A config in JSON, or the slug of a saved one.
    pub config: Option<String>,
    pub provider: Option<String>,
    pub virtual_key: Option<String>,
    pub custom_host: Option<String>,
    /// The call's own over its key's.
    pub metadata: BTreeMap<String, String>,
    /// Whether the metadata header itself has `_user`: then the body's `user` does not count.
    pub names_user: bool,
    pub trace: Trace,
    /// False: Do Not Track.
    pub debug: bool,
    pub request_timeout: Option<Duration>,
    /// The caller's own division of its workspace's kept answers.
    pub cache_namespace: Option<String>,
    /// No kept answer is wanted; the new one takes its place.
    pub cache_force_refresh: bool,
    /// Lower-case names.
    pub forward_headers: Vec<String>,
    /// Whether answers are to have OpenAI's fields alone.
    pub strict: Option<bool>,
}

impl Control {
    /// # Errors
    /// [`Error::Invalid`] names the header and says what would be right.
    pub(crate) fn read(headers: &HeaderMap, span_name: &str, ids: &Ids) -> Result<Self, Error> {
        let own = &Own::of(headers);
        names(own, "sensitive-headers")?;
        let metadata = metadata(own)?;
        Ok(Self {
            config: own.text("config")?.map(str::to_owned),
            provider: id(own, "provider")?,
            virtual_key: id(own, "virtual-key")?,
            custom_host: own.text("custom-host")?.map(str::to_owned),
            names_user: metadata.contains_key("_user"),
            metadata,
            trace: trace(own, headers, span_name, ids)?,
            debug: boolean(own, "debug")?.unwrap_or(true),
            request_timeout: request_timeout(own)?,
            cache_namespace: id(own, "cache-namespace")?,
            // Its value counts, not that it is there.
            cache_force_refresh: boolean(own, "cache-force-refresh")?.unwrap_or(false),
            forward_headers: names(own, "forward-headers")?,
            strict: boolean(own, "strict-open-ai-compliance")?,
        })
    }
}

impl Control {
    /// Whether the caller leaves open where the call goes.
    pub(crate) fn names_no_target(&self) -> bool {
        self.provider.is_none() && self.virtual_key.is_none()
    }
}

/// The `x-portkey-*` headers of a request by what follows the prefix, gathered in one pass.
struct Own<'a>(Vec<(&'a str, &'a [u8])>);

impl<'a> Own<'a> {
    fn of(headers: &'a HeaderMap) -> Self {
        let own = headers.iter().filter_map(|(name, value)| {
            let name = name.as_str().strip_prefix(PREFIX)?;
            Some((name, value.as_bytes()))
        });
        Self(own.collect())
    }

    fn text(&self, name: &str) -> Result<Option<&'a str>, Error> {
        let mut values = self.0.iter().filter(|(own, _)| *own == name).map(|(_, value)| *value);
        let Some(value) = values.next() else { return Ok(None) };
        if values.next().is_some() {
            return Err(Error::invalid(format!("{PREFIX}{name}"), "must be sent once"));
        }
        // UTF-8 rather than ASCII: metadata is JSON text, and SDKs send it as it is.
        match std::str::from_utf8(value) {
            Ok(text) if text.trim().is_empty() => Ok(None),
            Ok(text) => Ok(Some(text.trim())),
            Err(_) => Err(Error::invalid(format!("{PREFIX}{name}"), "must be UTF-8 text")),
        }
    }
}

fn id(own: &Own<'_>, name: &str) -> Result<Option<String>, Error> {
    let Some(text) = own.text(name)? else { return Ok(None) };
    if text.chars().count() > MAX_ID || text.chars().any(char::is_control) {
        let problem = format!("must be at most {MAX_ID} characters, none of them a control character");
        return Err(Error::invalid(format!("{PREFIX}{name}"), problem));
    }
    Ok(Some(text.to_owned()))
}

fn boolean(own: &Own<'_>, name: &str) -> Result<Option<bool>, Error> {
    match own.text(name)? {
        None => Ok(None),
        Some(text) if text.eq_ignore_ascii_case("true") => Ok(Some(true)),
        Some(text) if text.eq_ignore_ascii_case("false") => Ok(Some(false)),
        Some(_) => Err(Error::invalid(format!("{PREFIX}{name}"), "must be true or false")),
    }
}

fn request_timeout(own: &Own<'_>) -> Result<Option<Duration>, Error> {
    let Some(text) = own.text("request-timeout")? else { return Ok(None) };
    if let Ok(ms @ 1..=MAX_TIMEOUT_MS) = text.parse() {
        return Ok(Some(Duration::from_millis(ms)));
    }
    let problem = format!("must be a whole number of milliseconds from 1 to {MAX_TIMEOUT_MS}");
    Err(Error::invalid("x-portkey-request-timeout", problem))
}

/// Trace and metadata as far as they are right, where another header, or one of these, is not.
pub(crate) fn readable(headers: &HeaderMap, span_name: &str, ids: &Ids) -> (Trace, BTreeMap<String, String>) {
    let own = Own::of(headers);
    let new = |_| Trace { trace_id: ids.trace_id(), ..Trace::default() };
    (trace(&own, headers, span_name, ids).unwrap_or_else(new), metadata(&own).unwrap_or_default())
}

/// Adds what the call's key has and the call itself does not.
pub(crate) fn add_defaults(metadata: &mut BTreeMap<String, String>, of_key: &BTreeMap<String, String>) {
    for (name, value) in of_key {
        if !metadata.contains_key(name) {
            metadata.insert(name.clone(), value.clone());
        }
    }
}

/// Lower-case names of the headers to be masked in the log, as far as they can be read: a mistake among them, which
/// [`Control::read`] refuses, must not unmask the others.
pub(crate) fn sensitive_headers(headers: &HeaderMap) -> Vec<String> {
    let values =
        headers.get_all("x-portkey-sensitive-headers").map(|value| String::from_utf8_lossy(value.as_bytes()));
    let mut names = Vec::new();
    for value in values {
        for name in value.split(',').map(|name| name.trim().to_ascii_lowercase()) {
            names.push(name.replace('_', "-"));
            names.push(name);
        }
    }
    names
}

/// The Portkey SDK writes `_` in these lists where the header itself has `-`.
fn names(own: &Own<'_>, name: &str) -> Result<Vec<String>, Error> {
    let Some(text) = own.text(name)? else { return Ok(Vec::new()) };
    let field = format!("{PREFIX}{name}");
    let mut names = Vec::new();
    for name in text.split(',').map(str::trim).filter(|name| !name.is_empty()) {
        let name = name.to_ascii_lowercase();
        if http::HeaderName::try_from(&name).is_err() {
            return Err(Error::invalid(field, "must be a comma-separated list of header names"));
        }
        if name == field {
            return Err(Error::invalid(field, "must not name itself"));
        }
        if name.contains('_') {
            names.push(name.replace('_', "-"));
        }
        names.push(name);
    }
    if names.len() > MAX_NAMES {
        return Err(Error::invalid(field, format!("must name at most {MAX_NAMES} headers")));
    }
    Ok(names)
}

fn metadata(own: &Own<'_>) -> Result<BTreeMap<String, String>, Error> {
    const FIELD: &str = "x-portkey-metadata";
    let Some(text) = own.text("metadata")? else { return Ok(BTreeMap::new()) };
    let object: serde_json::Map<String, serde_json::Value> = serde_json::from_str(text)
        .map_err(|_| Error::invalid(FIELD, "must be a JSON object of strings, e.g. {\"_user\":\"u1\"}"))?;
    if object.len() > MAX_METADATA_PAIRS {
        return Err(Error::invalid(FIELD, format!("must have at most {MAX_METADATA_PAIRS} keys")));
    }
    let mut pairs = BTreeMap::new();
    for (key, value) in object {
        let serde_json::Value::String(value) = value else {
            return Err(Error::invalid(format!("{FIELD}.{key}"), "must be a string"));
        };
        if key.chars().count() > MAX_METADATA_VALUE || value.chars().count() > MAX_METADATA_VALUE {
            let problem = format!("key and value must be at most {MAX_METADATA_VALUE} characters");
            return Err(Error::invalid(FIELD, problem));
        }
        pairs.insert(key, value);
    }
    Ok(pairs)
}

/// The caller's place in its trace: its own headers, else W3C `traceparent`, else a new trace.
fn trace(own: &Own<'_>, headers: &HeaderMap, span_name: &str, ids: &Ids) -> Result<Trace, Error> {
    let w3c = headers.get("traceparent").and_then(|value| value.to_str().ok()).and_then(traceparent);
    let (w3c_trace, w3c_parent) = w3c.unzip();
    Ok(Trace {
        trace_id: id(own, "trace-id")?.or(w3c_trace).unwrap_or_else(|| ids.trace_id()),
        span_id: id(own, "span-id")?,
        span_name: id(own, "span-name")?.or_else(|| w3c_parent.as_ref().map(|_| span_name.to_owned())),
        parent_span_id: id(own, "parent-span-id")?.or(w3c_parent),
    })
}

/// Trace and parent id of a W3C `traceparent`; an invalid one is as none (W3C Trace Context, 2.2.2).
fn traceparent(text: &str) -> Option<(String, String)> {
    let mut fields = text.split('-');
    let (version, trace, parent, flags) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
    let hex = |field: &str, length| {
        field.len() == length && field.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    };
    let zero = |field: &str| field.bytes().all(|b| b == b'0');
    let valid = hex(version, 2)
        && version != "ff"
        && (version != "00" || fields.next().is_none())
        && hex(trace, 32)
        && !zero(trace)
        && hex(parent, 16)
        && !zero(parent)
        && hex(flags, 2);
    valid.then(|| (trace.to_owned(), parent.to_owned()))
}

#[cfg(test)]
mod tests;
