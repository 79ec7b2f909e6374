//! Where logs go as spans of OpenTelemetry: an organisation's destinations, and a workspace's.

mod create;
mod delete;
mod fields;
mod get;
mod list;
mod shape;
mod test;
mod update;

pub(crate) use create::create;
pub(crate) use delete::delete;
pub(crate) use get::get;
pub(crate) use list::list;
pub(crate) use test::test;
pub(crate) use update::update;

use entity::otel_destination::Model;
use sea_orm::ConnectionTrait;
use sea_orm::prelude::{DbErr, Json, Uuid};
use serde_json::json;
use tenancy::Scope;
use utoipa::OpenApi;

use crate::access::Caller;
use crate::{Api, Error, db, path};
use shape::Destination;

/// The part of the document.
#[derive(OpenApi)]
#[openapi(paths(create::create, delete::delete, get::get, list::list, test::test, update::update))]
pub(crate) struct Doc;

/// Of an organisation.
const MAX_DESTINATIONS: u64 = 20;

/// A destination within the caller's reach.
async fn find(api: &Api, caller: &Caller, id: &str) -> Result<Model, Error> {
    let row = db::otel_destination::find(&api.db, &caller.scope, path::id(id)?).await?;
    row.ok_or_else(|| Error::not_found("destination", id))
}

/// The same, to be changed. What gets the logs of all workspaces is the organisation's.
async fn find_to_change(api: &Api, caller: &Caller, id: &str) -> Result<Model, Error> {
    let row = find(api, caller, id).await?;
    may_change(caller, row.workspace_id)?;
    Ok(row)
}

fn may_change(caller: &Caller, workspace: Option<Uuid>) -> Result<(), Error> {
    if workspace.is_some() { Ok(()) } else { caller.needs(Scope::OrganisationSettingsUpdate, None) }
}

/// As it is shown.
async fn shown(db: &impl ConnectionTrait, api: &Api, row: Model) -> Result<Destination, DbErr> {
    let waiting = exports::outbox::waiting(db, [row.id]).await?.remove(&row.id);
    Ok(Destination::of(row, waiting.unwrap_or_default(), api.clock.now_ms()))
}

/// As the audit log names a destination.
fn subject(id: Uuid) -> String {
    format!("otel_destination:{id}")
}

/// What is noted of a destination: all that says what goes where.
fn noted(row: &Model) -> Json {
    json!({
        "name": row.name, "endpoint": row.endpoint, "protocol": row.protocol, "workspace_id": row.workspace_id,
        "headers": row.header_hints, "sampling": row.sampling, "filters": row.filters, "content": row.content,
        "metrics": row.metrics, "resource": row.resource, "status": row.status,
    })
}
