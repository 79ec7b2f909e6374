//! Exports of logs as files (3): what is wanted is said, then started; a worker chooses the logs, and the file is made of them as it is
//! read.

mod cancel;
mod create;
mod download;
mod field;
mod file;
mod get;
mod line;
mod list;
mod restrictions;
mod shape;
mod start;
mod update;
mod wanted;

use std::collections::BTreeSet;

pub(crate) use cancel::cancel;
pub(crate) use create::create;
pub(crate) use download::download;
pub(crate) use file::file;
pub(crate) use get::get;
pub(crate) use list::list;
pub(crate) use restrictions::{restrict, restrictions};
pub(crate) use start::start;
pub(crate) use update::update;

use entity::log_export::Model;
use logstore::{Filter, selection};
use sea_orm::DatabaseTransaction;
use sea_orm::prelude::{DbErr, Json, Uuid};
use serde_json::json;
use tenancy::{Scope, TenantScope};
use utoipa::OpenApi;

use crate::access::Caller;
use crate::db::log_export::Reach;
use crate::{Access, Api, Error, db, path};
use field::Field;
use shape::LogExportTotal;

/// The part of the document.
#[derive(OpenApi)]
#[openapi(paths(
    cancel::cancel,
    create::create,
    download::download,
    file::file,
    get::get,
    list::list,
    restrictions::restrict,
    restrictions::restrictions,
    start::start,
    update::update
))]
pub(crate) struct Doc;

/// Who may export.
pub(crate) const EXPORT: Access = Access::AnyOf(&[Scope::LogsExport]);

/// Of a workspace, within the days that they are kept.
const MAX_EXPORTS: u64 = 1_000;

/// Which exports are the caller's: by a person's own key that person's, else all of the workspaces that are reached.
fn reach(caller: &Caller) -> Reach<'_> {
    let tenant = &caller.tenant;
    Reach { scope: &caller.scope, user_id: tenant.api_key_id.and(tenant.user_id) }
}

async fn find(api: &Api, caller: &Caller, id: &str) -> Result<Model, Error> {
    let row = db::log_export::find(&api.db, &reach(caller), path::id(id)?).await?;
    row.ok_or_else(|| unknown(id))
}

fn unknown(id: &str) -> Error {
    Error::not_found("export", id)
}

/// What is wrong where an export is in no state for what is asked.
fn not_now(row: &Model, expected: &str) -> Error {
    Error::invalid("status", format!("the export is `{}`", row.status), expected)
}

/// Refuses what is asked for and never in an export of the workspace.
async fn check_allowed(
    api: &Api,
    scope: &TenantScope,
    workspace: Uuid,
    asked: &BTreeSet<Field>,
) -> Result<(), Error> {
    let denied = denied(api, scope, Some(workspace)).await?;
    let Some(field) = asked.intersection(&denied).next() else { return Ok(()) };
    let problem = format!("{field} is in no export here");
    Err(Error::invalid("requested_data", problem, "it left out: see /v1/logs/exports/field-restrictions"))
}

/// What is never in an export of the organisation, and with a workspace, of that.
async fn denied(api: &Api, scope: &TenantScope, workspace: Option<Uuid>) -> Result<BTreeSet<Field>, DbErr> {
    let denied = db::log_export::denied(&api.db, scope.organisation(), workspace).await?;
    let mut denied: BTreeSet<Field> = denied.iter().flat_map(Field::stored).collect();
    for whole in [Field::Request, Field::Response] {
        if whole.repeats().iter().any(|field| denied.contains(field)) {
            denied.insert(whole);
        }
    }
    Ok(denied)
}

/// An export, and how many logs it finds now.
async fn counted(
    api: &Api,
    caller: &Caller,
    id: Uuid,
    scope: &TenantScope,
    filter: &Filter,
) -> Result<LogExportTotal, DbErr> {
    let total = selection::count(&api.db, scope, filter, caller.cutoff_ms(api)).await?;
    Ok(LogExportTotal { id, total, object: "export" })
}

/// Writes down that something became of an export, and ends the transaction; refuses where it `was` not so, for its state.
async fn conclude(
    api: &Api,
    caller: &Caller,
    txn: DatabaseTransaction,
    row: &Model,
    was: bool,
    (action, expected): (&'static str, &str),
) -> Result<(), Error> {
    if !was {
        txn.rollback().await?;
        return Err(not_now(&find(api, caller, &row.id.to_string()).await?, expected));
    }
    caller.note_in(&txn, api, Some(row.workspace_id), action, subject(row.id), noted(row)).await?;
    Ok(txn.commit().await?)
}

/// How far the caller reaches in an export's workspace.
fn scope_of(caller: &Caller, row: &Model) -> Result<TenantScope, Error> {
    caller.scope.within(row.workspace_id).ok_or_else(|| unknown(&row.id.to_string()))
}

/// As the audit log names one.
fn subject(id: Uuid) -> String {
    format!("log_export:{id}")
}

fn noted(row: &Model) -> Json {
    json!({"description": row.description, "filters": row.filters, "requested_data": row.requested_data})
}
