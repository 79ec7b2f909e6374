use ::limits::{Subject, SubjectKind};
use actix_web::web;
use entity::api_key::ActiveModel;
use sea_orm::{Set, TransactionTrait as _};
use serde_json::json;
use tenancy::{KeyKind, Scope};
use utoipa::ToSchema;
use uuid::Uuid;

use super::defaults::{self, KeyDefaults};
use super::rotation::{self, Policy};
use super::{MAX_DESCRIPTION, MAX_NAME, Verb, find, note, noted, take_scopes};
use crate::access::Caller;
use crate::fields::Fields;
use crate::limits::{Change, RateLimit, UsageLimits};
use crate::query::Query;
use crate::wrapped::Nothing;
use crate::{Api, Error, body, db};

/// What to change of a key; what is left out stays.
#[derive(ToSchema)]
#[schema(example = json!({"name": "ci of the main branch", "description": null, "defaults": {"metadata": {"env": "ci"}}}))]
#[expect(dead_code, reason = "it says what is read from the body")]
pub(crate) struct ApiKeyChange {
    #[schema(min_length = 1, max_length = 100)]
    name: Option<String>,
    /// Null takes it away.
    #[schema(min_length = 1, max_length = 500)]
    description: Option<String>,
    #[schema(min_items = 1)]
    scopes: Option<Vec<Scope>>,
    /// A time to come; null: it does not end by itself.
    #[schema(format = DateTime)]
    expires_at: Option<String>,
    /// The caller's own organisation.
    organisation_id: Option<Uuid>,
    /// The slug or id of the workspace to look in.
    #[schema(min_length = 1, max_length = 100)]
    workspace_id: Option<String>,
    /// Null: none.
    usage_limits: Option<UsageLimits>,
    /// Each type and unit once. Null or empty: none.
    #[schema(max_items = 6)]
    rate_limits: Option<Vec<RateLimit>>,
    /// In place of all that there are; null: none.
    defaults: Option<KeyDefaults>,
    /// In place of all that there are; null or empty: none.
    #[schema(max_items = 20)]
    alert_emails: Option<Vec<String>>,
    /// In place of all that was said; null: none.
    rotation_policy: Option<Policy>,
    /// True: what was spent is forgotten, and the budget counts from now on.
    reset_usage: Option<bool>,
}

/// Changes what is sent.
///
/// Whose key it is and of what kind cannot be changed.
#[utoipa::path(put, path = "/v1/api-keys/{id}", params(("id" = Uuid, Path)), request_body = ApiKeyChange, responses((status = 200, body = Nothing)))]
pub(crate) async fn update(
    caller: Caller,
    api: web::Data<Api>,
    id: web::Path<String>,
    query: Query,
    payload: web::Payload,
) -> Result<web::Json<Nothing>, Error> {
    query.none()?;
    let mut fields = body::object(payload).await?;
    let organisation = fields.line("organisation_id", 100)?;
    caller.check_organisation(organisation.as_deref())?;
    let workspace = fields.line("workspace_id", 100)?;
    let scope = caller.reach(&api, workspace.as_deref()).await?;
    let (row, kind) = find(&api, &caller, &scope, &id, Verb::Update).await?;
    fields.repeats("id", &id)?;
    let limits = Change::of_key(&mut fields)?;
    let mut defaults = defaults::take(&mut fields, kind)?;
    let mut change = read(fields, kind, &caller, api.clock.now_ms())?;
    if let Some(own) = row.workspace_id.and_then(|id| scope.within(id)) {
        defaults::check(&api.db, &own, &mut defaults).await?;
    }
    change.defaults = defaults.map(|defaults| defaults.to_json()).change();
    let txn = api.db.begin().await?;
    let after = db::api_key::update(&txn, &scope, row.id, change).await?;
    let after = after.ok_or_else(|| Error::not_found("API key", id.as_str()))?;
    let (from, to) = (noted(&row), noted(&after));
    // Limits are noted by themselves.
    if from != to {
        note(&txn, &api, &caller, "api_key.update", &row, json!({"from": from, "to": to})).await?;
    }
    let limits = limits.in_workspace(row.workspace_id);
    limits.save(&txn, &api, &caller, Subject { kind: SubjectKind::Key, id: row.id }, "").await?;
    txn.commit().await?;
    super::forget(&api, &after);
    Ok(web::Json(Nothing {}))
}

fn read(mut fields: Fields, kind: KeyKind, caller: &Caller, now_ms: i64) -> Result<ActiveModel, Error> {
    let mut change = ActiveModel { last_updated_at: Set(now_ms), ..Default::default() };
    if let Some(name) = fields.line("name", MAX_NAME)? {
        change.name = Set(name);
    }
    change.description = fields.sent_line("description", MAX_DESCRIPTION)?.change();
    if let Some(scopes) = take_scopes(&mut fields, kind, caller)? {
        change.scopes = Set(scopes.to_json());
    }
    change.expires_at = fields.expiry(now_ms)?.change();
    change.alert_emails = rotation::take_emails(&mut fields)?.change();
    let rotation = rotation::take(&mut fields, now_ms)?;
    change.rotation_policy = rotation.as_ref().map(|taken| taken.policy.to_json()).change();
    change.next_rotation_at = rotation.map(|taken| taken.next_at).change();
    fields.fixed(&["type", "user_id"])?;
    fields.finish()?;
    Ok(change)
}
