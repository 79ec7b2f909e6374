//! Whether it is the operator who calls.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, web};

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
        ready(if host::shows_token(request, token) { Ok(Self) } else { Err(Error::Unauthorised(expected)) })
    }
}
