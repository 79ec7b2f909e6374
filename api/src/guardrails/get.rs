use actix_web::web;

use super::refusal::{By, Refusals, Refused};
use super::shape::{Detail, Summary};
use super::{content, find};
use crate::access::InWorkspace;
use crate::query::Query;
use crate::{Api, db};

/// A guardrail and what it says, by slug or id.
///
/// The headers of webhooks are masked.
#[utoipa::path(get, path = "/v1/guardrails/{guardrail}", params(("guardrail" = String, Path), InWorkspace), responses((status = 200, body = Detail), Refusals))]
pub(crate) async fn get(
    By(caller): By,
    api: web::Data<Api>,
    named: web::Path<String>,
    query: Query,
) -> Result<web::Json<Detail>, Refused> {
    let workspace = query.workspace()?;
    let scope = caller.reach(&api, workspace.as_deref()).await?;
    let row = find(&api.db, &scope, &named).await?;
    let (checks, actions) = content::shown(content::current(&api.db, &api, &row).await?);
    let version_id = row.version_id;
    let mut slugs = db::workspace::slugs(&api.db, &scope, row.workspace_id.into_iter()).await?;
    let slug = row.workspace_id.and_then(|id| slugs.remove(&id));
    Ok(web::Json(Detail { summary: Summary::of(row, slug), version_id, checks, actions }))
}
