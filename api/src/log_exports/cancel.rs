use actix_web::web;
use entity::log_export::ActiveModel;
use sea_orm::{Set, TransactionTrait as _};

use super::shape::LogExportMessage;
use super::{find, not_now, noted, reach, subject};
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
    if !db::log_export::change(&txn, &reach(&caller), row.id, &["in_progress"], stopped).await? {
        txn.rollback().await?;
        return Err(not_now(&find(&api, &caller, &id).await?, "in_progress"));
    }
    let (workspace, change) = (Some(row.workspace_id), noted(&row));
    caller.note_in(&txn, &api, workspace, "log_export.cancel", subject(row.id), change).await?;
    txn.commit().await?;
    Ok(web::Json(LogExportMessage { message: "The export has been cancelled", object: "export" }))
}
