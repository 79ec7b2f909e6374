use actix_web::web;
use entity::guardrail::{ActiveModel, Model};
use sea_orm::{Set, TransactionTrait as _};
use serde_json::json;

use super::refusal::{By, Refusals, Refused};
use super::shape::Nothing;
use super::{find, note, noted};
use crate::access::InWorkspace;
use crate::query::Query;
use crate::{Api, db};

/// Archives a guardrail.
///
/// Calls whose config names it are refused from now on.
#[utoipa::path(delete, path = "/v1/guardrails/{guardrail}", params(("guardrail" = String, Path), InWorkspace), responses((status = 200, body = Nothing), Refusals))]
pub(crate) async fn delete(
    By(caller): By,
    api: web::Data<Api>,
    named: web::Path<String>,
    query: Query,
) -> Result<web::Json<Nothing>, Refused> {
    let workspace = query.workspace()?;
    let scope = caller.reach(&api, workspace.as_deref()).await?;
    let txn = api.db.begin().await?;
    tenancy::organisation::hold(&txn, scope.organisation()).await?;
    let before = find(&txn, &scope, &named).await?;
    let after = Model { status: "archived".to_owned(), ..before.clone() };
    let archived = ActiveModel {
        status: Set(after.status.clone()),
        updated_by: Set(caller.id()),
        last_updated_at: Set(api.clock.now_ms()),
        ..Default::default()
    };
    db::guardrail::update(&txn, &before, archived).await?;
    let changed = json!({"from": noted(&before), "to": noted(&after)});
    note(&txn, &api, &caller, "guardrail.delete", &before, changed).await?;
    txn.commit().await?;
    api.guardrails.invalidate(before.organisation_id, &before.slug);
    Ok(web::Json(Nothing {}))
}
