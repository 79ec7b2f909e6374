use actix_web::web;
use entity::workspace_member::Model;
use sea_orm::TransactionTrait as _;
use sea_orm::prelude::Uuid;
use serde_json::{Value, json};
use tenancy::WorkspaceRole;
use utoipa::ToSchema;

use super::take_role;
use crate::access::Caller;
use crate::fields::Fields;
use crate::query::Query;
use crate::wrapped::Nothing;
use crate::{Api, Error, body, db, workspaces};

/// Members of one request.
const MAX_USERS: usize = 100;

/// People to add to a workspace.
#[derive(ToSchema)]
#[schema(example = json!({"users": [{"id": "0190b5c8-0000-7000-8000-000000000000", "role": "member"}]}))]
#[expect(dead_code, reason = "it says what is read from the body")]
pub(crate) struct NewMembers {
    #[schema(min_items = 1, max_items = 100)]
    users: Vec<NewMember>,
}

/// Somebody of the organisation.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it says what is read from the body")]
pub(crate) struct NewMember {
    id: Uuid,
    /// In the workspace.
    #[schema(pattern = "^(admin|manager|member)$")]
    role: String,
}

/// Adds people of the organisation to a workspace: all or none.
///
/// Who is there already gets the role that is sent.
#[utoipa::path(post, path = "/v1/admin/workspaces/{workspace}/users", operation_id = "add_members", params(("workspace" = String, Path, description = "Its slug or id.")), request_body = NewMembers, responses((status = 200, body = Nothing)))]
pub(crate) async fn add(
    caller: Caller,
    api: web::Data<Api>,
    named: web::Path<String>,
    query: Query,
    payload: web::Payload,
) -> Result<web::Json<Nothing>, Error> {
    query.none()?;
    let mut fields = body::object(payload).await?;
    fields.repeats("workspace_id", &named)?;
    let users = take_users(&mut fields)?;
    fields.finish()?;
    let workspace = workspaces::find(&api, &caller, &named).await?;
    let now_ms = api.clock.now_ms();
    let txn = api.db.begin().await?;
    // Nobody is taken out of the organisation meanwhile.
    tenancy::organisation::hold(&txn, workspace.organisation_id).await?;
    for (index, (user_id, role)) in users.iter().enumerate() {
        if db::membership::find(&txn, &caller.scope, *user_id).await?.is_none() {
            let expected = "the id of somebody in the organisation";
            return Err(Error::invalid(format!("users[{index}].id"), format!("found `{user_id}`"), expected));
        }
        let row = Model {
            workspace_id: workspace.id,
            user_id: *user_id,
            organisation_id: workspace.organisation_id,
            role: role.to_string(),
            created_at: now_ms,
            last_updated_at: now_ms,
        };
        db::workspace_member::put(&txn, row).await?;
        let subject = format!("{}/{user_id}", workspace.slug);
        let made = json!({"to": {"role": role.as_str()}});
        caller.note_in(&txn, &api, Some(workspace.id), "workspace_user.create", subject, made).await?;
    }
    txn.commit().await?;
    for (user_id, _) in users {
        api.forget_person(user_id);
    }
    Ok(web::Json(Nothing {}))
}

fn take_users(fields: &mut Fields) -> Result<Vec<(Uuid, WorkspaceRole)>, Error> {
    let expected = format!("an array of 1 to {MAX_USERS} people, each with an id and a role");
    let items = fields.items("users", 1..=MAX_USERS, &expected)?;
    let items = fields.required("users", items, &expected)?;
    let user = |(index, item): (usize, Value)| {
        let mut fields = Fields::of(item, &format!("users[{index}]"))?;
        let id = fields.line("id", 100)?;
        let id = fields.required("id", id, "the id of somebody in the organisation")?;
        let parsed = id.parse().map_err(|_| {
            Error::invalid(
                fields.path("id"),
                format!("found `{id}`"),
                "the id of somebody in the organisation",
            )
        });
        let user = (parsed?, take_role(&mut fields)?);
        fields.finish()?;
        Ok(user)
    };
    items.into_iter().enumerate().map(user).collect()
}
