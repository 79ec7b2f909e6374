use actix_web::web;
use entity::log;
use sea_orm::prelude::Uuid;

use super::detail::{Detail, Place};
use crate::access::Caller;
use crate::query::Query;
use crate::{Api, Error, db, feedback, path};

/// One log and what is kept of its content.
#[utoipa::path(get, path = "/v1/logs/{id}", params(("id" = Uuid, Path)), responses((status = 200, body = Detail)))]
pub(crate) async fn get(
    caller: Caller,
    api: web::Data<Api>,
    id: web::Path<String>,
    query: Query,
) -> Result<web::Json<Detail>, Error> {
    query.none()?;
    let (_, detail) = detail(&api, &caller, path::id(&id)?).await?;
    Ok(web::Json(detail))
}

/// One log within the caller's reach, as it is stored and as it is shown.
pub(crate) async fn detail(api: &Api, caller: &Caller, id: Uuid) -> Result<(log::Model, Detail), Error> {
    let cutoff = caller.cutoff_ms(api);
    let found = logstore::query::find(&api.db, &caller.scope, id, cutoff).await?;
    let (log, exchange) = found.ok_or_else(|| Error::not_found("log", id.to_string()))?;
    let slugs = db::workspace::slugs(&api.db, &caller.scope, std::iter::once(log.workspace_id)).await?;
    let slug = slugs.get(&log.workspace_id).map(String::as_str);
    let virtual_key = db::virtual_key::status(&api.db, &caller.scope, &log).await?;
    let feedback = feedback::of_trace(&api.db, &caller.scope, log.workspace_id, &log.trace_id).await?;
    let place = Place { public_url: &api.public_url, workspace_slug: slug };
    let detail = Detail::of(&log, exchange, place, virtual_key.as_deref(), feedback);
    Ok((log, detail))
}
