use actix_web::web;

use super::shape::{Detail, Item};
use super::{content, find};
use crate::access::{Caller, InWorkspace};
use crate::query::Query;
use crate::wrapped::Both;
use crate::{Api, Error};

/// A config and what it says, archived ones too.
///
/// The secrets in it are masked.
#[utoipa::path(get, path = "/v1/configs/{slug}", params(("slug" = String, Path), InWorkspace), responses((status = 200, body = Both<Detail>)))]
pub(crate) async fn get(
    caller: Caller,
    api: web::Data<Api>,
    slug: web::Path<String>,
    query: Query,
) -> Result<web::Json<Both<Detail>>, Error> {
    let workspace = query.workspace()?;
    let workspace = caller.one_workspace(&api, workspace.as_deref()).await?;
    let row = find(&api.db, &workspace.scope, &slug).await?;
    let version = content::current(&api.db, &row).await?;
    let config = content::shown(&api, &version)?;
    let item = Item::of(row, workspace.slug);
    Ok(web::Json(Both::eras(Detail { item, version_id: version.id, config })))
}
