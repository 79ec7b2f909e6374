use actix_web::web;
use tenancy::KeyKind;

use super::shape::ApiKey;
use super::{Verb, scope_for};
use crate::access::{Caller, InWorkspace};
use crate::paging::{List, Paging};
use crate::query::Query;
use crate::{Api, Error, db, limits};

/// Keys of a page when the caller does not say.
const DEFAULT_SIZE: u64 = 100;

/// The keys of the kinds that the caller may list, newest first.
///
/// A page has 100 unless the caller says otherwise.
#[utoipa::path(get, path = "/v1/api-keys", params(Paging, InWorkspace), responses((status = 200, body = List<ApiKey>)))]
pub(crate) async fn list(
    caller: Caller,
    api: web::Data<Api>,
    query: Query,
) -> Result<web::Json<List<ApiKey>>, Error> {
    let mut query = query.parameters()?;
    let paging = Paging::take(&mut query, DEFAULT_SIZE)?;
    let workspace = query.take("workspace_id");
    query.finish()?;

    let scope = caller.reach(&api, workspace.as_deref()).await?;
    let mut kinds = KeyKind::ALL.to_vec();
    kinds.retain(|kind| caller.tenant.scopes.has(scope_for(*kind, Verb::List)));
    let (total, rows) = db::api_key::list(&api.db, &scope, &kinds, paging).await?;
    let ids = rows.iter().filter_map(|row| row.workspace_id);
    let slugs = db::workspace::slugs(&api.db, &scope, ids).await?;
    let now_ms = api.clock.now_ms();
    let mut limits = limits::of(&api.db, rows.iter().map(|row| row.id), now_ms).await?;
    let shape = |row: entity::api_key::Model| {
        let slug = row.workspace_id.and_then(|id| slugs.get(&id).cloned());
        let limits = limits.remove(&row.id).unwrap_or_default();
        ApiKey::of(row, slug, limits, now_ms)
    };
    let data = rows.into_iter().map(shape).collect::<Result<_, _>>()?;
    Ok(web::Json(List::new(total, data)))
}
