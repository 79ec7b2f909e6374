//! What a response says of its call, in headers of our own (contract 1.3).

use std::borrow::Cow;

use actix_web::http::header::{HeaderName, HeaderValue};
use recorder::Routing;

use crate::Gateway;
use crate::admit::Admitted;
use crate::recording::month;

/// Of every call.
pub(crate) fn of_call(trace_id: &str, admitted: &Admitted) -> Vec<(HeaderName, HeaderValue)> {
    let mut headers = Vec::with_capacity(8);
    if let Ok(value) = HeaderValue::from_bytes(trace_id.as_bytes()) {
        headers.push((HeaderName::from_static("x-portkey-trace-id"), value));
    }
    if let Ok(value) = HeaderValue::from_str(&admitted.id.to_string()) {
        headers.push((HeaderName::from_static("x-turnpike-log-id"), value));
    }
    headers
}

/// Of the target that was used; `provider` is empty where it could not be found.
pub(crate) fn of_target(routing: &Routing, provider: &str, headers: &mut Vec<(HeaderName, HeaderValue)>) {
    let retries = match routing.retry_count {
        0 => Cow::Borrowed("0"),
        n => Cow::Owned(n.to_string()),
    };
    let told = [
        ("x-portkey-last-used-option-index", &routing.option_path),
        ("x-portkey-retry-attempt-count", &retries),
        ("x-portkey-cache-status", &routing.cache_status),
    ];
    // Of a cache that was not asked nothing is told.
    for (name, value) in told.into_iter().filter(|(_, value)| !value.is_empty()) {
        let value = match value {
            Cow::Borrowed(text) => Ok(HeaderValue::from_static(text)),
            Cow::Owned(text) => HeaderValue::from_str(text),
        };
        headers.extend(value.ok().map(|value| (HeaderName::from_static(name), value)));
    }
    if !provider.is_empty()
        && let Ok(value) = HeaderValue::from_str(provider)
    {
        headers.push((HeaderName::from_static("x-portkey-provider"), value));
    }
}

/// The error is the gateway's own, and no other target was asked for it.
pub(crate) fn exception() -> (HeaderName, HeaderValue) {
    (HeaderName::from_static("x-portkey-gateway-exception"), HeaderValue::from_static("true"))
}

/// Where the organisation's quota stands, as far as that is known here.
pub(crate) fn quota(admitted: &Admitted, gateway: &Gateway) -> Option<(HeaderName, HeaderValue)> {
    let key = quota::Key { organisation: admitted.tenant.organisation_id, month: month(admitted.id) };
    let used = gateway.ledger.known(key)?;
    let limit = admitted.tenant.terms.limit().map_or(Cow::Borrowed("unlimited"), |n| n.to_string().into());
    let value = HeaderValue::from_str(&format!("{used}/{limit}")).ok()?;
    Some((HeaderName::from_static("x-turnpike-log-quota"), value))
}
