use actix_web::web;

use super::shape::ApiKey;
use super::{Verb, find};
use crate::access::{Caller, InWorkspace};
use crate::query::Query;
use crate::{Api, Error, db, limits};

/// One key, without its secret.
#[utoipa::path(get, path = "/v1/api-keys/{id}", params(("id" = Uuid, Path), InWorkspace), responses((status = 200, body = ApiKey)))]
pub(crate) async fn get(
    caller: Caller,
    api: web::Data<Api>,
    id: web::Path<String>,
    query: Query,
) -> Result<web::Json<ApiKey>, Error> {
    let workspace = query.workspace()?;
    let scope = caller.reach(&api, workspace.as_deref()).await?;
    let (row, _) = find(&api, &caller, &scope, &id, Verb::Read).await?;
    let mut slugs = db::workspace::slugs(&api.db, &scope, row.workspace_id.into_iter()).await?;
    let slug = row.workspace_id.and_then(|id| slugs.remove(&id));
    let now_ms = api.clock.now_ms();
    let limits = limits::of(&api.db, [row.id], now_ms).await?.remove(&row.id);
    Ok(web::Json(ApiKey::of(row, slug, limits.unwrap_or_default(), now_ms)?))
}
