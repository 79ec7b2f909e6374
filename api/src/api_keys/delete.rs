use actix_web::web;
use entity::api_key::ActiveModel;
use sea_orm::{Set, TransactionTrait as _};
use serde_json::json;

use super::{Verb, find, note, noted};
use crate::access::{Caller, InWorkspace};
use crate::query::Query;
use crate::wrapped::Nothing;
use crate::{Api, Error, db};

/// Archives a key, whose secrets end at once.
#[utoipa::path(delete, path = "/v1/api-keys/{id}", params(("id" = Uuid, Path), InWorkspace), responses((status = 200, body = Nothing)))]
pub(crate) async fn delete(
    caller: Caller,
    api: web::Data<Api>,
    id: web::Path<String>,
    query: Query,
) -> Result<web::Json<Nothing>, Error> {
    let workspace = query.workspace()?;
    let scope = caller.reach(&api, workspace.as_deref()).await?;
    let (row, _) = find(&api, &caller, &scope, &id, Verb::Delete).await?;
    let archived = ActiveModel {
        status: Set("archived".to_owned()),
        last_updated_at: Set(api.clock.now_ms()),
        ..Default::default()
    };
    let txn = api.db.begin().await?;
    let after = db::api_key::update(&txn, &scope, row.id, archived).await?;
    let after = after.ok_or_else(|| Error::not_found("API key", id.as_str()))?;
    let changed = json!({"from": noted(&row), "to": noted(&after)});
    note(&txn, &api, &caller, "api_key.delete", &row, changed).await?;
    txn.commit().await?;
    // What it was known by when it ended: it may have been rotated since it was read.
    super::forget(&api, &after);
    Ok(web::Json(Nothing {}))
}
