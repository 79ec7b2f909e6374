use actix_web::web;
use entity::log_export::ActiveModel;
use sea_orm::{Set, TransactionTrait as _};

use super::shape::LogExportMessage;
use super::{conclude, find, reach};
use crate::access::Caller;
use crate::query::Query;
use crate::{Api, Error, db};

/// Stops an export that is in progress.
#[utoipa::path(post, path = "/v1/logs/exports/{id}/cancel", operation_id = "cancel_log_export", params(("id" = Uuid, Path)), responses((status = 200, body = LogExportMessage)))]
pub(crate) async fn cancel(
    caller: Caller,
    api: web::Data<Api>,
    id: web::Path<String>,
    query: Query,
) -> Result<web::Json<LogExportMessage>, Error> {
    query.none()?;
    let row = find(&api, &caller, &id).await?;
    let stopped = ActiveModel {
        status: Set("stopped".to_owned()),
        last_updated_at: Set(api.clock.now_ms()),
        ..Default::default()
    };
    let txn = api.db.begin().await?;
    let is_stopped = db::log_export::change(&txn, &reach(&caller), row.id, &["in_progress"], stopped).await?;
    conclude(&api, &caller, txn, &row, is_stopped, ("log_export.cancel", "in_progress")).await?;
    Ok(web::Json(LogExportMessage { message: "The export has been cancelled", object: "export" }))
}
