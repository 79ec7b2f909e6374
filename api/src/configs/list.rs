use actix_web::web;

use super::MAX_CONFIGS;
use super::shape::Item;
use crate::access::{Caller, InWorkspace};
use crate::paging::Paging;
use crate::query::Query;
use crate::wrapped::Listed;
use crate::{Api, Error, db};

/// The configs of a workspace, newest first, without what they say. Archived ones are left out.
///
/// All of them, unless the caller asks for a page.
#[utoipa::path(get, path = "/v1/configs", params(Paging, InWorkspace), responses((status = 200, body = Listed<Item>)))]
pub(crate) async fn list(
    caller: Caller,
    api: web::Data<Api>,
    query: Query,
) -> Result<web::Json<Listed<Item>>, Error> {
    let mut query = query.parameters()?;
    let paging = Paging::take(&mut query, MAX_CONFIGS)?;
    let workspace = query.take("workspace_id");
    query.finish()?;
    let workspace = caller.one_workspace(&api, workspace.as_deref()).await?;
    let (total, rows) = db::config::list(&api.db, &workspace.scope, paging).await?;
    let data = rows.into_iter().map(|row| Item::of(row, workspace.slug.clone())).collect();
    Ok(web::Json(Listed::of(total, data)))
}
