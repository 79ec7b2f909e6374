use actix_web::web;

use super::refusal::{By, Refusals, Refused};
use super::shape::{Page, Summary};
use crate::access::InWorkspace;
use crate::paging::Paging;
use crate::query::Query;
use crate::{Api, db};

/// Guardrails of a page when the caller does not say.
const DEFAULT_SIZE: u64 = 100;

/// The guardrails of a workspace, or for an organisation's key that names none all of them, newest first.
///
/// A page has 100 unless the caller says otherwise. Archived ones are left out, and so is what they say.
#[utoipa::path(get, path = "/v1/guardrails", params(Paging, InWorkspace, ("organisation_id" = Option<String>, Query, description = "The caller's own.")), responses((status = 200, body = Page), Refusals))]
pub(crate) async fn list(
    By(caller): By,
    api: web::Data<Api>,
    query: Query,
) -> Result<web::Json<Page>, Refused> {
    let mut query = query.parameters()?;
    let paging = Paging::take(&mut query, DEFAULT_SIZE)?;
    let workspace = query.take("workspace_id");
    let organisation = query.take("organisation_id");
    query.finish()?;
    caller.check_organisation(organisation.as_deref())?;
    let scope = caller.reach(&api, workspace.as_deref()).await?;
    let (total, rows) = db::guardrail::list(&api.db, &scope, paging).await?;
    let slugs = db::workspace::slugs(&api.db, &scope, rows.iter().filter_map(|row| row.workspace_id)).await?;
    let data = rows.into_iter().map(|row| {
        let slug = row.workspace_id.and_then(|id| slugs.get(&id).cloned());
        Summary::of(row, slug)
    });
    Ok(web::Json(Page { data: data.collect(), total }))
}
