//! What was wrong with a form, to be said in it.

use actix_web::http::StatusCode;

use super::failure::{Failure, words};
use crate::Error;

pub(super) struct Problem {
    pub status: StatusCode,
    pub text: String,
    pub retry_after_s: Option<i64>,
}

impl Problem {
    /// What the caller did wrong; what failed on our side is a page of its own.
    pub fn of(error: Error) -> Result<Self, Failure> {
        let status = error.parts().0;
        let retry_after_s = match error {
            Error::TooSoon { retry_after_s } => Some(retry_after_s),
            _ => None,
        };
        if status.is_server_error() {
            return Err(error.into());
        }
        Ok(Self { status, text: words(&error), retry_after_s })
    }
}
