use actix_web::web;

use super::shape::Destination;
use super::{find, shown};
use crate::access::Caller;
use crate::query::Query;
use crate::{Api, Error};

/// One destination, and how it goes.
#[utoipa::path(get, path = "/v1/otel/destinations/{id}", operation_id = "destination", params(("id" = Uuid, Path)), responses((status = 200, body = Destination)))]
pub(crate) async fn get(
    caller: Caller,
    api: web::Data<Api>,
    id: web::Path<String>,
    query: Query,
) -> Result<web::Json<Destination>, Error> {
    query.none()?;
    let row = find(&api, &caller, &id).await?;
    Ok(web::Json(shown(&api.db, &api, row).await?))
}
