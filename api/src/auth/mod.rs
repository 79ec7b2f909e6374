//! Signing in as a person, and what goes with it.

mod jwks;
mod login;
mod logout;
mod password;
mod refresh;
mod shape;

use secrecy::SecretString;
use utoipa::{OpenApi, ToSchema};

use crate::Error;
use crate::fields::Fields;

pub(crate) use jwks::jwks;
pub(crate) use login::login;
pub(crate) use logout::logout;
pub(crate) use password::password;
pub(crate) use refresh::refresh;

/// The part of the document.
#[derive(OpenApi)]
#[openapi(paths(jwks::jwks, login::login, logout::logout, password::password, refresh::refresh))]
pub(crate) struct Doc;

/// Characters of a password.
const MIN_PASSWORD: usize = 12;
const MAX_PASSWORD: usize = 256;

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
    let password = fields.line(name, MAX_PASSWORD)?;
    fields.required(name, password, "a password").map(Into::into)
}
