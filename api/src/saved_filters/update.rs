use std::collections::HashMap;

use actix_web::web;
use entity::saved_filter::ActiveModel;
use sea_orm::{NotSet, Set, TransactionTrait as _};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::shape::SavedFilter;
use super::{MAX_NAME, find, noted, subject, take, unknown};
use crate::access::Caller;
use crate::query::Query;
use crate::{Api, Error, body, db};

/// What to change of it; what is left out stays.
#[derive(ToSchema)]
#[schema(example = json!({"name": "Failed", "filters": {"status_code": [429, 500]}}))]
#[expect(dead_code, reason = "it says what is read from the body")]
pub(crate) struct SavedFilterChange {
    #[schema(min_length = 1, max_length = 100)]
    name: Option<String>,
    /// In place of all that there are.
    filters: Option<HashMap<String, Value>>,
}

/// Renames a saved set of filters, or has others in it.
#[utoipa::path(put, path = "/v1/logs/filters/{id}", operation_id = "update_filter", params(("id" = Uuid, Path)), request_body = SavedFilterChange, responses((status = 200, body = SavedFilter)))]
pub(crate) async fn update(
    caller: Caller,
    api: web::Data<Api>,
    id: web::Path<String>,
    query: Query,
    payload: web::Payload,
) -> Result<web::Json<SavedFilter>, Error> {
    query.none()?;
    let mut fields = body::object(payload).await?;
    let name = fields.line("name", MAX_NAME)?;
    let filters = take(&mut fields)?;
    fields.finish()?;
    let before = find(&api.db, &caller, &id).await?;
    let change = ActiveModel {
        name: name.map_or(NotSet, Set),
        filters: filters.map_or(NotSet, Set),
        updated_by: Set(caller.id()),
        last_updated_at: Set(api.clock.now_ms()),
        ..Default::default()
    };
    let txn = api.db.begin().await?;
    if !db::saved_filter::update(&txn, &caller.scope, before.id, change).await? {
        return Err(unknown(&id));
    }
    let after = find(&txn, &caller, &id).await?;
    let changed = json!({"from": noted(&before), "to": noted(&after)});
    caller.note(&txn, &api, "saved_filter.update", subject(before.id), changed).await?;
    txn.commit().await?;
    Ok(web::Json(after.into()))
}
