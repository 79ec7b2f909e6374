//! The call as the gateway is asked to make it once more.

use bytes::Bytes;
use entity::log;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Request};
use http_body_util::Full;
use logstore::Exchange;
use serde_json::{Map, Value};

use super::edits::Edits;
use crate::Error;

/// What is sent again of the gateway's headers, as it was kept.
const AS_SENT: [&str; 6] = [
    "x-portkey-custom-host",
    "x-portkey-provider",
    "x-portkey-virtual-key",
    "x-portkey-request-timeout",
    "x-portkey-cache-namespace",
    "x-portkey-span-name",
];

/// Of those, what says whom to ask: a virtual key or a config that is named anew says that itself.
const OF_TARGET: [&str; 3] = ["x-portkey-custom-host", "x-portkey-provider", "x-portkey-virtual-key"];

/// What stands for what was not kept.
const MASK: &str = "********";

/// The request, but for its host.
pub(super) fn of(log: &log::Model, exchange: &Exchange, edits: Edits) -> Result<Request<Full<Bytes>>, Error> {
    let mut headers: Vec<(&str, String)> = Vec::new();
    let names_target = edits.virtual_key.is_some() || edits.config.is_some();
    for (name, value) in exchange.request.headers.iter() {
        let is_wanted = AS_SENT.contains(&name) && value != MASK;
        if is_wanted && !(names_target && OF_TARGET.contains(&name)) {
            headers.push((name, value.to_owned()));
        }
    }
    if !names_target {
        match (&log.config_id, &log.virtual_key) {
            (Some(config), _) => headers.push(("x-portkey-config", config.clone())),
            // The target that answered, of a config that came with the call.
            (None, Some(key)) => set(&mut headers, "x-portkey-virtual-key", key),
            (None, None) => set(&mut headers, "x-portkey-provider", &log.provider),
        }
    }
    if let Some(key) = edits.virtual_key {
        headers.push(("x-portkey-virtual-key", key));
    }
    if let Some(config) = edits.config {
        headers.push(("x-portkey-config", config));
    }
    headers.push(("x-portkey-trace-id", log.trace_id.clone()));
    if let Some(parent) = &log.span_id {
        headers.push(("x-portkey-parent-span-id", parent.clone()));
    }
    let mut metadata: Map<String, Value> =
        log.metadata.as_ref().and_then(Value::as_object).cloned().unwrap_or_default();
    metadata.extend(edits.metadata.into_iter().map(|(name, value)| (name, value.into())));
    if !metadata.is_empty() {
        headers.push(("x-portkey-metadata", Value::Object(metadata).to_string()));
    }

    let body = body(&exchange.request.body, edits.body, edits.model)?;
    let mut request = Request::post(log.url.as_str()).header(CONTENT_TYPE, "application/json");
    for (name, value) in headers {
        let value = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| {
            let expected = "text without control characters";
            Error::invalid(name.trim_start_matches("x-portkey-"), "it cannot go into a header", expected)
        })?;
        request = request.header(name, value);
    }
    request.body(Full::new(body)).map_err(Error::internal)
}

fn set<'a>(headers: &mut Vec<(&'a str, String)>, name: &'a str, value: &str) {
    headers.retain(|(set, _)| *set != name);
    headers.push((name, value.to_owned()));
}

fn body(kept: &Bytes, edited: Option<Map<String, Value>>, model: Option<String>) -> Result<Bytes, Error> {
    if edited.is_none() && model.is_none() {
        return Ok(kept.clone());
    }
    let mut body = match edited {
        Some(body) => body,
        None => serde_json::from_slice(kept).map_err(|_| {
            Error::invalid("model", "the call's body is no JSON object", "a body to be sent beside it")
        })?,
    };
    if let Some(model) = model {
        body.insert("model".to_owned(), model.into());
    }
    Ok(Value::Object(body).to_string().into())
}
