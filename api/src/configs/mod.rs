//! Saved configs (7.1) and their versions.

mod content;
mod create;
mod delete;
mod get;
mod list;
mod named;
pub(crate) mod secrets;
mod shape;
mod update;
mod versions;

pub(crate) use create::create;
pub(crate) use delete::delete;
pub(crate) use get::get;
pub(crate) use list::list;
pub(crate) use named::check_guardrails;
pub(crate) use update::update;
pub(crate) use versions::versions;

use entity::config::Model;
use sea_orm::ConnectionTrait;
use sea_orm::prelude::Json;
use serde_json::{Value, json};
use tenancy::TenantScope;
use utoipa::OpenApi;

use crate::access::Caller;
use crate::fields::{Fields, shown};
use crate::{Api, Error, db};

/// The part of the document.
#[derive(OpenApi)]
#[openapi(paths(create::create, delete::delete, get::get, list::list, update::update, versions::versions))]
pub(crate) struct Doc;

/// Characters of a name.
const MAX_NAME: usize = 100;

/// Of a workspace, archived ones aside.
const MAX_CONFIGS: u64 = 1_000;

/// A config within the scope, archived ones too.
async fn find(db: &impl ConnectionTrait, scope: &TenantScope, slug: &str) -> Result<Model, Error> {
    let row = db::config::find(db, scope, slug).await?;
    row.ok_or_else(|| Error::not_found("config", slug))
}

/// The slug of the config that a field names by its slug or id: one at work, which calls of the workspace `scope` can run under.
pub(crate) async fn at_work(
    db: &impl ConnectionTrait,
    scope: &TenantScope,
    field: &str,
    named: &str,
) -> Result<String, Error> {
    let problem = match db::config::named(db, scope, named).await? {
        Some(row) if row.status == "active" => return Ok(row.slug),
        Some(_) => format!("the config `{named}` is archived"),
        None => format!("this workspace has no config `{named}`"),
    };
    Err(Error::invalid(field, problem, "the slug of a config at work"))
}

/// Refuses one more where the workspace has all that it may.
async fn check_room(db: &impl ConnectionTrait, scope: &TenantScope) -> Result<(), Error> {
    if db::config::count(db, scope).await? < MAX_CONFIGS {
        return Ok(());
    }
    let problem = format!("there are {MAX_CONFIGS} configs already");
    Err(Error::invalid("name", problem, format!("at most {MAX_CONFIGS} of a workspace")))
}

/// The mark of the default, by either of its names (7.1): 0 or 1.
fn take_default(fields: &mut Fields) -> Result<Option<bool>, Error> {
    let mut found = None;
    for name in ["isDefault", "is_default"] {
        found = match fields.take(name) {
            None => found,
            Some(Value::Bool(flag)) => Some(flag),
            Some(Value::Number(number)) if number.as_u64() == Some(0) => Some(false),
            Some(Value::Number(number)) if number.as_u64() == Some(1) => Some(true),
            Some(other) => {
                return Err(Error::invalid(fields.path(name), format!("found {}", shown(&other)), "0 or 1"));
            }
        };
    }
    Ok(found)
}

/// Writes down a change of a config.
async fn note(
    txn: &impl ConnectionTrait,
    api: &Api,
    caller: &Caller,
    action: &'static str,
    row: &Model,
    change: Json,
) -> Result<(), Error> {
    Ok(caller
        .note_in(txn, api, Some(row.workspace_id), action, format!("config:{}", row.slug), change)
        .await?)
}

/// What is noted of a config; what it says is in its version.
fn noted(row: &Model) -> Json {
    json!({
        "name": row.name, "version_id": row.version_id, "is_default": row.is_default, "status": row.status,
        "workspace_id": row.workspace_id,
    })
}
