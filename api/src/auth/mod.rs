//! Signing in as a person, and what goes with it.

mod accept;
mod jwks;
mod login;
mod logout;
mod password;
mod refresh;
mod reset;
mod sessions;
mod shape;

use secrecy::SecretString;
use tenancy::PeopleError;
use tenancy::password::{self as rule, Weak};
use utoipa::{OpenApi, ToSchema};

use crate::Error;
use crate::fields::Fields;

pub(crate) use accept::{accept, acceptance_error, take_acceptance};
pub(crate) use jwks::jwks;
pub(crate) use login::{login, sign_in_error, take_sign_in};
pub(crate) use logout::logout;
pub(crate) use password::password;
pub(crate) use refresh::refresh;
pub(crate) use reset::{ask_reset, begin_reset, finish_reset, set_password};
pub(crate) use sessions::{end_session, sessions};

/// The part of the document.
#[derive(OpenApi)]
#[openapi(paths(
    jwks::jwks,
    login::login,
    logout::logout,
    password::password,
    refresh::refresh,
    reset::begin_reset,
    reset::finish_reset,
    accept::accept,
    sessions::sessions,
    sessions::end_session
))]
pub(crate) struct Doc;

/// A refresh token, and nothing else.
#[derive(ToSchema)]
#[schema(example = json!({"refresh_token": "tpr_..."}))]
#[expect(dead_code, reason = "it says what is read from the body")]
struct RefreshToken {
    #[schema(min_length = 1, max_length = 256)]
    refresh_token: String,
}

fn take_refresh_token(mut fields: Fields) -> Result<SecretString, Error> {
    let token = fields.line("refresh_token", 256)?;
    let token = fields.required("refresh_token", token, "the refresh token of a sign-in")?;
    fields.finish()?;
    Ok(token.into())
}

fn take_password(fields: &mut Fields, name: &'static str) -> Result<SecretString, Error> {
    let password = fields.line(name, rule::MAX)?;
    fields.required(name, password, "a password").map(Into::into)
}

/// A password that is not taken is said by the name of its field.
fn weak(error: PeopleError, field: &'static str) -> Error {
    match error {
        PeopleError::Weak(weak) => Error::invalid(field, weak.to_string(), Weak::EXPECTED),
        error => error.into(),
    }
}
