use actix_web::web;
use entity::api_key::{ActiveModel, Model};
use sea_orm::{ConnectionTrait, Set, TransactionTrait as _};
use secrecy::ExposeSecret as _;
use serde::Serialize;
use serde_json::json;
use tenancy::rotation::MIN_TRANSITION_MS;
use tenancy::{RotationPolicy, TenantScope, secret};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Verb, find, note, rotation};
use crate::access::{Caller, InWorkspace};
use crate::query::Query;
use crate::wrapped::Nothing;
use crate::{Api, Error, body, db, instant};

/// How a key gets another secret; nothing has to be said.
#[derive(ToSchema)]
#[schema(example = json!({"key_transition_period_ms": 3_600_000}))]
#[expect(dead_code, reason = "it says what is read from the body")]
pub(crate) struct ApiKeyRotation {
    /// How long the former secret works beside the new one; less than the period of the key's policy. What the policy says by
    /// default, else 30 minutes.
    #[schema(minimum = 1_800_000, maximum = 2_592_000_000_i64)]
    key_transition_period_ms: Option<i64>,
    /// The caller's own organisation.
    organisation_id: Option<Uuid>,
    /// The slug or id of the workspace to look in.
    #[schema(min_length = 1, max_length = 100)]
    workspace_id: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = RotatedApiKey)]
pub(crate) struct Rotated {
    id: Uuid,
    /// The new secret: here and nowhere else.
    key: String,
    /// Until when the former secret works too.
    #[schema(format = DateTime)]
    key_transition_expires_at: String,
}

/// Gives a key another secret, which is in this answer and nowhere else.
///
/// It stays the same key, with its id, limits and logs. Until `key_transition_expires_at` the former secret works as well;
/// meanwhile there is no other rotation.
#[utoipa::path(post, path = "/v1/api-keys/{id}/rotate", params(("id" = Uuid, Path)), request_body = ApiKeyRotation, responses((status = 200, body = Rotated), (status = 409)))]
pub(crate) async fn rotate(
    caller: Caller,
    api: web::Data<Api>,
    id: web::Path<String>,
    query: Query,
    payload: web::Payload,
) -> Result<web::Json<Rotated>, Error> {
    query.none()?;
    let mut fields = body::optional_object(payload).await?;
    let organisation = fields.line("organisation_id", 100)?;
    caller.check_organisation(organisation.as_deref())?;
    let workspace = fields.line("workspace_id", 100)?;
    let scope = caller.reach(&api, workspace.as_deref()).await?;
    let (row, _) = find(&api, &caller, &scope, &id, Verb::Rotate).await?;
    let policy = RotationPolicy::of(&row)?;
    let transition = rotation::transition(&mut fields, policy)?;
    fields.finish()?;
    let transition = transition.or_else(|| policy?.key_transition_period_ms).unwrap_or(MIN_TRANSITION_MS);

    let now_ms = api.clock.now_ms();
    let until_ms = now_ms.saturating_add(transition);
    let new = secret::generate().map_err(Error::internal)?;
    let change = ActiveModel {
        hash: Set(secret::hash(new.expose_secret()).to_vec()),
        hint: Set(secret::hint(new.expose_secret())),
        former_until: Set(Some(until_ms)),
        last_updated_at: Set(now_ms),
        ..Default::default()
    };
    let txn = api.db.begin().await?;
    let Some(after) = db::api_key::rotate(&txn, &scope, row.id, change, now_ms).await? else {
        return Err(refusal(&txn, &scope, row.id).await?);
    };
    let until = instant::iso(until_ms);
    let changed =
        json!({"from": {"key": row.hint}, "to": {"key": after.hint, "key_transition_expires_at": until}});
    note(&txn, &api, &caller, "api_key.rotate", &row, changed).await?;
    txn.commit().await?;
    super::forget(&api, &after);
    let key = new.expose_secret().to_owned();
    Ok(web::Json(Rotated { id: row.id, key, key_transition_expires_at: until }))
}

/// Why a key that was there is not rotated.
async fn refusal(txn: &impl ConnectionTrait, scope: &TenantScope, id: Uuid) -> Result<Error, Error> {
    let Some(row) = db::api_key::find(txn, scope, id).await? else {
        return Ok(Error::not_found("API key", id.to_string()));
    };
    let until = row.former_until.map(instant::iso).unwrap_or_default();
    Ok(Error::Conflict(format!(
        "the key was rotated already, and its former secret works until {until}; DELETE /v1/api-keys/{id}/rotate ends it"
    )))
}

/// Ends the former secret of a key that was rotated, at once.
///
/// It is done whether or not there is one.
#[utoipa::path(delete, path = "/v1/api-keys/{id}/rotate", operation_id = "end_rotation", params(("id" = Uuid, Path), InWorkspace), responses((status = 200, body = Nothing)))]
pub(crate) async fn end_rotation(
    caller: Caller,
    api: web::Data<Api>,
    id: web::Path<String>,
    query: Query,
) -> Result<web::Json<Nothing>, Error> {
    let workspace = query.workspace()?;
    let scope = caller.reach(&api, workspace.as_deref()).await?;
    let (row, _) = find(&api, &caller, &scope, &id, Verb::Rotate).await?;
    let now_ms = api.clock.now_ms();
    if !works_beside(&row, now_ms) {
        return Ok(web::Json(Nothing {}));
    }
    let ended = ActiveModel {
        former_hash: Set(None),
        former_until: Set(None),
        last_updated_at: Set(now_ms),
        ..Default::default()
    };
    let txn = api.db.begin().await?;
    // Who was faster has noted it.
    if db::api_key::end_former(&txn, &scope, &row, ended).await? {
        let until = row.former_until.map(instant::iso);
        let changed = json!({
            "from": {"key_transition_expires_at": until}, "to": {"key_transition_expires_at": null},
        });
        note(&txn, &api, &caller, "api_key.update", &row, changed).await?;
    }
    txn.commit().await?;
    super::forget(&api, &row);
    Ok(web::Json(Nothing {}))
}

/// Whether the key has a former secret that works.
pub(super) fn works_beside(row: &Model, now_ms: i64) -> bool {
    row.former_hash.is_some() && row.former_until.is_some_and(|until| until > now_ms)
}
