use actix_web::web;
use entity::config::Model;
use sea_orm::TransactionTrait as _;
use sea_orm::prelude::Uuid;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::{MAX_NAME, check_room, content, note, noted, take_default};
use crate::access::Caller;
use crate::query::Query;
use crate::wrapped::Both;
use crate::{Api, Error, body, db};

/// A config to save.
#[derive(ToSchema)]
#[schema(example = json!({"name": "prod", "config": {"provider": "echo", "retry": {"attempts": 2}}, "isDefault": 0}))]
#[expect(dead_code, reason = "it says what is read from the body")]
#[expect(non_snake_case, reason = "the contract's name")]
pub(crate) struct NewConfig {
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    /// Where calls go, and how: strategy, targets, retry, cache, and so on. At most 65,536 bytes of JSON.
    #[schema(value_type = Object)]
    config: Value,
    /// 1: the workspace marks it as its default, and no other.
    #[schema(minimum = 0, maximum = 1)]
    isDefault: Option<u8>,
    /// The same.
    #[schema(minimum = 0, maximum = 1)]
    is_default: Option<u8>,
    /// The slug or id of a workspace, which an organisation's key has to name.
    #[schema(min_length = 1, max_length = 100)]
    workspace_id: Option<String>,
}

#[derive(Clone, Serialize, ToSchema)]
#[schema(as = CreatedConfig)]
pub(crate) struct Created {
    id: Uuid,
    slug: String,
    version_id: Uuid,
    /// Always `config`.
    object: &'static str,
}

/// Saves a config under a name that calls may send in `x-portkey-config`.
///
/// What it names (virtual keys, guardrails) has to be there. A workspace may have 1,000.
#[utoipa::path(post, path = "/v1/configs", request_body = NewConfig, responses((status = 200, body = Both<Created>)))]
pub(crate) async fn create(
    caller: Caller,
    api: web::Data<Api>,
    query: Query,
    payload: web::Payload,
) -> Result<web::Json<Both<Created>>, Error> {
    query.none()?;
    let mut fields = body::object(payload).await?;
    let name = fields.line("name", MAX_NAME)?;
    let name = fields.required("name", name, "a string of 1 to 100 characters")?;
    let config = fields.take("config");
    let is_default = take_default(&mut fields)?.unwrap_or(false);
    let workspace = fields.line("workspace_id", MAX_NAME)?;
    let config = fields.required("config", config, "an object: where calls go, and how")?;
    fields.finish()?;
    let workspace = caller.one_workspace(&api, workspace.as_deref()).await?;
    let text = content::read(&api.db, &workspace.scope, api.reach, config, None).await?;
    let (id, organisation_id, now_ms) = (api.ids.fresh(), caller.scope.organisation(), api.clock.now_ms());
    let by = caller.id();
    let mut row = Model {
        id,
        organisation_id,
        workspace_id: workspace.id,
        slug: tenancy::slug::slug("pc-", &name).map_err(Error::internal)?,
        name,
        is_default,
        status: "active".to_owned(),
        version_id: id,
        owner_id: by,
        updated_by: by,
        created_at: now_ms,
        last_updated_at: now_ms,
    };
    let version = content::version(&api, &row, &text, by)?;
    row.version_id = version.id;
    let created = Created { id, slug: row.slug.clone(), version_id: row.version_id, object: "config" };
    let txn = api.db.begin().await?;
    // Whoever else makes one waits, so that they are counted one after the other.
    tenancy::organisation::hold(&txn, organisation_id).await?;
    check_room(&txn, &workspace.scope).await?;
    if is_default {
        db::config::unmark(&txn, &workspace.scope, workspace.id).await?;
    }
    note(&txn, &api, &caller, "config.create", &row, noted(&row)).await?;
    db::config::insert(&txn, row, version).await?;
    txn.commit().await?;
    // A call may have asked for the name before it was there.
    api.configs.invalidate(organisation_id, &created.slug);
    Ok(web::Json(Both::eras(created)))
}
