use actix_web::web;
use serde::Serialize;
use tenancy::people::PublicKey;

use crate::query::Query;
use crate::{Api, Error};

/// A set of keys (RFC 7517, 5).
#[derive(Serialize)]
pub(crate) struct KeySet {
    keys: Vec<PublicKey>,
}

/// `GET /v1/auth/jwks`: the public keys of all access tokens that may be good now.
pub(crate) async fn jwks(api: web::Data<Api>, query: Query) -> Result<web::Json<KeySet>, Error> {
    query.none()?;
    Ok(web::Json(KeySet { keys: api.people.public_keys().await? }))
}
