use std::collections::HashMap;

use actix_web::web;
use entity::saved_filter::Model;
use sea_orm::TransactionTrait as _;
use serde_json::Value;
use utoipa::ToSchema;

use super::shape::SavedFilter;
use super::{MAX_NAME, MAX_SAVED, noted, subject, take};
use crate::access::Caller;
use crate::query::Query;
use crate::{Api, Error, body, db};

/// What to keep.
#[derive(ToSchema)]
#[schema(example = json!({"name": "Failed and dear", "filters": {"status_code": "429,500", "cost_min": 10, "metadata": {"env": "prod"}}}))]
#[expect(dead_code, reason = "it says what is read from the body")]
pub(crate) struct NewSavedFilter {
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    /// The filters of a list of logs, by the names of its parameters: strings, numbers, arrays of them, or for `metadata` an object.
    filters: HashMap<String, Value>,
}

/// Keeps a set of filters, for everybody in the organisation.
///
/// An organisation has at most 200.
#[utoipa::path(post, path = "/v1/logs/filters", operation_id = "create_filter", request_body = NewSavedFilter, responses((status = 200, body = SavedFilter)))]
pub(crate) async fn create(
    caller: Caller,
    api: web::Data<Api>,
    query: Query,
    payload: web::Payload,
) -> Result<web::Json<SavedFilter>, Error> {
    query.none()?;
    let mut fields = body::object(payload).await?;
    let name = fields.line("name", MAX_NAME)?;
    let name = fields.required("name", name, "a string of 1 to 100 characters")?;
    let filters = take(&mut fields)?;
    let filters = fields.required("filters", filters, "an object of filters")?;
    fields.finish()?;
    let (now_ms, organisation_id) = (api.clock.now_ms(), caller.scope.organisation());
    let row = Model {
        id: api.ids.fresh(),
        organisation_id,
        name,
        filters,
        created_by: caller.id(),
        updated_by: None,
        created_at: now_ms,
        last_updated_at: now_ms,
    };
    let txn = api.db.begin().await?;
    // Whoever else makes one waits, so that they are counted one after the other.
    tenancy::organisation::hold(&txn, organisation_id).await?;
    if db::saved_filter::count(&txn, &caller.scope).await? >= MAX_SAVED {
        txn.rollback().await?;
        let problem = format!("there are {MAX_SAVED} saved filters already");
        return Err(Error::invalid("name", problem, format!("at most {MAX_SAVED} of an organisation")));
    }
    db::saved_filter::insert(&txn, row.clone()).await?;
    caller.note(&txn, &api, "saved_filter.create", subject(row.id), noted(&row)).await?;
    txn.commit().await?;
    Ok(web::Json(row.into()))
}
