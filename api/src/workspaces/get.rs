use actix_web::web;

use super::find;
use super::shape::WorkspaceWithUsers;
use crate::access::Caller;
use crate::query::Query;
use crate::{Api, Error};

/// One workspace, its limits, and who works in it.
#[utoipa::path(get, path = "/v1/admin/workspaces/{workspace}", operation_id = "get_workspace", params(("workspace" = String, Path, description = "Its slug or id.")), responses((status = 200, body = WorkspaceWithUsers)))]
pub(crate) async fn get(
    caller: Caller,
    api: web::Data<Api>,
    named: web::Path<String>,
    query: Query,
) -> Result<web::Json<WorkspaceWithUsers>, Error> {
    query.none()?;
    let row = find(&api, &caller, &named).await?;
    Ok(web::Json(WorkspaceWithUsers::of(&api, row).await?))
}
