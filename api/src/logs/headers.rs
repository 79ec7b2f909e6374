//! Headers that a client hands in with a log: checked, and secrets masked before they go anywhere.

use logstore::Headers;
use serde_json::Value;

use crate::Error;
use crate::fields::{Fields, kind};

const MASK: &str = "********";

/// Headers of one side, at most.
const MAX_HEADERS: usize = 200;

/// Bytes of a header's name and value, as servers commonly bound them.
const MAX_HEADER: usize = 8_192;

/// Whose values are secrets, whole names.
const SECRET: [&str; 5] = ["authorization", "proxy-authorization", "cookie", "set-cookie", "x-goog-api-key"];

/// Parts of names whose values are secrets.
const SECRET_PARTS: [&str; 6] = ["api-key", "apikey", "token", "secret", "password", "credential"];

pub(super) fn take(fields: &mut Fields) -> Result<Headers, Error> {
    let Some(headers) = fields.object("headers")? else { return Ok(Headers::default()) };
    let at = fields.path("headers");
    let headers = headers.rest();
    if headers.len() > MAX_HEADERS {
        return Err(Error::invalid(
            at,
            format!("{} headers", headers.len()),
            format!("at most {MAX_HEADERS}"),
        ));
    }
    headers.into_iter().map(|(name, value)| header(&at, &name, value)).collect()
}

fn header(at: &str, name: &str, value: Value) -> Result<(String, String), Error> {
    let text = match value {
        Value::String(text) => text,
        Value::Number(number) => number.to_string(),
        Value::Bool(flag) => flag.to_string(),
        other => {
            return Err(Error::invalid(
                format!("{at}.{name}"),
                format!("found {}", kind(&other)),
                "a string",
            ));
        }
    };
    if name.len() + text.len() > MAX_HEADER {
        return Err(Error::invalid(
            format!("{at}.{name}"),
            "too long",
            format!("at most {MAX_HEADER} bytes"),
        ));
    }
    let name = name.to_ascii_lowercase();
    let value = if is_secret(&name) { MASK.to_owned() } else { text };
    Ok((name, value))
}

fn is_secret(name: &str) -> bool {
    SECRET.contains(&name) || SECRET_PARTS.iter().any(|part| name.contains(part))
}
