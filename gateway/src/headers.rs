//! Headers on their way through: which go upstream, which come back, what the log shows of them.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::LazyLock;

use actix_web::HttpRequest;
use actix_web::http::header as actix;
use aho_corasick::AhoCorasick;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Request};
use providers::Endpoint;
use recorder::Headers;
use secrecy::ExposeSecret as _;
use tenancy::VirtualKey;

const MASK: &str = "********";

/// What the headers of a call mostly take.
const USUAL_BYTES: usize = 1 << 10;

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

/// What is never passed on of a client's headers, named in `x-portkey-forward-headers` or not: it is about this hop.
const THIS_HOP: [&str; 3] = ["host", "expect", "accept-encoding"];

/// What passes only when it is named: the first two are ours to set.
const ONLY_WHEN_NAMED: [&str; 3] = ["authorization", "x-api-key", "cookie"];

/// What an endpoint that the gateway understands takes of a client's plain headers (contract: plain headers also used).
const PLAIN: [&str; 7] = [
    "content-type",
    "accept",
    "openai-beta",
    "openai-organization",
    "openai-project",
    "anthropic-beta",
    "anthropic-version",
];

/// Of an `x-portkey-` header, the provider's own.
const TWINS: [&str; 5] =
    ["openai-organization", "openai-project", "openai-beta", "anthropic-beta", "anthropic-version"];

/// What a provider's answer depends on of its own headers: which fields it knows, and what they mean.
const CHANGING: [&str; 3] = ["openai-beta", "anthropic-beta", "anthropic-version"];

/// What is forwarded to be found again, and changes no answer.
const OF_A_TRACE: [&str; 8] = [
    "traceparent",
    "tracestate",
    "baggage",
    "x-request-id",
    "x-correlation-id",
    "x-client-request-id",
    "user-agent",
    "idempotency-key",
];

/// What the name of a header says whose value is a credential.
static SECRET: LazyLock<AhoCorasick> = LazyLock::new(|| {
    words(&[
        "authorization",
        "cookie",
        "secret",
        "token",
        "password",
        "passphrase",
        "private-key",
        "credential",
        "service-account",
        "access-key",
        "api-key",
        "subscription-key",
    ])
});

/// What it says where the value is a number of tokens.
static HARMLESS: LazyLock<AhoCorasick> = LazyLock::new(|| words(&["ratelimit", "tokens"]));

#[expect(clippy::expect_used, reason = "the words are constants")]
fn words(words: &[&str]) -> AhoCorasick {
    AhoCorasick::new(words).expect("a handful of words")
}

const USER_AGENT: HeaderValue = HeaderValue::from_static(concat!("turnpike/", env!("CARGO_PKG_VERSION")));

/// What follows `/v1` (or the older `/v1/proxy`) of a request's path; a doubled `/v1/v1`, as Anthropic's SDK makes of a
/// base URL that ends in `/v1`, counts once.
pub(crate) fn path(request: &HttpRequest) -> &str {
    let path = request.path();
    let path = path.strip_prefix("/v1").unwrap_or(path);
    let path = path.strip_prefix("/proxy").filter(|rest| rest.starts_with('/')).unwrap_or(path);
    path.strip_prefix("/v1").filter(|rest| rest.starts_with('/')).unwrap_or(path)
}

/// The contract's name for what is asked for.
pub(crate) fn endpoint(request: &HttpRequest) -> Endpoint {
    match Method::from_bytes(request.method().as_str().as_bytes()) {
        Ok(_) if request.path().starts_with("/v1/proxy/") => Endpoint::Proxy,
        Ok(method) => Endpoint::of(&method, path(request)),
        Err(_) => Endpoint::Proxy,
    }
}

/// Gives a request upstream what it takes of the client's headers.
pub(crate) fn pass_up<B>(
    client: &actix::HeaderMap,
    endpoint: Endpoint,
    forward: &[String],
    request: &mut Request<B>,
) {
    let hop = named_in_connection(client.get_all("connection").map(actix::HeaderValue::as_bytes));
    let headers = request.headers_mut();
    headers.insert(header::USER_AGENT, USER_AGENT);
    for (name, value) in client {
        let (name, value) = (name.as_str(), value.as_bytes());
        let wanted = passes(name, endpoint) || forward.iter().any(|wanted| wanted == name);
        if wanted && may_pass(name, value) && !hop.iter().any(|hop| hop == name) {
            add(headers, name, value);
        }
        if let Some(twin) = name.strip_prefix("x-portkey-").filter(|twin| TWINS.contains(twin)) {
            set(headers, twin, value);
        }
    }
    // What is passed on chunk by chunk and kept in the log should be readable.
    headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    if request.method() == Method::GET {
        request.headers_mut().remove(header::CONTENT_TYPE);
    }
}

/// Whether a header passes without being named.
fn passes(name: &str, endpoint: Endpoint) -> bool {
    match endpoint {
        Endpoint::Proxy => !ONLY_WHEN_NAMED.contains(&name),
        _ => PLAIN.contains(&name),
    }
}

/// Whether a header may pass at all: not what belongs to this hop, and never one of our own keys.
fn may_pass(name: &str, value: &[u8]) -> bool {
    let key = value.strip_prefix(b"Bearer ").unwrap_or(value);
    !name.starts_with("x-portkey-")
        && !HOP_BY_HOP.contains(&name)
        && !THIS_HOP.contains(&name)
        && !key.starts_with(tenancy::secret::PREFIX.as_bytes())
}

