//! What of logs is in no export: of an organisation, and of one of its workspaces.

use std::collections::BTreeSet;

use actix_web::web;
use entity::log_export_restriction::Model;
use sea_orm::TransactionTrait as _;
use sea_orm::prelude::Uuid;
use serde::Serialize;
use serde_json::json;
use tenancy::Scope;
use utoipa::ToSchema;

use super::denied;
use super::field::Field;
use crate::access::{Caller, InWorkspace};
use crate::query::Query;
use crate::{Api, Error, body, db};

/// What is in no export.
#[derive(Serialize, ToSchema)]
pub(crate) struct LogExportRestrictions {
    /// Always `field-restrictions`.
    object: &'static str,
    denied_fields: BTreeSet<Field>,
}

/// What is to be in no export.
#[derive(ToSchema)]
#[schema(example = json!({"denied_fields": ["request", "response"]}))]
#[expect(dead_code, reason = "it says what is read from the body")]
pub(crate) struct LogExportRestrictionsChange {
    /// In place of all that there are; empty takes them away.
    #[schema(max_items = 20)]
    denied_fields: Vec<Field>,
    /// The slug or id of a workspace, beside what the organisation denies; left out, an organisation's key means all of them.
    #[schema(min_length = 1, max_length = 100)]
    workspace_id: Option<String>,
}

/// Fields that no export of the workspace may have: the organisation's and its own. Where no workspace is named and several are reached,
/// the organisation's.
#[utoipa::path(get, path = "/v1/logs/exports/field-restrictions", operation_id = "log_export_restrictions", params(InWorkspace), responses((status = 200, body = LogExportRestrictions)))]
pub(crate) async fn restrictions(
    caller: Caller,
    api: web::Data<Api>,
    query: Query,
) -> Result<web::Json<LogExportRestrictions>, Error> {
    let named = query.workspace()?;
    let workspace = match (named, caller.scope.workspace()) {
        (Some(named), _) => Some(caller.one_workspace(&api, Some(&named)).await?.id),
        (None, only) => only,
    };
    let denied_fields = denied(&api, &caller.scope, workspace).await?;
    Ok(web::Json(LogExportRestrictions { object: "field-restrictions", denied_fields }))
}

/// Says which fields no export may have. Exports that have them already leave them out.
///
/// `request` and `response` say some of the others once more, such as `metadata` and `response_status_code`: they are denied with them.
#[utoipa::path(put, path = "/v1/logs/exports/field-restrictions", operation_id = "restrict_log_exports", request_body = LogExportRestrictionsChange, responses((status = 200, body = LogExportRestrictions)))]
pub(crate) async fn restrict(
    caller: Caller,
    api: web::Data<Api>,
    query: Query,
    payload: web::Payload,
) -> Result<web::Json<LogExportRestrictions>, Error> {
    query.none()?;
    let mut fields = body::object(payload).await?;
    let denied_fields = Field::take(&mut fields, "denied_fields", 0)?;
    let denied_fields = fields.required("denied_fields", denied_fields, "an array of names of fields")?;
    let workspace = fields.line("workspace_id", 100)?;
    fields.finish()?;
    let workspace = caller.workspace(&api, workspace.as_deref()).await?.map(|workspace| workspace.id);
    if workspace.is_none() {
        caller.needs(Scope::OrganisationSettingsUpdate, None)?;
    }
    let organisation_id = caller.scope.organisation();
    let subject_id = workspace.unwrap_or(organisation_id);
    let row = Model { subject_id, organisation_id, denied_fields: json!(denied_fields) };
    let txn = api.db.begin().await?;
    db::log_export::deny(&txn, row).await?;
    let (subject, change) = (subject(workspace, organisation_id), json!({"denied_fields": denied_fields}));
    caller.note_in(&txn, &api, workspace, "log_export.restrict", subject, change).await?;
    txn.commit().await?;
    let denied_fields = denied(&api, &caller.scope, workspace).await?;
    Ok(web::Json(LogExportRestrictions { object: "field-restrictions", denied_fields }))
}

fn subject(workspace: Option<Uuid>, organisation: Uuid) -> String {
    workspace.map_or_else(|| format!("organisation:{organisation}"), |id| format!("workspace:{id}"))
}
