//! Headers on their way through: which go upstream, which come back, what the log shows of them.

use actix_web::HttpRequest;
use actix_web::http::header as actix;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use providers::Endpoint;

const MASK: &str = "********";

/// Of one connection only (RFC 9110, 7.6.1), or about a body that is framed anew.
const HOP_BY_HOP: [&str; 10] = [
    "connection",
    "keep-alive",
    "proxy-connection",
    "proxy-authenticate",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "content-length",
];

/// Of a client's headers, what is never passed on: it is about this hop, or ours to set.
const NOT_PASSED_ON: [&str; 5] = ["host", "expect", "accept-encoding", "authorization", "cookie"];

/// Whose values are secrets.
const SECRET: [&str; 8] = [
    "authorization",
    "proxy-authorization",
    "x-portkey-api-key",
    "x-api-key",
    "api-key",
    "x-goog-api-key",
    "cookie",
    "set-cookie",
];

/// What a translated or OpenAI-shaped endpoint takes of a client's plain headers (contract: plain headers also used).
const PLAIN: [&str; 7] = [
    "content-type",
    "accept",
    "openai-beta",
    "openai-organization",
    "openai-project",
    "anthropic-beta",
    "anthropic-version",
];

/// Headers with an `x-portkey-` twin that names the provider's own.
const TWINS: [&str; 5] =
    ["openai-organization", "openai-project", "openai-beta", "anthropic-beta", "anthropic-version"];

/// The contract's name for what is asked for.
pub(crate) fn endpoint(request: &HttpRequest) -> Endpoint {
    match http::Method::from_bytes(request.method().as_str().as_bytes()) {
        Ok(method) => Endpoint::of(&method, request.path()),
        Err(_) => Endpoint::Proxy,
    }
}

/// What goes upstream of a client's headers.
pub(crate) fn upstream(client: &actix::HeaderMap, endpoint: Endpoint, forward: &[String]) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(12);
    for (name, value) in client {
        let name = name.as_str();
        if passes(name, endpoint) || forward.iter().any(|wanted| wanted == name) {
            append(&mut headers, name, value.as_bytes());
        }
    }
    for twin in TWINS {
        if let Some(value) = client.get(format!("x-portkey-{twin}")) {
            set(&mut headers, twin, value.as_bytes());
        }
    }
    // What is passed on chunk by chunk and kept in the log should be readable.
    headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    headers
}

fn passes(name: &str, endpoint: Endpoint) -> bool {
    match endpoint {
        Endpoint::Proxy => {
            !name.starts_with("x-portkey-")
                && name != "x-api-key"
                && !HOP_BY_HOP.contains(&name)
                && !NOT_PASSED_ON.contains(&name)
        }
        _ => PLAIN.contains(&name),
    }
}

/// What comes back to the client of upstream's headers.
pub(crate) fn client(upstream: &HeaderMap) -> impl Iterator<Item = (actix::HeaderName, actix::HeaderValue)> {
    upstream.iter().filter_map(|(name, value)| {
        if HOP_BY_HOP.contains(&name.as_str()) || name == header::CONTENT_ENCODING {
            return None;
        }
        let name = actix::HeaderName::from_bytes(name.as_str().as_bytes()).ok()?;
        Some((name, actix::HeaderValue::from_bytes(value.as_bytes()).ok()?))
    })
}

/// A client's headers as the log keeps them: secrets masked, and those that the client names.
pub(crate) fn logged(headers: &actix::HeaderMap, sensitive: &[String]) -> Vec<(String, String)> {
    headers.iter().map(|(name, value)| shown(name.as_str(), value.as_bytes(), sensitive)).collect()
}

/// Upstream's headers as the log keeps them.
pub(crate) fn logged_upstream(headers: &HeaderMap, sensitive: &[String]) -> Vec<(String, String)> {
    headers.iter().map(|(name, value)| shown(name.as_str(), value.as_bytes(), sensitive)).collect()
}

fn shown(name: &str, value: &[u8], sensitive: &[String]) -> (String, String) {
    let masked = SECRET.contains(&name) || sensitive.iter().any(|masked| masked == name);
    let value = if masked { MASK.to_owned() } else { String::from_utf8_lossy(value).into_owned() };
    (name.to_owned(), value)
}

/// Sets a header; a value that HTTP does not allow is left out.
pub(crate) fn set(headers: &mut HeaderMap, name: &str, value: &[u8]) {
    if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::from_bytes(value)) {
        headers.insert(name, value);
    }
}

fn append(headers: &mut HeaderMap, name: &str, value: &[u8]) {
    if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::from_bytes(value)) {
        headers.append(name, value);
    }
}
