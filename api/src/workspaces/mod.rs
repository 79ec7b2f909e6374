//! Workspaces (8.2): what they are called, what their keys' calls have, and what limits they have.

mod create;
mod defaults;
mod delete;
mod get;
mod list;
mod shape;
mod update;

pub(crate) use create::create;
pub(crate) use delete::delete;
pub(crate) use get::get;
pub(crate) use list::list;
pub(crate) use update::update;

use entity::workspace;
use serde_json::{Value, json};
use utoipa::OpenApi;

use crate::access::Caller;
use crate::{Api, Error, db};

/// The part of the document.
#[derive(OpenApi)]
#[openapi(paths(create::create, delete::delete, get::get, list::list, update::update))]
pub(crate) struct Doc;

/// Characters of a workspace's name and of its description.
const MAX_NAME: usize = 100;
const MAX_DESCRIPTION: usize = 500;

/// A workspace where the caller may use the route, by its slug or id.
pub(crate) async fn find(api: &Api, caller: &Caller, named: &str) -> Result<workspace::Model, Error> {
    let row = db::workspace::find(&api.db, &caller.scope, named).await?;
    row.ok_or_else(|| Error::not_found("workspace", named))
}

/// What the audit log says of one.
fn noted(row: &workspace::Model) -> Value {
    json!({"name": row.name, "description": row.description, "defaults": row.defaults, "status": row.status})
}
