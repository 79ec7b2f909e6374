//! Whether it is the operator who asks.

use actix_web::HttpRequest;
use actix_web::http::header::AUTHORIZATION;
use secrecy::{ExposeSecret as _, SecretString};
use subtle::ConstantTimeEq as _;

/// Whether a request shows the operator's token, as `Authorization: Bearer`.
#[must_use]
pub fn shows_token(request: &HttpRequest, token: &SecretString) -> bool {
    bearer(request).is_some_and(|given| is_same(given, token))
}

/// What a request shows as `Authorization: Bearer`.
#[must_use]
pub fn bearer(request: &HttpRequest) -> Option<&str> {
    let (scheme, token) = request.headers().get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// In a time that tells nothing of the token, its length included: hashes are compared.
fn is_same(given: &str, token: &SecretString) -> bool {
    let (given, token) = (tenancy::secret::hash(given), tenancy::secret::hash(token.expose_secret()));
    given.ct_eq(&token).into()
}
