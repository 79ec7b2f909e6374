use actix_web::web;
use entity::virtual_key::ActiveModel;
use sea_orm::{Set, TransactionTrait as _};

use super::{note, noted};
use crate::access::{Caller, InWorkspace};
use crate::query::Query;
use crate::wrapped::{Nothing, Wrapped};
use crate::{Api, Error, db};

/// Archives a virtual key.
///
/// Calls that name it are refused from now on.
#[utoipa::path(delete, path = "/v1/virtual-keys/{slug}", params(("slug" = String, Path), InWorkspace), responses((status = 200, body = Wrapped<Nothing>)))]
pub(crate) async fn delete(
    caller: Caller,
    api: web::Data<Api>,
    slug: web::Path<String>,
    query: Query,
) -> Result<web::Json<Wrapped<Nothing>>, Error> {
    let workspace = query.workspace()?;
    let scope = caller.one_workspace(&api, workspace.as_deref()).await?.scope;
    let row = db::virtual_key::find(&api.db, &scope, &slug).await?;
    let row = row.ok_or_else(|| Error::not_found("virtual key", slug.as_str()))?;
    let archived = ActiveModel {
        status: Set("archived".to_owned()),
        last_updated_at: Set(api.clock.now_ms()),
        ..Default::default()
    };
    let txn = api.db.begin().await?;
    if !db::virtual_key::update(&txn, &scope, row.id, archived).await? {
        return Err(Error::not_found("virtual key", slug.as_str()));
    }
    note(&txn, &api, &caller, "virtual_key.delete", &row, noted(&row)).await?;
    txn.commit().await?;
    api.virtual_keys.invalidate(row.organisation_id, &row.slug);
    Ok(web::Json(Wrapped::of(Nothing {})))
}
