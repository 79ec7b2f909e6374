//! Workspaces (8.2): what limits they have. All else of them is not managed here yet.

mod get;
mod shape;
mod update;

pub(crate) use get::get;
pub(crate) use update::update;

use entity::workspace;
use utoipa::OpenApi;

use crate::access::Caller;
use crate::{Api, Error, db};

/// The part of the document.
#[derive(OpenApi)]
#[openapi(paths(get::get, update::update))]
pub(crate) struct Doc;

/// A workspace within the caller's reach, by its slug or id.
async fn find(api: &Api, caller: &Caller, named: &str) -> Result<workspace::Model, Error> {
    // PostgreSQL refuses even to look for a NUL.
    let row =
        if named.contains('\0') { None } else { db::workspace::find(&api.db, &caller.scope, named).await? };
    row.ok_or_else(|| Error::not_found("workspace", named))
}
