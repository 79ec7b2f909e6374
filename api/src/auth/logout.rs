use actix_web::web;

use super::RefreshToken;
use crate::query::Query;
use crate::wrapped::Nothing;
use crate::{Api, Error, body};

/// Ends the session of a refresh token. It is done whether or not there is one.
#[utoipa::path(post, path = "/v1/auth/logout", request_body = RefreshToken, responses((status = 200, body = Nothing)))]
pub(crate) async fn logout(
    api: web::Data<Api>,
    query: Query,
    payload: web::Payload,
) -> Result<web::Json<Nothing>, Error> {
    query.none()?;
    let token = super::take_refresh_token(body::credentials(payload).await?)?;
    api.people.sign_out(token).await?;
    Ok(web::Json(Nothing {}))
}
