use actix_web::web;
use serde::Serialize;
use utoipa::ToSchema;

use super::RefreshToken;
use crate::query::Query;
use crate::{Api, Error, body};

/// Says that it is done, and nothing more.
#[derive(Serialize, ToSchema)]
pub(crate) struct Done {}

/// Ends the session of a refresh token. It is done whether or not there is one.
#[utoipa::path(post, path = "/v1/auth/logout", request_body = RefreshToken, responses((status = 200, body = Done)))]
pub(crate) async fn logout(
    api: web::Data<Api>,
    query: Query,
    payload: web::Payload,
) -> Result<web::Json<Done>, Error> {
    query.none()?;
    let token = super::take_refresh_token(body::credentials(payload).await?)?;
    api.people.sign_out(token).await?;
    Ok(web::Json(Done {}))
}
