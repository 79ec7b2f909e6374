use std::sync::Arc;

use actix_web::http::header::CACHE_CONTROL;
use actix_web::web::{self, Json};
use actix_web::{CustomizeResponder, HttpRequest, Responder as _};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use tenancy::PeopleError;
use tenancy::people::{Acceptance, Client, OwnKey};
use utoipa::ToSchema;
use uuid::Uuid;

use super::shape::Tokens;
use crate::access::{self, Credential};
use crate::fields::Fields;
use crate::query::Query;
use crate::{Api, Error, body, origin};

/// Characters of either name.
const MAX_NAME: usize = 100;

/// Who accepts an invite.
#[derive(ToSchema)]
#[schema(example = json!({"token": "tpi_...", "first_name": "Robin", "last_name": "Example", "password": "correct horse battery staple"}))]
#[expect(dead_code, reason = "it says what is read from the body")]
pub(crate) struct InviteAcceptance {
    /// The last part of the invite's link.
    #[schema(min_length = 1, max_length = 256)]
    token: String,
    /// Of a new account; one that is there keeps its own.
    #[schema(min_length = 1, max_length = 100)]
    first_name: Option<String>,
    #[schema(min_length = 1, max_length = 100)]
    last_name: Option<String>,
    /// Of a new account 12 characters or more; of one that is there its own, unless its access token comes with the request.
    #[schema(min_length = 1, max_length = 256)]
    password: Option<String>,
}

/// Tokens of a session, and the keys that came with the invite.
#[derive(Serialize, ToSchema)]
pub(crate) struct AcceptedInvite {
    #[serde(flatten)]
    tokens: Tokens,
    api_keys: Vec<UserKey>,
}

/// A key of one's own to a workspace.
#[derive(Serialize, ToSchema)]
struct UserKey {
    id: Uuid,
    /// The workspace's slug.
    workspace_id: String,
    /// The secret: here and nowhere else.
    key: String,
}

impl UserKey {
    fn of(key: OwnKey) -> Self {
        Self { id: key.id, workspace_id: key.workspace, key: key.secret.expose_secret().to_owned() }
    }
}

/// Makes who has the token of an open invite a member, and signs them in.
///
/// The token works once. An account that has the invite's address is shown to be theirs by its password, or by its access token in
/// `authorization`; where there is none it is made.
#[utoipa::path(post, path = "/v1/auth/invites/accept", operation_id = "accept_invite", request_body = InviteAcceptance, responses((status = 200, body = AcceptedInvite), (status = 401), (status = 429)))]
pub(crate) async fn accept(
    request: HttpRequest,
    api: web::Data<Api>,
    query: Query,
    payload: web::Payload,
) -> Result<CustomizeResponder<Json<AcceptedInvite>>, Error> {
    query.none()?;
    let fields = body::credentials(payload).await?;
    let signed_in = match access::credential(None, host::bearer(&request)) {
        Some(Credential::AccessToken(token)) => {
            api.people.identify(&token).await.map_err(access::access_token_error)?.tenant.user_id
        }
        _ => None,
    };
    let acceptance = take_acceptance(&request, &api, fields, signed_in)?;
    let accepted = api.people.accept(acceptance).await.map_err(acceptance_error)?;
    let api_keys = accepted.keys.into_iter().map(UserKey::of).collect();
    let answer = AcceptedInvite { tokens: Tokens::of(accepted.signed_in), api_keys };
    Ok(Json(answer).customize().insert_header((CACHE_CONTROL, "no-store")))
}

/// Why an invite is not accepted.
pub(crate) fn acceptance_error(error: PeopleError) -> Error {
    match error {
        PeopleError::Refused => {
            Error::Unauthorised("it is not the password of the account that has the address")
        }
        error => error.into(),
    }
}

/// What somebody accepts an invite by; `signed_in` is who they have shown that they are.
pub(crate) fn take_acceptance(
    request: &HttpRequest,
    api: &Api,
    mut fields: Fields,
    signed_in: Option<Uuid>,
) -> Result<Acceptance, Error> {
    let token = fields.line("token", 256)?;
    let token = fields.required("token", token, "the token of an invite's link")?.into();
    let (first_name, last_name) = (fields.line("first_name", MAX_NAME)?, fields.line("last_name", MAX_NAME)?);
    let password = fields.line("password", tenancy::password::MAX)?.map(SecretString::from);
    fields.finish()?;
    let client = Client {
        address: origin::client(request, api.trust_forwarded_for),
        user_agent: origin::user_agent(request).map(str::to_owned),
    };
    let origin = Arc::new(origin::of(request, api.trust_forwarded_for));
    Ok(Acceptance { token, first_name, last_name, password, signed_in, client, origin })
}
