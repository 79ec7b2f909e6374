use actix_web::web;
use entity::config::{ActiveModel, Model};
use sea_orm::{Set, TransactionTrait as _};
use serde_json::json;

use super::{find, note, noted};
use crate::access::{Caller, InWorkspace};
use crate::query::Query;
use crate::wrapped::{Nothing, Wrapped};
use crate::{Api, Error, db};

/// Archives a config.
///
/// Calls that name it, or come by a key whose default it is, are refused from now on. It is still shown, for the logs that name it.
#[utoipa::path(delete, path = "/v1/configs/{slug}", params(("slug" = String, Path), InWorkspace), responses((status = 200, body = Wrapped<Nothing>)))]
pub(crate) async fn delete(
    caller: Caller,
    api: web::Data<Api>,
    slug: web::Path<String>,
    query: Query,
) -> Result<web::Json<Wrapped<Nothing>>, Error> {
    let workspace = query.workspace()?;
    let scope = caller.one_workspace(&api, workspace.as_deref()).await?.scope;
    let txn = api.db.begin().await?;
    tenancy::organisation::hold(&txn, scope.organisation()).await?;
    let before = find(&txn, &scope, &slug).await?;
    let after = Model { status: "archived".to_owned(), is_default: false, ..before.clone() };
    let archived = ActiveModel {
        status: Set(after.status.clone()),
        is_default: Set(after.is_default),
        updated_by: Set(caller.id()),
        last_updated_at: Set(api.clock.now_ms()),
        ..Default::default()
    };
    if !db::config::update(&txn, &scope, before.id, archived).await? {
        return Err(Error::not_found("config", slug.as_str()));
    }
    let changed = json!({"from": noted(&before), "to": noted(&after)});
    note(&txn, &api, &caller, "config.delete", &before, changed).await?;
    txn.commit().await?;
    api.configs.invalidate(before.organisation_id, &before.slug);
    Ok(web::Json(Wrapped::of(Nothing {})))
}
