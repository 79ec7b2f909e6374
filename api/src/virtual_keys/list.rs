use actix_web::web;

use super::shape::VirtualKey;
use crate::access::{Caller, InWorkspace};
use crate::paging::Paging;
use crate::query::Query;
use crate::wrapped::Listed;
use crate::{Api, Error, db, limits};

/// Virtual keys of a page when the caller does not say.
const DEFAULT_SIZE: u64 = 50;

/// The virtual keys of a workspace, newest first.
///
/// A page has 50 unless the caller says otherwise.
#[utoipa::path(get, path = "/v1/virtual-keys", params(Paging, InWorkspace), responses((status = 200, body = Listed<VirtualKey>)))]
pub(crate) async fn list(
    caller: Caller,
    api: web::Data<Api>,
    query: Query,
) -> Result<web::Json<Listed<VirtualKey>>, Error> {
    let mut query = query.parameters()?;
    let paging = Paging::take(&mut query, DEFAULT_SIZE)?;
    let workspace = query.take("workspace_id");
    query.finish()?;
    let workspace = caller.one_workspace(&api, workspace.as_deref()).await?;
    let (total, rows) = db::virtual_key::list(&api.db, &workspace.scope, paging).await?;
    let now_ms = api.clock.now_ms();
    let mut limits = limits::of(&api.db, rows.iter().map(|row| row.id), now_ms).await?;
    let shape = |row: entity::virtual_key::Model| {
        let limits = limits.remove(&row.id).unwrap_or_default();
        VirtualKey::of(row, workspace.slug.clone(), limits, now_ms)
    };
    let data = rows.into_iter().map(shape).collect();
    Ok(web::Json(Listed::of(total, data)))
}
