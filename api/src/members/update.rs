use actix_web::web;
use sea_orm::TransactionTrait as _;
use serde_json::json;
use utoipa::ToSchema;

use super::{find, take_role};
use crate::access::Caller;
use crate::query::Query;
use crate::wrapped::Nothing;
use crate::{Api, Error, body, db};

/// What a member is to be.
#[derive(ToSchema)]
#[schema(example = json!({"role": "manager"}))]
#[expect(dead_code, reason = "it says what is read from the body")]
pub(crate) struct MemberChange {
    /// In the workspace.
    #[schema(pattern = "^(admin|manager|member)$")]
    role: String,
}

/// Changes what a member is in a workspace; their next request sees it.
#[utoipa::path(put, path = "/v1/admin/workspaces/{workspace}/users/{user}", operation_id = "update_member", params(("workspace" = String, Path, description = "Its slug or id."), ("user" = Uuid, Path)), request_body = MemberChange, responses((status = 200, body = Nothing)))]
pub(crate) async fn update(
    caller: Caller,
    api: web::Data<Api>,
    named: web::Path<(String, String)>,
    query: Query,
    payload: web::Payload,
) -> Result<web::Json<Nothing>, Error> {
    query.none()?;
    let mut fields = body::object(payload).await?;
    fields.repeats("workspace_id", &named.0)?;
    fields.repeats("user_id", &named.1)?;
    let role = take_role(&mut fields)?;
    fields.finish()?;
    let (workspace, member) = find(&api, &caller, &named).await?;
    let (user_id, now_ms) = (member.user.id, api.clock.now_ms());
    let txn = api.db.begin().await?;
    if !db::workspace_member::set_role(&txn, workspace.id, user_id, role.as_str(), now_ms).await? {
        return Err(Error::not_found("member of the workspace", named.1.as_str()));
    }
    let subject = format!("{}/{user_id}", workspace.slug);
    let changed = json!({"from": {"role": member.row.role}, "to": {"role": role.as_str()}});
    caller.note_in(&txn, &api, Some(workspace.id), "workspace_user.update", subject, changed).await?;
    txn.commit().await?;
    api.forget_person(user_id);
    Ok(web::Json(Nothing {}))
}
