use actix_web::web;
use entity::workspace::{ActiveModel, Model};
use sea_orm::{Set, TransactionTrait as _};
use serde_json::json;
use utoipa::ToSchema;

use super::{MAX_NAME, find, noted};
use crate::access::Caller;
use crate::query::Query;
use crate::wrapped::Nothing;
use crate::{Api, Error, body, db};

/// What is to be deleted, once more.
#[derive(ToSchema)]
#[schema(example = json!({}))]
#[expect(dead_code, reason = "it says what is read from the body")]
pub(crate) struct Confirmation {
    /// What the workspace is called.
    #[schema(min_length = 1, max_length = 100)]
    name: Option<String>,
}

/// Deletes a workspace, for good: its keys and memberships end at once.
///
/// Its virtual keys, configs, guardrails and destinations have to be deleted before. The default workspace stays. Logs are kept as long as
/// others, for who reaches the whole organisation.
#[utoipa::path(delete, path = "/v1/admin/workspaces/{workspace}", operation_id = "delete_workspace", params(("workspace" = String, Path, description = "Its slug or id.")), request_body = Option<Confirmation>, responses((status = 200, body = Nothing)))]
pub(crate) async fn delete(
    caller: Caller,
    api: web::Data<Api>,
    named: web::Path<String>,
    query: Query,
    payload: web::Payload,
) -> Result<web::Json<Nothing>, Error> {
    query.none()?;
    let mut fields = body::optional_object(payload).await?;
    let row = find(&api, &caller, &named).await?;
    fields.repeats("workspace_id", &named)?;
    let name = fields.line("name", MAX_NAME)?;
    fields.finish()?;
    if name.is_some_and(|name| name != row.name) {
        let expected = format!("`{}`, as the workspace is called", row.name);
        return Err(Error::invalid("name", "another than the workspace's", expected));
    }
    if row.is_default {
        let problem = "it is the organisation's default workspace";
        return Err(Error::invalid("workspace", problem, "another, for that one stays"));
    }
    let now_ms = api.clock.now_ms();
    let archived = ActiveModel {
        status: Set("archived".to_owned()),
        last_updated_at: Set(now_ms),
        ..Default::default()
    };
    let txn = api.db.begin().await?;
    if !db::workspace::update(&txn, row.id, archived).await? {
        return Err(Error::not_found("workspace", named.as_str()));
    }
    let left = db::workspace::resources(&txn, row.id).await?;
    let left: Vec<String> =
        left.iter().filter(|(_, count)| *count > 0).map(|(what, count)| format!("{count} {what}")).collect();
    if !left.is_empty() {
        let problem = format!("it still has {}", left.join(", "));
        return Err(Error::invalid("workspace", problem, "a workspace where they are deleted"));
    }
    db::workspace::archive_keys(&txn, row.id, None, now_ms).await?;
    db::workspace_member::remove(&txn, row.id, None).await?;
    let after = Model { status: "archived".to_owned(), ..row.clone() };
    let changed = json!({"from": noted(&row), "to": noted(&after)});
    caller.note_in(&txn, &api, Some(row.id), "workspace.delete", row.slug.clone(), changed).await?;
    txn.commit().await?;
    api.forget_organisation(row.organisation_id);
    Ok(web::Json(Nothing {}))
}
