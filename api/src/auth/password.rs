use actix_web::web;
use secrecy::{ExposeSecret as _, SecretString};
use tenancy::PeopleError;
use tenancy::password::Weak;
use tenancy::people::Person;
use utoipa::ToSchema;

use super::weak;
use crate::access::Caller;
use crate::fields::Fields;
use crate::query::Query;
use crate::wrapped::Nothing;
use crate::{Api, Error, body};

/// A change of one's own password.
#[derive(ToSchema)]
#[schema(example = json!({"current_password": "correct horse battery staple", "new_password": "staple battery horse correct"}))]
#[expect(dead_code, reason = "it says what is read from the body")]
pub(crate) struct PasswordChange {
    #[schema(min_length = 1, max_length = 256)]
    current_password: String,
    #[schema(min_length = 12, max_length = 256)]
    new_password: String,
}

/// Changes the caller's own password and ends their other sessions.
#[utoipa::path(post, path = "/v1/auth/password", request_body = PasswordChange, responses((status = 200, body = Nothing), (status = 429)))]
pub(crate) async fn password(
    caller: Caller,
    api: web::Data<Api>,
    query: Query,
    payload: web::Payload,
) -> Result<web::Json<Nothing>, Error> {
    query.none()?;
    let (current, new) = read(body::credentials(payload).await?)?;
    let session_id = caller
        .session_id
        .ok_or_else(|| Error::Forbidden("it needs the access token of a person".to_owned()))?;
    let person = Person { tenant: caller.tenant, session_id };
    api.people.change_password(&person, current, new, caller.origin).await.map_err(|error| match error {
        // Not 401: the access token is good, and a client that fetched another would get no further.
        PeopleError::Refused => {
            Error::invalid("current_password", "not your password", "the password that you signed in with")
        }
        error => weak(error, "new_password"),
    })?;
    Ok(web::Json(Nothing {}))
}

fn read(mut fields: Fields) -> Result<(SecretString, SecretString), Error> {
    let current = super::take_password(&mut fields, "current_password")?;
    let new = super::take_password(&mut fields, "new_password")?;
    fields.finish()?;
    if new.expose_secret() == current.expose_secret() {
        return Err(Error::invalid("new_password", "the same as the current one", Weak::EXPECTED));
    }
    Ok((current, new))
}
