//! Reading a body: within a bound, as JSON, and only once the caller is known.

use actix_web::web;
use bytes::Bytes;
use serde_json::{Map, Value};

use crate::Error;
use crate::fields::Fields;

/// Bytes of a body that describes one resource.
const MAX_RESOURCE: usize = 256 << 10;

/// Bytes of a body that anybody may send, known or not.
const MAX_CREDENTIALS: usize = 16 << 10;

/// A JSON object for one resource.
pub(crate) async fn object(payload: web::Payload) -> Result<Fields, Error> {
    Fields::of(json(payload, MAX_RESOURCE).await?, "")
}

/// The same where a body may be left out: then it has no fields.
pub(crate) async fn optional_object(payload: web::Payload) -> Result<Fields, Error> {
    let bytes = bytes(payload, MAX_RESOURCE).await?;
    if bytes.is_empty() {
        return Fields::of(Value::Object(Map::new()), "");
    }
    Fields::of(parse(&bytes)?, "")
}

/// A JSON object of what somebody signs in by.
pub(crate) async fn credentials(payload: web::Payload) -> Result<Fields, Error> {
    Fields::of(json(payload, MAX_CREDENTIALS).await?, "")
}

/// One entry or an array of 1 to `most` of these things, each with where it is in the body: of one alone that is nowhere.
pub(crate) async fn entries(
    payload: web::Payload,
    limit: usize,
    most: usize,
    things: &str,
) -> Result<Vec<(String, Value)>, Error> {
    let entries = match json(payload, limit).await? {
        Value::Array(entries) => entries,
        entry => vec![entry],
    };
    placed(entries, most, things)
}

/// The same, of which each is a line: <https://github.com/ndjson/ndjson-spec>. Empty lines are none.
pub(crate) async fn lines(
    payload: web::Payload,
    limit: usize,
    most: usize,
    things: &str,
) -> Result<Vec<(String, Value)>, Error> {
    let bytes = bytes(payload, limit).await?;
    let lines = bytes.split(|byte| *byte == b'\n').enumerate();
    let lines = lines.filter(|(_, line)| !line.trim_ascii().is_empty());
    let read = |(n, line): (usize, &[u8])| {
        let problem = |error| Error::invalid("body", format!("line {}: {error}", n + 1), "JSON in each line");
        serde_json::from_slice(line).map_err(problem)
    };
    // One more than may be is enough to be refused.
    let entries = lines.take(most + 1).map(read).collect::<Result<_, _>>()?;
    placed(entries, most, things)
}

fn placed(entries: Vec<Value>, most: usize, things: &str) -> Result<Vec<(String, Value)>, Error> {
    let n = entries.len();
    if !(1..=most).contains(&n) {
        let found = if n > most { format!("more than {most} {things}") } else { format!("no {things}") };
        return Err(Error::invalid("body", found, format!("1 to {most} {things}")));
    }
    let at = |index: usize| if n == 1 { String::new() } else { format!("[{index}]") };
    Ok(entries.into_iter().enumerate().map(|(index, entry)| (at(index), entry)).collect())
}

/// JSON of at most `limit` bytes.
pub(crate) async fn json(payload: web::Payload, limit: usize) -> Result<Value, Error> {
    parse(&bytes(payload, limit).await?)
}

fn parse(bytes: &[u8]) -> Result<Value, Error> {
    serde_json::from_slice(bytes).map_err(|error| Error::invalid("body", error.to_string(), "JSON"))
}

/// At most `limit` bytes, as they came.
pub(crate) async fn bytes(payload: web::Payload, limit: usize) -> Result<Bytes, Error> {
    match payload.to_bytes_limited(limit).await {
        Ok(bytes) => bytes.map_err(|error| Error::invalid("body", error.to_string(), "a whole body")),
        Err(_) => Err(Error::TooLarge { limit }),
    }
}
