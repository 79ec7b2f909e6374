use actix_web::web;

use super::find;
use super::shape::Invite;
use crate::access::Caller;
use crate::query::Query;
use crate::{Api, Error};

/// An invite, without its link.
#[utoipa::path(get, path = "/v1/admin/users/invites/{invite}", operation_id = "invite", params(("invite" = Uuid, Path)), responses((status = 200, body = Invite)))]
pub(crate) async fn get(
    caller: Caller,
    api: web::Data<Api>,
    id: web::Path<String>,
    query: Query,
) -> Result<web::Json<Invite>, Error> {
    query.none()?;
    let row = find(&api.db, &caller, &id).await?;
    let found = Invite::of(&api, &caller, vec![row]).await?.pop();
    Ok(web::Json(found.ok_or_else(|| Error::not_found("invite", id.as_str()))?))
}
