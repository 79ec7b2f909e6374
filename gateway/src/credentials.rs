//! The provider's key: from a virtual key or the caller, onto the request in the provider's own way.

use actix_web::http::header::HeaderMap as ClientHeaders;
use http::HeaderMap;
use http::header::HeaderValue;
use providers::Auth;
use secrecy::{ExposeSecret, SecretString};

/// What the Portkey SDK sends in `Authorization` when it was given no provider key.
const PLACEHOLDER: &str = "OPENAI_API_KEY";

/// The provider key that the caller brings: `Authorization`, or Anthropic's `x-api-key`.
pub(crate) fn callers(headers: &ClientHeaders) -> Option<SecretString> {
    let authorization = headers.get("authorization").and_then(|value| value.to_str().ok()).map(|text| {
        text.strip_prefix("Bearer ").or_else(|| text.strip_prefix("bearer ")).unwrap_or(text).trim()
    });
    let usable =
        |key: &&str| !key.is_empty() && *key != PLACEHOLDER && !key.starts_with(tenancy::secret::PREFIX);
    let anthropics = || headers.get("x-api-key")?.to_str().ok().map(str::trim).filter(usable);
    authorization.filter(usable).or_else(anthropics).map(SecretString::from)
}

/// Puts the key where the provider looks for it; gives what belongs in the query.
pub(crate) fn apply(auth: &Auth, key: Option<&SecretString>, headers: &mut HeaderMap) -> Option<String> {
    let key = key?.expose_secret();
    let (name, value) = match auth {
        Auth::Bearer => ("authorization", format!("Bearer {key}")),
        Auth::Header(name) => (name.as_str(), key.to_owned()),
        Auth::Query(name) => {
            let key = percent_encoding::utf8_percent_encode(key, percent_encoding::NON_ALPHANUMERIC);
            return Some(format!("{name}={key}"));
        }
        Auth::None => return None,
    };
    if let (Ok(name), Ok(mut value)) = (http::HeaderName::try_from(name), HeaderValue::try_from(value)) {
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    None
}
