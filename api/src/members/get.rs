use actix_web::web;

use super::find;
use super::shape::Member;
use crate::access::Caller;
use crate::query::Query;
use crate::{Api, Error};

/// One member of a workspace.
#[utoipa::path(get, path = "/v1/admin/workspaces/{workspace}/users/{user}", operation_id = "get_member", params(("workspace" = String, Path, description = "Its slug or id."), ("user" = Uuid, Path)), responses((status = 200, body = Member)))]
pub(crate) async fn get(
    caller: Caller,
    api: web::Data<Api>,
    named: web::Path<(String, String)>,
    query: Query,
) -> Result<web::Json<Member>, Error> {
    query.none()?;
    let (workspace, member) = find(&api, &caller, &named).await?;
    Ok(web::Json(Member::of(member, &workspace.slug)?))
}
