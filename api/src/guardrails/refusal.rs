//! Why a request was not done, in the shape that the contract has for guardrails (1.5: shape B). What is not there is as what
//! is another's: 403.

use std::fmt;

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::{FromRequest, HttpRequest, HttpResponse, ResponseError};
use futures_util::future::LocalBoxFuture;
use serde::Serialize;
use utoipa::{IntoResponses, ToSchema};

use crate::Error;
use crate::access::Caller;

/// An [`Error`] in shape B.
#[derive(Debug)]
pub(crate) struct Refused(Error);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<E: Into<Error>> From<E> for Refused {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

/// A caller whose refusal has the shape too.
pub(crate) struct By(pub Caller);

impl FromRequest for By {
    type Error = Refused;
    type Future = LocalBoxFuture<'static, Result<Self, Refused>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let caller = Caller::from_request(request, payload);
        Box::pin(async move { Ok(Self(caller.await?)) })
    }
}

/// Why a request was not done: shape B.
#[derive(Serialize, ToSchema)]
#[schema(as = ErrorB)]
pub(crate) struct Shape {
    #[schema(inline)]
    error: Inner,
}

#[derive(Serialize, ToSchema)]
struct Inner {
    /// Always there.
    #[schema(pattern = "^AB[0-9]{2}$")]
    code: Option<&'static str>,
    /// What was wrong with which field, and what would be right.
    message: String,
    /// The field.
    param: Option<String>,
    r#type: &'static str,
}

/// How these operations are refused.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "it says what is answered")]
pub(crate) enum Refusals {
    #[response(status = 400)]
    Invalid(Shape),
    #[response(status = 401)]
    Unauthorised(Shape),
    #[response(status = 403)]
    Forbidden(Shape),
    #[response(status = 413)]
    TooLarge(Shape),
    #[response(status = 500)]
    Internal(Shape),
    #[response(status = 503)]
    Unavailable(Shape),
}

impl Refused {
    fn parts(&self) -> (StatusCode, &'static str, &'static str) {
        let (status, code) = match &self.0 {
            // Whether another has it is not told.
            Error::NotFound { .. } => (StatusCode::FORBIDDEN, "AB03"),
            other => other.parts(),
        };
        let kind = match status.as_u16() {
            401 => "authentication_error",
            403 => "permission_error",
            500.. => "server_error",
            _ => "invalid_request_error",
        };
        (status, code, kind)
    }
}

impl ResponseError for Refused {
    fn status_code(&self) -> StatusCode {
        self.parts().0
    }

    fn error_response(&self) -> HttpResponse {
        self.0.log();
        let (status, code, kind) = self.parts();
        let param = match &self.0 {
            Error::Invalid { field, .. } => Some(field.clone()),
            _ => None,
        };
        let inner = Inner { code: Some(code), message: self.to_string(), param, r#type: kind };
        HttpResponse::build(status).json(Shape { error: inner })
    }
}
