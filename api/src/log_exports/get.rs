use actix_web::web;

use super::find;
use super::shape::LogExport;
use crate::access::Caller;
use crate::query::Query;
use crate::{Api, Error, db};

/// One export of logs, and how far it is.
#[utoipa::path(get, path = "/v1/logs/exports/{id}", operation_id = "log_export", params(("id" = Uuid, Path)), responses((status = 200, body = LogExport)))]
pub(crate) async fn get(
    caller: Caller,
    api: web::Data<Api>,
    id: web::Path<String>,
    query: Query,
) -> Result<web::Json<LogExport>, Error> {
    query.none()?;
    let row = find(&api, &caller, &id).await?;
    let slugs = db::workspace::slugs(&api.db, &caller.scope, std::iter::once(row.workspace_id)).await?;
    Ok(web::Json(LogExport::of(row, &slugs)))
}
