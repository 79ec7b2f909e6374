//! What is answered, as the request was written: a message of OTLP, or a `google.rpc.Status`.

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpResponse, ResponseError as _};
use prost::Message;
use serde::Serialize;
use tonic::Code;

use super::body::Encoding;
use crate::Error;
use crate::error::Shape;

/// Seconds after which what cannot be taken now may be sent again.
const SOON: HeaderValue = HeaderValue::from_static("1");

/// `google.rpc.Status`, which OTLP answers every error with.
#[derive(Message)]
struct Status {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
}

/// The same as JSON, in which who reads OTLP finds a status and everybody else our own shape.
#[derive(Serialize)]
struct JsonStatus {
    code: i32,
    message: String,
    #[serde(flatten)]
    shape: Shape,
}

pub(super) fn refused(encoding: Encoding, error: &Error) -> HttpResponse {
    error.log();
    let (status, message, code) = (error.status_code(), error.to_string(), code(error) as i32);
    let mut response = match encoding {
        Encoding::Protobuf => protobuf(status, &Status { code, message }),
        Encoding::Json => {
            HttpResponse::build(status).json(JsonStatus { code, message, shape: error.shape() })
        }
    };
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(header::RETRY_AFTER, SOON);
    }
    response
}

pub(super) fn protobuf(status: StatusCode, message: &impl Message) -> HttpResponse {
    HttpResponse::build(status).content_type("application/x-protobuf").body(message.encode_to_vec())
}

/// gRPC's word for it: what may be sent again is `Unavailable` and nothing else.
pub(super) fn code(error: &Error) -> Code {
    match error {
        Error::Unauthorised(_) => Code::Unauthenticated,
        Error::Forbidden(_) => Code::PermissionDenied,
        Error::Unpaid => Code::FailedPrecondition,
        Error::NotFound { .. } | Error::NoModel => Code::NotFound,
        Error::Invalid { .. } | Error::Mistakes(_) | Error::Unsupported { .. } | Error::TooLarge { .. } => {
            Code::InvalidArgument
        }
        Error::Method { .. } => Code::Unimplemented,
        Error::TooSoon { .. } | Error::Unavailable(_) => Code::Unavailable,
        Error::Conflict(_) => Code::AlreadyExists,
        Error::Internal(_) => Code::Internal,
    }
}
