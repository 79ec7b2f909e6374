//! What can go wrong, and how it is said: every error of the plane has the contract's shape A (1.5), made here.

use std::error::Error as StdError;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, ResponseError};
use sea_orm::DbErr;
use serde::Serialize;
use tenancy::password::Weak;
use tenancy::people::SigningError;
use tenancy::{IdentifyError, PeopleError};
use utoipa::ToSchema;

/// Characters of what a caller sent that an error may say back.
const MAX_ECHO: usize = 200;

/// Why a request was not done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No API key, or none that is known.
    #[error("Unauthorised Request: {0}")]
    Unauthorised(&'static str),
    /// The key is good, and may not do this.
    #[error("You do not have enough permissions to execute this request: {0}")]
    Forbidden(String),
    /// The organisation has not paid, and this needs that it has.
    #[error(
        "the organisation's invoices are not paid, and its logs are read-only until they are: see /v1/billing/invoices"
    )]
    Unpaid,
    /// There is none within the caller's reach: the same whether or not another tenant has it.
    #[error("no {what} `{id}`")]
    NotFound { what: &'static str, id: String },
    /// The price of a model is not known; said in a shape of its own (7.4).
    #[error("Model not found")]
    NoModel,
    /// It is right, and does not go with what is there already.
    #[error("{0}")]
    Conflict(String),
    /// What the caller sent is wrong.
    #[error("{field}: {problem}; expected {expected}")]
    Invalid { field: String, problem: String, expected: String },
    /// The same of several fields, each with what would be right.
    #[error("{0}; expected a config as the gateway takes it")]
    Mistakes(String),
    #[error("this path has no {method} here; expected {allowed}")]
    Method { method: String, allowed: String },
    /// Too many attempts failed before.
    #[error("too many failed attempts; please try again in {retry_after_s} s")]
    TooSoon { retry_after_s: i64 },
    #[error("the body is too large; expected at most {limit} bytes")]
    TooLarge { limit: usize },
    /// The body is of a kind that is not taken here.
    #[error("{field}: found `{found}`; expected {expected}")]
    Unsupported { field: &'static str, found: String, expected: &'static str },
    /// Something that we need cannot answer; trying again is right.
    #[error("this cannot be answered at the moment; please try again")]
    Unavailable(#[source] Box<dyn StdError + Send + Sync>),
    /// A fault of ours.
    #[error("something went wrong on our side")]
    Internal(#[source] Box<dyn StdError + Send + Sync>),
}

impl Error {
    /// What was wrong with which field, and what would be right.
    pub(crate) fn invalid(
        field: impl Into<String>,
        problem: impl Into<String>,
        expected: impl Into<String>,
    ) -> Self {
        Self::Invalid { field: short(field), problem: short(problem), expected: expected.into() }
    }

    /// The same, of what is in this field.
    pub(crate) fn within(self, outer: &str) -> Self {
        match self {
            Self::Invalid { field, problem, expected } => {
                Self::invalid(format!("{outer}.{field}"), problem, expected)
            }
            other => other,
        }
    }

    pub(crate) fn not_found(what: &'static str, id: impl Into<String>) -> Self {
        Self::NotFound { what, id: short(id) }
    }

    pub(crate) fn unsupported(field: &'static str, found: &str, expected: &'static str) -> Self {
        Self::Unsupported { field, found: short(found), expected }
    }

    pub(crate) fn unavailable(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::Unavailable(source.into())
    }

    pub(crate) fn internal(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::Internal(source.into())
    }

    /// Says what failed on our side; to be called once, by whoever answers with it.
    pub(crate) fn log(&self) {
        if self.parts().0.is_server_error() {
            tracing::error!(error = %chain(self), "a request failed");
        }
    }

    pub(crate) fn shape(&self) -> Shape {
        Shape { success: false, data: Data { message: self.to_string(), error_code: self.parts().1 } }
    }

    pub(crate) fn parts(&self) -> (StatusCode, &'static str) {
        match self {
            Self::Unauthorised(_) => (StatusCode::UNAUTHORIZED, "AB05"),
            Self::Forbidden(_) => (StatusCode::FORBIDDEN, "AB03"),
            Self::Unpaid => (StatusCode::PAYMENT_REQUIRED, "AB09"),
            Self::NotFound { .. } | Self::NoModel => (StatusCode::NOT_FOUND, "AB08"),
            Self::Conflict(_) => (StatusCode::CONFLICT, "AB07"),
            Self::Invalid { .. } | Self::Mistakes(_) => (StatusCode::BAD_REQUEST, "AB01"),
            Self::Method { .. } => (StatusCode::METHOD_NOT_ALLOWED, "AB01"),
            Self::TooSoon { .. } => (StatusCode::TOO_MANY_REQUESTS, "AB06"),
            Self::TooLarge { .. } => (StatusCode::PAYLOAD_TOO_LARGE, "AB01"),
            Self::Unsupported { .. } => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "AB01"),
            Self::Unavailable(_) => (StatusCode::SERVICE_UNAVAILABLE, "AB04"),
            Self::Internal(_) => (StatusCode::INTERNAL_SERVER_ERROR, "AB04"),
        }
    }
}

/// What a caller sent is said back to them only so far.
fn short(text: impl Into<String>) -> String {
    let text = text.into();
    match text.char_indices().nth(MAX_ECHO) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// Why a request was not done: shape A.
#[derive(Serialize, ToSchema)]
#[schema(as = Error)]
pub(crate) struct Shape {
    /// Always false.
    success: bool,
    #[schema(inline)]
    data: Data,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Data {
    /// What was wrong with which field, and what would be right.
    message: String,
    #[schema(pattern = "^AB[0-9]{2}$")]
    error_code: &'static str,
}

/// What is said of a model whose price is not known (7.4).
#[derive(Serialize, ToSchema)]
pub(crate) struct NoModel {
    /// Always `Model not found`.
    error: &'static str,
}

impl ResponseError for Error {
    fn status_code(&self) -> StatusCode {
        self.parts().0
    }

    fn error_response(&self) -> HttpResponse {
        self.log();
        let mut response = HttpResponse::build(self.status_code());
        if let Self::Method { allowed, .. } = self {
            response.insert_header(("allow", allowed.as_str()));
        }
        if let Self::TooSoon { retry_after_s } = self {
            response.insert_header(("retry-after", retry_after_s.to_string()));
        }
        if matches!(self, Self::NoModel) {
            return response.json(NoModel { error: "Model not found" });
        }
        response.json(self.shape())
    }
}

/// An error and what caused it, on one line.
fn chain(error: &dyn StdError) -> String {
    let causes = std::iter::successors(Some(error), |&error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

impl From<DbErr> for Error {
    fn from(error: DbErr) -> Self {
        Self::unavailable(error)
    }
}

impl From<logstore::query::Error> for Error {
    fn from(error: logstore::query::Error) -> Self {
        match error {
            logstore::query::Error::Database(error) => error.into(),
            logstore::query::Error::Content(_) => Self::internal(error),
        }
    }
}

impl From<recorder::Error> for Error {
    fn from(error: recorder::Error) -> Self {
        match error {
            recorder::Error::Encode(_) => Self::internal(error),
            recorder::Error::Spool(_) | recorder::Error::Measure(_) => Self::unavailable(error),
        }
    }
}

impl From<IdentifyError> for Error {
    fn from(error: IdentifyError) -> Self {
        match error {
            IdentifyError::Unknown => Self::Unauthorised("no such API key"),
            IdentifyError::Expired => Self::Unauthorised("the API key has expired"),
            IdentifyError::Unavailable => Self::unavailable(error),
        }
    }
}

impl From<PeopleError> for Error {
    fn from(error: PeopleError) -> Self {
        match error {
            PeopleError::Refused => Self::Unauthorised("this does not sign you in"),
            // Rounded up: in the second that is named it is not too soon.
            PeopleError::TooSoon { wait_ms } => Self::TooSoon { retry_after_s: (wait_ms + 999) / 1000 },
            PeopleError::WhichOrganisation(ids) => {
                let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
                let expected = format!("one of your organisations: {}", ids.join(", "));
                Self::invalid("organisation_id", "missing", expected)
            }
            PeopleError::Weak(weak) => Self::invalid("password", weak.to_string(), Weak::EXPECTED),
            PeopleError::PasswordMissing => Self::invalid(
                "password",
                "missing",
                "a password for a new account, or that of the account that has the address",
            ),
            PeopleError::NoInvite => {
                Self::invalid("token", "does not work, or not any more", "the token of an open invite")
            }
            PeopleError::NoReset => {
                let expected = "the token of the last mail, within the hour, once";
                Self::invalid("token", "does not work, or not any more", expected)
            }
            PeopleError::Database(error) | PeopleError::Signing(SigningError::Database(error)) => {
                error.into()
            }
            PeopleError::Password(_)
            | PeopleError::Signing(_)
            | PeopleError::Key(_)
            | PeopleError::NoRandomness(_) => Self::internal(error),
        }
    }
}
