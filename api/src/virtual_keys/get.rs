use actix_web::web;

use super::shape::VirtualKey;
use crate::access::{Caller, InWorkspace};
use crate::query::Query;
use crate::wrapped::Both;
use crate::{Api, Error, db, limits};

/// One virtual key, without its secret.
#[utoipa::path(get, path = "/v1/virtual-keys/{slug}", params(("slug" = String, Path), InWorkspace), responses((status = 200, body = Both<VirtualKey>)))]
pub(crate) async fn get(
    caller: Caller,
    api: web::Data<Api>,
    slug: web::Path<String>,
    query: Query,
) -> Result<web::Json<Both<VirtualKey>>, Error> {
    let workspace = query.workspace()?;
    let workspace = caller.one_workspace(&api, workspace.as_deref()).await?;
    let row = db::virtual_key::find(&api.db, &workspace.scope, &slug).await?;
    let row = row.ok_or_else(|| Error::not_found("virtual key", slug.into_inner()))?;
    let now_ms = api.clock.now_ms();
    let limits = limits::of(&api.db, [row.id], now_ms).await?.remove(&row.id);
    Ok(web::Json(Both::eras(VirtualKey::of(row, workspace.slug, limits.unwrap_or_default(), now_ms))))
}
