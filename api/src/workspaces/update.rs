use ::limits::{Subject, SubjectKind};
use actix_web::web;
use sea_orm::TransactionTrait as _;
use utoipa::ToSchema;

use super::find;
use super::shape::Workspace;
use crate::access::Caller;
use crate::limits::{Change, RateLimit, UsageLimits};
use crate::query::Query;
use crate::{Api, Error, body};

/// What the contract lets a workspace have, and we do not yet change.
const NOT_YET: [&str; 5] = ["name", "description", "defaults", "users", "user_api_key_config"];

/// What to change of a workspace; what is left out stays.
#[derive(ToSchema)]
#[schema(example = json!({"usage_limits": [{"type": "cost", "credit_limit": 100, "alert_threshold": 80, "periodic_reset": "monthly"}]}))]
#[expect(dead_code, reason = "it says what is read from the body")]
pub(crate) struct WorkspaceChange {
    /// Each type and period once. Null or empty: none.
    #[schema(max_items = 4)]
    usage_limits: Option<Vec<UsageLimits>>,
    /// Each type and unit once. Null or empty: none.
    #[schema(max_items = 6)]
    rate_limits: Option<Vec<RateLimit>>,
    /// True: what was spent is forgotten, and its budgets count from now on.
    reset_usage: Option<bool>,
}

/// Changes the limits of a workspace; the next call sees it.
#[utoipa::path(put, path = "/v1/admin/workspaces/{workspace}", operation_id = "update_workspace", params(("workspace" = String, Path, description = "Its slug or id.")), request_body = WorkspaceChange, responses((status = 200, body = Workspace)))]
pub(crate) async fn update(
    caller: Caller,
    api: web::Data<Api>,
    named: web::Path<String>,
    query: Query,
    payload: web::Payload,
) -> Result<web::Json<Workspace>, Error> {
    query.none()?;
    let mut fields = body::object(payload).await?;
    let row = find(&api, &caller, &named).await?;
    let change = Change::of_workspace(&mut fields)?;
    fields.not_yet(&NOT_YET)?;
    fields.finish()?;
    let txn = api.db.begin().await?;
    let subject = Subject { kind: SubjectKind::Workspace, id: row.id };
    change.save(&txn, &api, &caller, subject, "").await?;
    txn.commit().await?;
    api.keys.invalidate_organisation(row.organisation_id);
    Ok(web::Json(Workspace::of(&api, row).await?))
}
