use actix_web::web;

use super::shape::User;
use crate::access::Caller;
use crate::query::Query;
use crate::{Api, Error, db, path};

/// Somebody of the organisation.
#[utoipa::path(get, path = "/v1/admin/users/{user}", operation_id = "user", params(("user" = Uuid, Path)), responses((status = 200, body = User)))]
pub(crate) async fn get(
    caller: Caller,
    api: web::Data<Api>,
    id: web::Path<String>,
    query: Query,
) -> Result<web::Json<User>, Error> {
    query.none()?;
    let row = db::membership::find(&api.db, &caller.scope, path::id(&id)?).await?;
    let found = User::of(&api, &caller, row.into_iter().collect()).await?.pop();
    Ok(web::Json(found.ok_or_else(|| Error::not_found("user", id.as_str()))?))
}
