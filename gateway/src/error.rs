//! What the gateway itself answers when it does not pass an answer on, in the shapes of the contract.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, ResponseError};
use limits::{Refusal, SubjectKind};
use recorder::Outcome;
use serde_json::json;

/// Why a call got no answer from upstream.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{0}")]
    Unauthorised(&'static str),
    #[error("this API key may not do this: it needs {0}")]
    Forbidden(&'static str),
    /// What the virtual key is not for.
    #[error("{0}")]
    NotPermitted(String),
    /// The caller's mistake: which field, and what would be right.
    #[error("{field}: {problem}")]
    Invalid { field: String, problem: String },
    /// The mistakes of a config; `field` names it.
    #[error("{}", told_of(.field, .invalid))]
    Config { field: String, invalid: routing::Invalid },
    #[error(transparent)]
    Body(#[from] providers::PeekError),
    #[error("body: larger than the {0} bytes that are taken")]
    TooLarge(usize),
    #[error("body: nothing of it came for {0} s")]
    BodyTimedOut(u64),
    #[error("body: larger than this server passes on")]
    UploadTooLarge,
    #[error("{0} is not supported by {1}")]
    Unsupported(&'static str, String),
    #[error("the realtime WebSocket endpoint is not served yet")]
    Realtime,
    #[error("the database cannot answer and this key is not known here yet; try again shortly")]
    Unavailable,
    #[error("there is no room to record this call; try again shortly")]
    NoRoom,
    #[error(
        "the organisation's invoices are not paid, and it makes no calls until they are: see /v1/billing/invoices"
    )]
    Suspended,
    #[error(
        "the organisation's {limit} logs of {month} are used up, and it refuses calls that would not be recorded: raise the plan \
         or the cap, or set over_quota to pass"
    )]
    OverQuota { month: plans::Month, limit: u64 },
    #[error(transparent)]
    Limit(#[from] Refusal),
    #[error("the client went away before its request was whole")]
    ClientGone,
    #[error("{provider} did not begin to answer within {timeout_ms} ms")]
    TimedOut { provider: String, timeout_ms: u128 },
    #[error("{provider} could not be connected to in time: {reason}")]
    ConnectTimedOut { provider: String, reason: String },
    #[error("{provider} could not be reached: {reason}")]
    Unreachable { provider: String, reason: String },
    #[error("the gateway failed on this call, which is a fault of its own")]
    Internal,
}

/// What kind of failure an error is to who asks a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The target's connection.
    Network,
    /// The target's answer did not begin.
    TimedOut,
    /// None of the target's.
    Other,
}

impl Error {
    pub(crate) fn invalid(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Invalid { field: field.into(), problem: problem.into() }
    }

    /// How the call's log says that it ended.
    pub(crate) fn outcome(&self) -> Outcome {
        match self {
            Self::Unauthorised(_)
            | Self::Forbidden(_)
            | Self::NotPermitted(_)
            | Self::Invalid { .. }
            | Self::Config { .. }
            | Self::Body(_)
            | Self::TooLarge(_)
            | Self::UploadTooLarge
            | Self::BodyTimedOut(_)
            | Self::Unsupported(..)
            | Self::Realtime
            | Self::Suspended
            | Self::OverQuota { .. }
            | Self::Unavailable
            | Self::Limit(_)
            | Self::NoRoom => Outcome::Refused,
            Self::ClientGone => Outcome::ClientGone,
            Self::TimedOut { .. } => Outcome::TimedOut,
            Self::ConnectTimedOut { .. } | Self::Unreachable { .. } => Outcome::UpstreamFailed,
            Self::Internal => Outcome::Panicked,
        }
    }

    pub(crate) fn status(&self) -> u16 {
        match self {
            Self::Unauthorised(_) => 401,
            Self::Suspended => 402,
            Self::Forbidden(_) | Self::NotPermitted(_) => 403,
            Self::Invalid { .. } | Self::Config { .. } | Self::Body(_) | Self::Unsupported(..) => 400,
            Self::OverQuota { .. } | Self::Limit(Refusal::Exhausted { .. }) => 412,
            Self::TooLarge(_) | Self::UploadTooLarge => 413,
            Self::Realtime => 501,
            Self::Limit(Refusal::TooMany { .. }) => 429,
            Self::Limit(Refusal::Away) | Self::Unavailable | Self::NoRoom | Self::ConnectTimedOut { .. } => {
                503
            }
            Self::ClientGone => 499,
            Self::TimedOut { .. } | Self::BodyTimedOut(_) => 408,
            Self::Unreachable { .. } | Self::Internal => 500,
        }
    }

    /// When it is worth trying again.
    fn retry_after_s(&self) -> Option<i64> {
        match self {
            Self::Unavailable | Self::NoRoom | Self::Limit(Refusal::Away) => Some(1),
            // Rounded up: in the second that is named there is room.
            Self::Limit(Refusal::TooMany { retry_after_ms, .. }) => Some((retry_after_ms + 999) / 1000),
            _ => None,
        }
    }

    /// The body of the answer.
    pub(crate) fn json(&self) -> bytes::Bytes {
        bytes::Bytes::from(self.body().to_string())
    }

    /// Failures of a target have the OpenAI shape, refusals the gateway's own (contract: error catalogue).
    fn body(&self) -> serde_json::Value {
        let message = self.to_string();
        match self {
            Self::TimedOut { provider, .. } => error_body(&message, "timeout_error", provider),
            Self::ConnectTimedOut { provider, .. } | Self::Unreachable { provider, .. } => {
                error_body(&message, "upstream_error", provider)
            }
            Self::Config { field, invalid } => {
                let errors = invalid.0.iter().map(|mistake| {
                    format!("path: {}, message: {}", at(field, &mistake.path), mistake.message)
                });
                let errors: Vec<_> = errors.collect();
                json!({"status": "failure", "message": message, "errors": errors})
            }
            _ => json!({"status": "failure", "message": message}),
        }
    }

    /// How retries take it: a target that gave no answer may give one to the next try.
    pub(crate) fn failure(&self) -> Failure {
        match self {
            Self::TimedOut { .. } => Failure::TimedOut,
            Self::ConnectTimedOut { .. } | Self::Unreachable { .. } => Failure::Network,
            _ => Failure::Other,
        }
    }

    /// Whether a fallback may go on to another target: after a failure of the target, and where its virtual key has no more to give.
    pub(crate) fn is_of_target(&self) -> bool {
        let of_virtual_key = |kind: SubjectKind| kind == SubjectKind::VirtualKey;
        match self {
            Self::Limit(Refusal::Exhausted { kind, .. } | Refusal::TooMany { kind, .. }) => {
                of_virtual_key(*kind)
            }
            _ => self.failure() != Failure::Other,
        }
    }
}

/// The place of a mistake in a config that `field` names.
fn at(field: &str, path: &str) -> String {
    if path.is_empty() { field.to_owned() } else { format!("{field}.{path}") }
}

fn told_of(field: &str, invalid: &routing::Invalid) -> String {
    let mistakes =
        invalid.0.iter().map(|mistake| format!("{}: {}", at(field, &mistake.path), mistake.message));
    mistakes.collect::<Vec<_>>().join("; ")
}

fn error_body(message: &str, kind: &str, provider: &str) -> serde_json::Value {
    json!({
        "error": {"message": message, "type": kind, "param": null, "code": null},
        "provider": provider,
    })
}

impl ResponseError for Error {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        if let Some(seconds) = self.retry_after_s() {
            response.insert_header(("retry-after", seconds.to_string()));
        }
        response.json(self.body())
    }
}
