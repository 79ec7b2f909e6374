use actix_web::web;
use sea_orm::TransactionTrait as _;

use super::shape::LogExportMessage;
use super::{conclude, find, reach};
use crate::access::Caller;
use crate::query::Query;
use crate::{Api, Error, db};

/// Has the logs of an export chosen, from the first on: of a draft, of one that failed, and of one that was stopped.
#[utoipa::path(post, path = "/v1/logs/exports/{id}/start", operation_id = "start_log_export", params(("id" = Uuid, Path)), responses((status = 200, body = LogExportMessage)))]
pub(crate) async fn start(
    caller: Caller,
    api: web::Data<Api>,
    id: web::Path<String>,
    query: Query,
) -> Result<web::Json<LogExportMessage>, Error> {
    query.none()?;
    let row = find(&api, &caller, &id).await?;
    let txn = api.db.begin().await?;
    let (states, now_ms) = (["draft", "failed", "stopped"], api.clock.now_ms());
    let is_started = db::log_export::start(&txn, &reach(&caller), row.id, &states, now_ms).await?;
    let how = ("log_export.start", "draft, failed or stopped");
    conclude(&api, &caller, txn, &row, is_started, how).await?;
    Ok(web::Json(LogExportMessage { message: "The export has been started", object: "export" }))
}
