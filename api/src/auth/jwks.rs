use actix_web::web;
use serde::Serialize;
use tenancy::people::PublicKey;
use utoipa::ToSchema;

use crate::query::Query;
use crate::{Api, Error};

/// A set of keys (RFC 7517, 5).
#[derive(Serialize, ToSchema)]
pub(crate) struct KeySet {
    keys: Vec<PublicKey>,
}

/// The public keys of all access tokens that may be good now.
#[utoipa::path(get, path = "/v1/auth/jwks", responses((status = 200, body = KeySet)))]
pub(crate) async fn jwks(api: web::Data<Api>, query: Query) -> Result<web::Json<KeySet>, Error> {
    query.none()?;
    Ok(web::Json(KeySet { keys: api.people.public_keys().await? }))
}
