use actix_web::web;

use super::reach;
use super::shape::LogExport;
use crate::access::{Caller, InWorkspace};
use crate::db::log_export::Reach;
use crate::paging::{List, Paging};
use crate::query::Query;
use crate::{Api, Error, db};

/// Exports of a page when the caller does not say: all that a workspace can have.
const DEFAULT_SIZE: u64 = 1_000;

/// Exports of logs, the newest first: by a person's own key that person's, else all of the workspaces that are reached.
#[utoipa::path(get, path = "/v1/logs/exports", operation_id = "log_exports", params(InWorkspace, Paging), responses((status = 200, body = List<LogExport>)))]
pub(crate) async fn list(
    caller: Caller,
    api: web::Data<Api>,
    query: Query,
) -> Result<web::Json<List<LogExport>>, Error> {
    let mut query = query.parameters()?;
    let workspace = query.take("workspace_id");
    let paging = Paging::take(&mut query, DEFAULT_SIZE)?;
    query.finish()?;
    let scope = caller.reach(&api, workspace.as_deref()).await?;
    let reach = Reach { scope: &scope, ..reach(&caller) };
    let (total, rows) = db::log_export::list(&api.db, &reach, paging).await?;
    let slugs = db::workspace::slugs(&api.db, &scope, rows.iter().map(|row| row.workspace_id)).await?;
    let data = rows.into_iter().map(|row| LogExport::of(row, &slugs)).collect();
    Ok(web::Json(List::new(total, data)))
}
