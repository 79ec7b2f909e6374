use actix_web::web;
use sea_orm::TransactionTrait as _;
use serde_json::json;

use super::find;
use crate::access::Caller;
use crate::query::Query;
use crate::wrapped::Nothing;
use crate::{Api, Error, db};

/// Takes a member out of a workspace: what they reached there, and their keys to it, end at once.
#[utoipa::path(delete, path = "/v1/admin/workspaces/{workspace}/users/{user}", operation_id = "remove_member", params(("workspace" = String, Path, description = "Its slug or id."), ("user" = Uuid, Path)), responses((status = 200, body = Nothing)))]
pub(crate) async fn remove(
    caller: Caller,
    api: web::Data<Api>,
    named: web::Path<(String, String)>,
    query: Query,
) -> Result<web::Json<Nothing>, Error> {
    query.none()?;
    let (workspace, member) = find(&api, &caller, &named).await?;
    let user_id = member.user.id;
    let txn = api.db.begin().await?;
    if db::workspace_member::remove(&txn, workspace.id, Some(user_id)).await? == 0 {
        return Err(Error::not_found("member of the workspace", named.1.as_str()));
    }
    db::workspace::archive_keys(&txn, workspace.id, Some(user_id), api.clock.now_ms()).await?;
    let subject = format!("{}/{user_id}", workspace.slug);
    let changed = json!({"from": {"role": member.row.role}});
    caller.note_in(&txn, &api, Some(workspace.id), "workspace_user.delete", subject, changed).await?;
    txn.commit().await?;
    api.forget_person(user_id);
    Ok(web::Json(Nothing {}))
}
