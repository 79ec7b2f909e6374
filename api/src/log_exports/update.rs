use std::collections::HashMap;

use actix_web::web;
use entity::log_export::ActiveModel;
use sea_orm::{NotSet, Set, TransactionTrait as _};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::field::Field;
use super::shape::LogExportTotal;
use super::wanted::Wanted;
use super::{check_allowed, counted, find, not_now, noted, reach, scope_of, subject};
use crate::access::Caller;
use crate::query::Query;
use crate::{Api, Error, body, db};

/// What to change of it; what is left out stays.
#[derive(ToSchema)]
#[schema(example = json!({"filters": {"status_code": "429,500"}, "requested_data": ["id", "response"]}))]
#[expect(dead_code, reason = "it says what is read from the body")]
pub(crate) struct LogExportChange {
    /// The slug or id of its workspace, in which it stays.
    #[schema(min_length = 1, max_length = 100)]
    workspace_id: Option<String>,
    /// In place of all that there are.
    filters: Option<HashMap<String, Value>>,
    /// In place of all that there are.
    #[schema(min_items = 1, max_items = 20)]
    requested_data: Option<Vec<Field>>,
}

/// Changes what an export is to have, as long as it was not started.
#[utoipa::path(put, path = "/v1/logs/exports/{id}", operation_id = "update_log_export", params(("id" = Uuid, Path)), request_body = LogExportChange, responses((status = 200, body = LogExportTotal)))]
pub(crate) async fn update(
    caller: Caller,
    api: web::Data<Api>,
    id: web::Path<String>,
    query: Query,
    payload: web::Payload,
) -> Result<web::Json<LogExportTotal>, Error> {
    query.none()?;
    let mut fields = body::object(payload).await?;
    fields.repeats("export_id", &id)?;
    let Wanted { workspace, chosen, requested_data } = Wanted::take(&mut fields, &api)?;
    fields.finish()?;
    let before = find(&api, &caller, &id).await?;
    if let Some(named) = workspace
        && caller.one_workspace(&api, Some(&named)).await?.id != before.workspace_id
    {
        return Err(Error::invalid(
            "workspace_id",
            format!("found `{named}`"),
            "the workspace that it is of",
        ));
    }
    let scope = scope_of(&caller, &before)?;
    if let Some(asked) = &requested_data {
        check_allowed(&api, &scope, before.workspace_id, asked).await?;
    }
    let filter = match &chosen {
        Some(chosen) => chosen.filter.clone(),
        None => serde_json::from_value(before.filter.clone()).map_err(Error::internal)?,
    };
    // Before anything is changed: else a count that fails would be told of what was done.
    let counted = counted(&api, &caller, before.id, &scope, &filter).await?;
    let change = ActiveModel {
        requested_data: requested_data.map_or(NotSet, |asked| Set(json!(asked))),
        last_updated_at: Set(api.clock.now_ms()),
        ..chosen.map_or_else(ActiveModel::default, |chosen| ActiveModel {
            filters: Set(chosen.filters),
            filter: Set(json!(chosen.filter)),
            page_size: Set(chosen.page_size),
            current_page: Set(chosen.current_page),
            ..Default::default()
        })
    };
    let txn = api.db.begin().await?;
    if !db::log_export::change(&txn, &reach(&caller), before.id, &["draft"], change).await? {
        txn.rollback().await?;
        return Err(not_now(&find(&api, &caller, &id).await?, "draft: make another export for other logs"));
    }
    let after = db::log_export::find(&txn, &reach(&caller), before.id).await?.unwrap_or(before.clone());
    let change = json!({"from": noted(&before), "to": noted(&after)});
    let workspace = Some(after.workspace_id);
    caller.note_in(&txn, &api, workspace, "log_export.update", subject(after.id), change).await?;
    txn.commit().await?;
    Ok(web::Json(counted))
}
