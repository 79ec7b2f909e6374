//! Whether it is the operator who calls.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header::AUTHORIZATION;
use actix_web::{FromRequest, HttpRequest, web};
use secrecy::{ExposeSecret as _, SecretString};
use subtle::ConstantTimeEq as _;

use crate::{Api, Error};

/// The operator, by the token of the settings. Taking it is what guards a handler; without a token in the settings there
/// is nothing here.
pub(crate) struct Operator;

impl FromRequest for Operator {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let Some(api) = request.app_data::<web::Data<Api>>() else {
            return ready(Err(Error::internal("the state of the plane is not mounted")));
        };
        let Some(token) = &api.operator_token else {
            return ready(Err(Error::not_found("route", request.path())));
        };
        let expected = "expected the operator's token, as Authorization: Bearer";
        let known = bearer(request).is_some_and(|given| is_same(given, token));
        ready(if known { Ok(Self) } else { Err(Error::Unauthorised(expected)) })
    }
}

fn bearer(request: &HttpRequest) -> Option<&str> {
    let (scheme, token) = request.headers().get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// In a time that tells nothing of the token, its length included: hashes are compared.
fn is_same(given: &str, token: &SecretString) -> bool {
    let (given, token) = (tenancy::secret::hash(given), tenancy::secret::hash(token.expose_secret()));
    given.ct_eq(&token).into()
}
