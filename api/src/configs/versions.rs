use actix_web::web;

use super::shape::Version;
use super::{content, find};
use crate::access::{Caller, InWorkspace};
use crate::paging::Paging;
use crate::query::Query;
use crate::wrapped::Listed;
use crate::{Api, Error, db};

/// Versions of a page, at most: each may be of 64 KiB.
const MAX_SIZE: u64 = 100;

/// What a config has said so far, newest first.
///
/// A page has 100 at most. The secrets are masked.
#[utoipa::path(get, path = "/v1/configs/{slug}/versions", params(("slug" = String, Path), Paging, InWorkspace), responses((status = 200, body = Listed<Version>)))]
pub(crate) async fn versions(
    caller: Caller,
    api: web::Data<Api>,
    slug: web::Path<String>,
    query: Query,
) -> Result<web::Json<Listed<Version>>, Error> {
    let mut query = query.parameters()?;
    let paging = Paging::take(&mut query, MAX_SIZE)?;
    let paging = Paging { size: paging.size.min(MAX_SIZE), ..paging };
    let workspace = query.take("workspace_id");
    query.finish()?;
    let workspace = caller.one_workspace(&api, workspace.as_deref()).await?;
    let row = find(&api.db, &workspace.scope, &slug).await?;
    let (total, versions) = db::config::versions(&api.db, &row, paging).await?;
    let shape = |version: &entity::config_version::Model| {
        let config = content::shown(&api, version)?;
        Ok(Version::of(row.clone(), workspace.slug.clone(), version, &config))
    };
    let data = versions.iter().map(shape).collect::<Result<_, Error>>()?;
    Ok(web::Json(Listed::of(total, data)))
}
