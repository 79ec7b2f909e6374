//! Members of workspaces (8.3): who works where, and as what.

mod add;
mod get;
mod list;
mod remove;
mod shape;
mod update;

pub(crate) use add::add;
pub(crate) use get::get;
pub(crate) use list::list;
pub(crate) use remove::remove;
pub(crate) use shape::WorkspaceUser;
pub(crate) use update::update;

use entity::workspace;
use tenancy::WorkspaceRole;
use utoipa::OpenApi;

use crate::access::Caller;
use crate::db::workspace_member::Member;
use crate::fields::Fields;
use crate::{Api, Error, db, path, workspaces};

/// The part of the document.
#[derive(OpenApi)]
#[openapi(paths(add::add, get::get, list::list, remove::remove, update::update))]
pub(crate) struct Doc;

/// The workspace and the member that a path names.
async fn find(
    api: &Api,
    caller: &Caller,
    (workspace, user): &(String, String),
) -> Result<(workspace::Model, Member), Error> {
    let workspace = workspaces::find(api, caller, workspace).await?;
    let member = match path::id(user) {
        Ok(id) => db::workspace_member::find(&api.db, &caller.scope, workspace.id, id).await?,
        Err(_) => None,
    };
    let member = member.ok_or_else(|| Error::not_found("member of the workspace", user.as_str()))?;
    Ok((workspace, member))
}

/// `role`: what somebody is to be in a workspace.
pub(crate) fn take_role(fields: &mut Fields) -> Result<WorkspaceRole, Error> {
    let expected = "admin, manager or member";
    let name = fields.line("role", 20)?;
    let name = fields.required("role", name, expected)?;
    name.parse().map_err(|_| Error::invalid(fields.path("role"), format!("found `{name}`"), expected))
}
