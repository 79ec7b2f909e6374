use ::limits::{Subject, SubjectKind};
use actix_web::web;
use entity::workspace::{ActiveModel, Model};
use sea_orm::{Set, TransactionTrait as _};
use serde_json::json;
use tenancy::WorkspaceDefaults;
use utoipa::ToSchema;

use super::defaults;
use super::shape::WorkspaceWithUsers;
use super::{MAX_DESCRIPTION, MAX_NAME, find, noted};
use crate::access::Caller;
use crate::limits::{Change, RateLimit, UsageLimits};
use crate::query::Query;
use crate::{Api, Error, body, db};

/// What the contract lets a workspace have, and we do not change here: members have routes of their own.
const NOT_YET: [&str; 1] = ["users"];

/// What to change of a workspace; what is left out stays.
#[derive(ToSchema)]
#[schema(example = json!({"usage_limits": [{"type": "cost", "credit_limit": 100, "alert_threshold": 80, "periodic_reset": "monthly"}]}))]
#[expect(dead_code, reason = "it says what is read from the body")]
pub(crate) struct WorkspaceChange {
    #[schema(min_length = 1, max_length = 100)]
    name: Option<String>,
    /// Null: none.
    #[schema(min_length = 1, max_length = 500)]
    description: Option<String>,
    /// Null: none. The next call of each key has them.
    defaults: Option<defaults::Sendable>,
    /// Each type and period once. Null or empty: none.
    #[schema(max_items = 4)]
    usage_limits: Option<Vec<UsageLimits>>,
    /// Each type and unit once. Null or empty: none.
    #[schema(max_items = 6)]
    rate_limits: Option<Vec<RateLimit>>,
    /// True: what was spent is forgotten, and its budgets count from now on.
    reset_usage: Option<bool>,
}

/// Changes a workspace; the next call sees it.
#[utoipa::path(put, path = "/v1/admin/workspaces/{workspace}", operation_id = "update_workspace", params(("workspace" = String, Path, description = "Its slug or id.")), request_body = WorkspaceChange, responses((status = 200, body = WorkspaceWithUsers)))]
pub(crate) async fn update(
    caller: Caller,
    api: web::Data<Api>,
    named: web::Path<String>,
    query: Query,
    payload: web::Payload,
) -> Result<web::Json<WorkspaceWithUsers>, Error> {
    query.none()?;
    let mut fields = body::object(payload).await?;
    let row = find(&api, &caller, &named).await?;
    fields.repeats("workspace_id", &named)?;
    let name = fields.line("name", MAX_NAME)?;
    let description = fields.sent_line("description", MAX_DESCRIPTION)?;
    let now = WorkspaceDefaults::of(&row)?;
    let mut defaults = defaults::take(&mut fields, now.clone())?;
    let limits = Change::of_workspace(&mut fields)?;
    fields.not_yet(&NOT_YET)?;
    fields.finish()?;
    if let Some(own) = caller.scope.within(row.id)
        && defaults != now
    {
        defaults = defaults::check(&api.db, &own, defaults).await?;
    }
    let now_ms = api.clock.now_ms();
    let after = Model {
        name: name.unwrap_or_else(|| row.name.clone()),
        description: description.map(Some).over(row.description.clone()),
        defaults: defaults.to_json(),
        last_updated_at: now_ms,
        ..row.clone()
    };
    let change = ActiveModel {
        name: Set(after.name.clone()),
        description: Set(after.description.clone()),
        defaults: Set(after.defaults.clone()),
        last_updated_at: Set(now_ms),
        ..Default::default()
    };
    let txn = api.db.begin().await?;
    if !db::workspace::update(&txn, row.id, change).await? {
        return Err(Error::not_found("workspace", named.as_str()));
    }
    let subject = Subject { kind: SubjectKind::Workspace, id: row.id };
    limits.save(&txn, &api, &caller, subject, "").await?;
    if noted(&row) != noted(&after) {
        let changed = json!({"from": noted(&row), "to": noted(&after)});
        caller.note_in(&txn, &api, Some(row.id), "workspace.update", row.slug.clone(), changed).await?;
    }
    txn.commit().await?;
    api.keys.invalidate_organisation(row.organisation_id);
    Ok(web::Json(WorkspaceWithUsers::of(&api, after).await?))
}
