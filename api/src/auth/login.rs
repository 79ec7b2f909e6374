use actix_web::{HttpRequest, web};
use tenancy::PeopleError;
use tenancy::people::SignIn;
use utoipa::ToSchema;
use uuid::Uuid;

use super::shape::{Tokens, TokensAnswer};
use crate::fields::Fields;
use crate::query::Query;
use crate::{Api, Error, body, origin};

/// Bytes of an e-mail address (RFC 5321, 4.5.3.1).
pub(super) const MAX_EMAIL: usize = 254;

/// Who signs in.
#[derive(ToSchema)]
#[schema(example = json!({"email": "owner@example.com", "password": "correct horse battery staple"}))]
#[expect(dead_code, reason = "it says what is read from the body")]
pub(crate) struct Credentials {
    #[schema(min_length = 1, max_length = 254)]
    email: String,
    #[schema(min_length = 1, max_length = 256)]
    password: String,
    /// Which of their organisations, where there are several.
    organisation_id: Option<Uuid>,
}

/// Begins a session of a person in one of their organisations.
///
/// After several failures an account and a client address have to wait.
#[utoipa::path(post, path = "/v1/auth/login", request_body = Credentials, responses((status = 200, body = Tokens), (status = 401), (status = 429)))]
pub(crate) async fn login(
    request: HttpRequest,
    api: web::Data<Api>,
    query: Query,
    payload: web::Payload,
) -> Result<TokensAnswer, Error> {
    query.none()?;
    let sign_in = take_sign_in(&request, &api, body::credentials(payload).await?)?;
    let signed_in = api.people.sign_in(sign_in).await.map_err(sign_in_error)?;
    Ok(Tokens::answer(signed_in))
}

/// Why somebody is not signed in.
pub(crate) fn sign_in_error(error: PeopleError) -> Error {
    match error {
        PeopleError::Refused => {
            Error::Unauthorised("no such e-mail address, password and organisation go together")
        }
        error => error.into(),
    }
}

/// What somebody signs in by.
pub(crate) fn take_sign_in(request: &HttpRequest, api: &Api, mut fields: Fields) -> Result<SignIn, Error> {
    let email = fields.line("email", MAX_EMAIL)?;
    let email = fields.required("email", email, "the e-mail address of a person")?;
    let password = super::take_password(&mut fields, "password")?;
    let organisation = fields.line("organisation_id", 100)?;
    fields.finish()?;
    let organisation_id = organisation
        .map(|text| {
            text.parse().map_err(|_| Error::invalid("organisation_id", format!("found `{text}`"), "a UUID"))
        })
        .transpose()?;
    let user_agent = origin::user_agent(request).map(str::to_owned);
    Ok(SignIn {
        email,
        password,
        organisation_id,
        address: origin::client(request, api.trust_forwarded_for),
        user_agent,
    })
}
