//! Saved guardrails (7.5): checks that configs name.

mod content;
mod create;
mod delete;
mod get;
mod list;
mod refusal;
mod shape;
mod update;

pub(crate) use create::create;
pub(crate) use delete::delete;
pub(crate) use get::get;
pub(crate) use list::list;
pub(crate) use update::update;

use entity::guardrail::Model;
use sea_orm::ConnectionTrait;
use sea_orm::prelude::Json;
use serde_json::json;
use tenancy::TenantScope;
use utoipa::OpenApi;

use crate::access::Caller;
use crate::{Api, Error, db};

/// The part of the document.
#[derive(OpenApi)]
#[openapi(
    paths(create::create, delete::delete, get::get, list::list, update::update),
    components(schemas(refusal::Shape))
)]
pub(crate) struct Doc;

/// Characters of a name, and of a workspace's.
const MAX_NAME: usize = 100;

/// Of an organisation, archived ones aside.
const MAX_GUARDRAILS: u64 = 1_000;

/// A guardrail within the scope that is at work, by slug or id.
async fn find(db: &impl ConnectionTrait, scope: &TenantScope, named: &str) -> Result<Model, Error> {
    let row = db::guardrail::find(db, scope, named).await?;
    row.ok_or_else(|| Error::not_found("guardrail", named))
}

/// Writes down a change of a guardrail.
async fn note(
    txn: &impl ConnectionTrait,
    api: &Api,
    caller: &Caller,
    action: &'static str,
    row: &Model,
    change: Json,
) -> Result<(), Error> {
    Ok(caller.note_in(txn, api, row.workspace_id, action, format!("guardrail:{}", row.slug), change).await?)
}

/// What is noted of a guardrail; what it says is in its version.
fn noted(row: &Model) -> Json {
    json!({
        "name": row.name, "version_id": row.version_id, "status": row.status, "workspace_id": row.workspace_id,
    })
}
