use actix_web::web;

use super::find;
use super::shape::SavedFilter;
use crate::access::Caller;
use crate::query::Query;
use crate::{Api, Error};

/// One saved set of filters.
#[utoipa::path(get, path = "/v1/logs/filters/{id}", operation_id = "filter", params(("id" = Uuid, Path)), responses((status = 200, body = SavedFilter)))]
pub(crate) async fn get(
    caller: Caller,
    api: web::Data<Api>,
    id: web::Path<String>,
    query: Query,
) -> Result<web::Json<SavedFilter>, Error> {
    query.none()?;
    Ok(web::Json(find(&api.db, &caller, &id).await?.into()))
}
