use std::sync::Arc;

use ::alerts::outbox::{self, Topic};
use actix_web::{HttpRequest, web};
use sea_orm::TransactionTrait as _;
use secrecy::{ExposeSecret as _, SecretString};
use tenancy::email;
use tenancy::people::RESET_MS;
use utoipa::ToSchema;
use uuid::Uuid;

use super::login::MAX_EMAIL;
use super::weak;
use crate::fields::Fields;
use crate::query::Query;
use crate::wrapped::Nothing;
use crate::{Api, Error, body, origin};

/// Who has forgotten their password.
#[derive(ToSchema)]
#[schema(example = json!({"email": "somebody@example.com"}))]
#[expect(dead_code, reason = "it says what is read from the body")]
pub(crate) struct PasswordReset {
    #[schema(min_length = 1, max_length = 254)]
    email: String,
}

/// A new password, with the token of a mail.
#[derive(ToSchema)]
#[schema(example = json!({"token": "tpw_...", "new_password": "staple battery horse correct"}))]
#[expect(dead_code, reason = "it says what is read from the body")]
pub(crate) struct PasswordResetConfirmation {
    #[schema(min_length = 1, max_length = 256)]
    token: String,
    /// 12 characters or more, and none of those that are guessed first.
    #[schema(min_length = 1, max_length = 256)]
    new_password: String,
}

/// Sends a mail with a token for a new password, if there is such an account.
///
/// The answer is the same where there is none. After several requests an address and a client's address have to wait. A server
/// without a mail server sends none.
#[utoipa::path(post, path = "/v1/auth/password/reset", operation_id = "begin_password_reset", request_body = PasswordReset, responses((status = 200, body = Nothing), (status = 429)))]
pub(crate) async fn begin_reset(
    request: HttpRequest,
    api: web::Data<Api>,
    query: Query,
    payload: web::Payload,
) -> Result<web::Json<Nothing>, Error> {
    query.none()?;
    ask_reset(&request, &api, body::credentials(payload).await?).await?;
    Ok(web::Json(Nothing {}))
}

/// Sends a mail for a new password, if there is such an account.
pub(crate) async fn ask_reset(request: &HttpRequest, api: &Api, mut fields: Fields) -> Result<(), Error> {
    let address = fields.line("email", MAX_EMAIL)?;
    let address = fields.required("email", address, email::EXPECTED)?;
    fields.finish()?;
    let address =
        email::normal(&address).map_err(|problem| Error::invalid("email", problem, email::EXPECTED))?;
    api.people.may_reset(&address, origin::client(request, api.trust_forwarded_for)).await?;
    if api.sends_mail { send(api, address).await } else { Ok(()) }
}

/// Where there is no such account all is done but the sending: it takes as long.
async fn send(api: &Api, address: String) -> Result<(), Error> {
    let now_ms = api.clock.now_ms();
    let txn = api.db.begin().await?;
    let (token, user) = api.people.begin_reset(&txn, &address).await?;
    let letter = outbox::New {
        organisation_id: None,
        topic: Topic::PasswordReset,
        about: user.as_ref().map_or_else(Uuid::nil, |user| user.id),
        address,
        subject: "[Turnpike] A new password".to_owned(),
        body: text(&api.public_url, &token),
        expires_at: now_ms + RESET_MS,
    };
    let mail = outbox::write(&api.vault, &api.ids, now_ms, letter).map_err(Error::internal)?;
    if user.is_some() {
        outbox::put(&txn, mail).await?;
    }
    Ok(txn.commit().await?)
}

fn text(public_url: &str, token: &SecretString) -> SecretString {
    let token = token.expose_secret();
    format!(
        "Somebody, most likely you, has asked for a new password for the account that has this address.\n\n\
         Set one within the hour:\n{public_url}/reset/{token}\n\n\
         By the API: POST {public_url}/v1/auth/password/reset/confirm with \
         {{\"token\": \"{token}\", \"new_password\": \"...\"}}\n\n\
         It works once and ends all of your sessions. If it was not you, there is nothing to do: your password stays as it is.\n"
    )
    .into()
}

/// Sets a new password with the token of a mail, which works within an hour and once.
///
/// All sessions of the account end, and so do its waits after failed attempts.
#[utoipa::path(post, path = "/v1/auth/password/reset/confirm", operation_id = "finish_password_reset", request_body = PasswordResetConfirmation, responses((status = 200, body = Nothing)))]
pub(crate) async fn finish_reset(
    request: HttpRequest,
    api: web::Data<Api>,
    query: Query,
    payload: web::Payload,
) -> Result<web::Json<Nothing>, Error> {
    query.none()?;
    set_password(&request, &api, body::credentials(payload).await?).await?;
    Ok(web::Json(Nothing {}))
}

/// Sets a new password with the token of a mail.
pub(crate) async fn set_password(request: &HttpRequest, api: &Api, mut fields: Fields) -> Result<(), Error> {
    let token = fields.line("token", 256)?;
    let token = fields.required("token", token, "the token of a mail")?.into();
    let new = super::take_password(&mut fields, "new_password")?;
    fields.finish()?;
    let origin = Arc::new(origin::of(request, api.trust_forwarded_for));
    api.people.finish_reset(&token, new, origin).await.map_err(|error| weak(error, "new_password"))
}
