use actix_web::web;
use tenancy::PeopleError;

use super::RefreshToken;
use super::shape::{Tokens, TokensAnswer};
use crate::query::Query;
use crate::{Api, Error, body};

/// New tokens for a refresh token, which works once.
#[utoipa::path(post, path = "/v1/auth/refresh", request_body = RefreshToken, responses((status = 200, body = Tokens), (status = 401)))]
pub(crate) async fn refresh(
    api: web::Data<Api>,
    query: Query,
    payload: web::Payload,
) -> Result<TokensAnswer, Error> {
    query.none()?;
    let token = super::take_refresh_token(body::credentials(payload).await?)?;
    let signed_in = api.people.refresh(token).await.map_err(|error| match error {
        PeopleError::Refused => Error::Unauthorised("the refresh token does not work, or not any more"),
        error => error.into(),
    })?;
    Ok(Tokens::answer(signed_in))
}
