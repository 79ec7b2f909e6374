use std::collections::HashMap;

use actix_web::web;
use entity::log_export::Model;
use sea_orm::TransactionTrait as _;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::field::Field;
use super::shape::LogExportTotal;
use super::wanted::Wanted;
use super::{MAX_EXPORTS, check_allowed, counted, noted, subject};
use crate::access::Caller;
use crate::query::Query;
use crate::{Api, Error, body, db};

/// Characters of a description.
const MAX_DESCRIPTION: usize = 1_000;

/// Which logs, and what of them.
#[derive(ToSchema)]
#[schema(example = json!({"filters": {"time_of_generation_min": "2026-11-01T00:00:00Z", "status_code": "200", "metadata": {"env": "prod"}, "page_size": 50000, "current_page": 0}, "requested_data": ["id", "created_at", "request", "response", "cost"], "description": "November"}))]
#[expect(dead_code, reason = "it says what is read from the body")]
pub(crate) struct NewLogExport {
    /// The slug or id of the workspace whose logs they are; left out, the key's own.
    #[schema(min_length = 1, max_length = 100)]
    workspace_id: Option<String>,
    /// The filters of a list of logs, by the names of its parameters: strings, numbers, arrays of them, or for `metadata` an object.
    /// Beside them `page_size`, 1 to 50,000 (when left out), for the logs of the file, and `current_page`, 0 when left out.
    filters: HashMap<String, Value>,
    /// What of each log is in the file.
    #[schema(min_items = 1, max_items = 20)]
    requested_data: Vec<Field>,
    #[schema(min_length = 1, max_length = 1000)]
    description: Option<String>,
}

/// Says what a file of logs is to have; it is chosen once the export is started.
///
/// A file has at most 50,000 logs, the oldest first; the next ones are on the next page. Pages belong together where the filters say from
/// when on (`time_of_generation_min`): else they move as logs come to the end of their retention. A workspace has at most 1,000 exports;
/// they are kept for 30 days.
#[utoipa::path(post, path = "/v1/logs/exports", operation_id = "create_log_export", request_body = NewLogExport, responses((status = 200, body = LogExportTotal)))]
pub(crate) async fn create(
    caller: Caller,
    api: web::Data<Api>,
    query: Query,
    payload: web::Payload,
) -> Result<web::Json<LogExportTotal>, Error> {
    query.none()?;
    let mut fields = body::object(payload).await?;
    let Wanted { workspace, chosen, requested_data } = Wanted::take(&mut fields, &api)?;
    let chosen = fields.required("filters", chosen, "an object of filters; {} for all logs")?;
    let requested_data = fields.required("requested_data", requested_data, "an array of names of fields")?;
    let description = fields.line("description", MAX_DESCRIPTION)?;
    fields.finish()?;
    let workspace = caller.one_workspace(&api, workspace.as_deref()).await?;
    check_allowed(&api, &workspace.scope, workspace.id, &requested_data).await?;
    let id = api.ids.fresh();
    // Before there is anything: who is not answered makes another.
    let counted = counted(&api, &caller, id, &workspace.scope, &chosen.filter).await?;

    let (now_ms, organisation_id) = (api.clock.now_ms(), caller.scope.organisation());
    let row = Model {
        id,
        organisation_id,
        workspace_id: workspace.id,
        description,
        filters: chosen.filters,
        filter: json!(chosen.filter),
        page_size: chosen.page_size,
        current_page: chosen.current_page,
        requested_data: json!(requested_data),
        status: "draft".to_owned(),
        starts: 0,
        total_records: 0,
        created_by: caller.id(),
        user_id: caller.tenant.user_id,
        created_at: now_ms,
        last_updated_at: now_ms,
    };
    let txn = api.db.begin().await?;
    // Whoever else makes one waits, so that they are counted one after the other.
    tenancy::organisation::hold(&txn, organisation_id).await?;
    if db::log_export::count(&txn, &workspace.scope).await? >= MAX_EXPORTS {
        txn.rollback().await?;
        let problem = format!("there are {MAX_EXPORTS} exports already");
        let expected = "at most so many of a workspace; each ends 30 days after its last change";
        return Err(Error::invalid("body", problem, expected));
    }
    db::log_export::insert(&txn, row.clone()).await?;
    let change = noted(&row);
    caller.note_in(&txn, &api, Some(workspace.id), "log_export.create", subject(id), change).await?;
    txn.commit().await?;
    Ok(web::Json(counted))
}