/// What comes back to the client of upstream's headers; `decoded`: its body is passed on without its encoding.
pub(crate) fn pass_down(
    upstream: &HeaderMap,
    decoded: bool,
) -> impl Iterator<Item = (actix::HeaderName, actix::HeaderValue)> {
    let hop = named_in_connection(upstream.get_all("connection").iter().map(HeaderValue::as_bytes));
    upstream.iter().filter_map(move |(name, value)| {
        let text = name.as_str();
        let dropped = HOP_BY_HOP.contains(&text)
            || hop.iter().any(|hop| hop == text)
            || (decoded && name == header::CONTENT_ENCODING)
            || name == header::ALT_SVC;
        if dropped {
            return None;
        }
        let name = actix::HeaderName::from_bytes(text.as_bytes()).ok()?;
        Some((name, actix::HeaderValue::from_bytes(value.as_bytes()).ok()?))
    })
}

/// The headers that a `Connection` header makes one of this connection only; mostly none.
fn named_in_connection<'a>(values: impl Iterator<Item = &'a [u8]>) -> Vec<String> {
    let usual = |name: &str| name.eq_ignore_ascii_case("keep-alive") || name.eq_ignore_ascii_case("close");
    values
        .filter_map(|value| std::str::from_utf8(value).ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .filter(|name| !name.is_empty() && !usual(name))
        .map(str::to_ascii_lowercase)
        .collect()
}

/// A client's headers as the log keeps them: secrets masked, and those that the client names.
pub(crate) fn logged(headers: &actix::HeaderMap, sensitive: &[String]) -> Headers {
    shown(headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())), sensitive)
}

/// Upstream's headers as the log keeps them.
pub(crate) fn logged_upstream(headers: &HeaderMap, sensitive: &[String]) -> Headers {
    shown(headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())), sensitive)
}

/// A host with a password or a query is refused, and what was in them is not kept either. A config that came with the call may hold
/// provider keys; the name of a saved one is none.
fn shown<'a>(headers: impl Iterator<Item = (&'a str, &'a [u8])>, sensitive: &[String]) -> Headers {
    let mut block = Headers::with_capacity(USUAL_BYTES);
    for (name, value) in headers {
        let masked = is_secret(name)
            || sensitive.iter().any(|masked| masked == name)
            || (name == "x-portkey-custom-host" && value.iter().any(|byte| matches!(byte, b'@' | b'?')))
            || (name == "x-portkey-config" && !is_slug(value));
        let value = if masked { Cow::Borrowed(MASK) } else { String::from_utf8_lossy(value) };
        block.push(name, &value);
    }
    block
}

/// Whether a header's value is a credential, by what its name says.
fn is_secret(name: &str) -> bool {
    SECRET.is_match(name) && !HARMLESS.is_match(name)
}

fn is_slug(value: &[u8]) -> bool {
    value.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

/// Whose account, organization or project a virtual key's calls are: what the key says, whatever the caller does.
pub(crate) fn set_extras(headers: &mut HeaderMap, key: Option<&VirtualKey>) {
    for (name, value) in key.iter().flat_map(|key| &key.extras) {
        // The others are for dialects that are not spoken yet, and may be secrets.
        if TWINS.contains(&name.as_str()) {
            set(headers, name, value.expose_secret().as_bytes());
        }
    }
}

/// The same of a config's target.
pub(crate) fn set_twins<'a>(headers: &mut HeaderMap, twins: impl Iterator<Item = (&'a str, &'a str)>) {
    for (name, value) in twins.filter(|(name, _)| TWINS.contains(name)) {
        set(headers, name, value.as_bytes());
    }
}

/// The headers of a request upstream that change its answer, as they go there ([`pass_up`], [`set_extras`], [`set_twins`]), and what is
/// forwarded besides, for only the provider knows what that does.
pub(crate) fn changing<'a>(
    client: &'a actix::HeaderMap,
    forward: &'a [String],
    of_target: &'a BTreeMap<&'static str, String>,
    of_key: Option<&'a VirtualKey>,
) -> Vec<(&'a str, &'a [u8])> {
    let mut changing = Vec::new();
    for name in CHANGING {
        let twin = format!("x-portkey-{name}");
        let set = of_target.get(name).map(String::as_bytes).or_else(|| {
            let of_key =
                of_key.and_then(|key| key.extras.get(name)).map(|value| value.expose_secret().as_bytes());
            of_key.or_else(|| client.get_all(twin.as_str()).last().map(actix::HeaderValue::as_bytes))
        });
        match set {
            Some(value) => changing.push((name, value)),
            None => changing.extend(client.get_all(name).map(|value| (name, value.as_bytes()))),
        }
    }
    for name in forward.iter().map(String::as_str) {
        let tells_nothing = PLAIN.contains(&name) || OF_A_TRACE.contains(&name) || is_secret(name);
        let values = client.get_all(name).map(actix::HeaderValue::as_bytes);
        changing.extend(
            values.filter(|value| !tells_nothing && may_pass(name, value)).map(|value| (name, value)),
        );
    }
    changing
}

/// Sets a header; a value that HTTP does not allow is left out.
pub(crate) fn set(headers: &mut HeaderMap, name: &str, value: &[u8]) {
    if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::from_bytes(value)) {
        headers.insert(name, value);
    }
}

/// Adds a header beside those of its name that came before; `user-agent` has one value.
fn add(headers: &mut HeaderMap, name: &str, value: &[u8]) {
    if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::from_bytes(value)) {
        if name == header::USER_AGENT {
            headers.insert(name, value);
        } else {
            headers.append(name, value);
        }
    }
}

#[cfg(test)]
mod tests;
