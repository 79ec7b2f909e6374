use actix_web::web;
use entity::config::{ActiveModel, Model};
use sea_orm::prelude::Uuid;
use sea_orm::{DatabaseTransaction, Set, TransactionTrait as _};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use serde_json::{Value, json};
use tenancy::TenantScope;
use utoipa::ToSchema;

use super::{MAX_NAME, check_room, content, find, note, noted, take_default};
use crate::access::{Caller, InWorkspace};
use crate::fields::Fields;
use crate::query::Query;
use crate::wrapped::Both;
use crate::{Api, Error, body, db};

/// What to change of a config; what is left out stays.
#[derive(ToSchema)]
#[schema(example = json!({"name": "prod of Europe", "config": {"provider": "echo"}}))]
#[expect(dead_code, reason = "it says what is read from the body")]
#[expect(non_snake_case, reason = "the contract's name")]
pub(crate) struct ConfigChange {
    #[schema(min_length = 1, max_length = 100)]
    name: Option<String>,
    /// In place of what it said. A secret may be sent as it was shown, masked: it stays.
    #[schema(value_type = Option<Object>)]
    config: Option<Value>,
    /// `archived`: calls that name it are refused; `active`: they are served again.
    #[schema(pattern = "^(active|archived)$")]
    status: Option<String>,
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
#[schema(as = ChangedConfig)]
pub(crate) struct Changed {
    id: Uuid,
    slug: String,
    /// The version that calls run under from now on: another one if what it says has changed.
    version_id: Uuid,
    /// Always `config`.
    object: &'static str,
}

#[derive(Default)]
struct Sent {
    name: Option<String>,
    config: Option<Value>,
    status: Option<&'static str>,
    is_default: Option<bool>,
}

/// Changes what is sent; the next call sees it.
///
/// Versions are kept: a log names the one that its call ran under.
#[utoipa::path(put, path = "/v1/configs/{slug}", params(("slug" = String, Path), InWorkspace), request_body = ConfigChange, responses((status = 200, body = Both<Changed>)))]
pub(crate) async fn update(
    caller: Caller,
    api: web::Data<Api>,
    slug: web::Path<String>,
    query: Query,
    payload: web::Payload,
) -> Result<web::Json<Both<Changed>>, Error> {
    let mut query = query.parameters()?;
    let in_query = query.take("workspace_id");
    query.finish()?;
    let mut fields = body::object(payload).await?;
    let workspace = fields.line("workspace_id", MAX_NAME)?.or(in_query);
    fields.repeats("slug", &slug)?;
    let sent = read(fields)?;
    let scope = caller.one_workspace(&api, workspace.as_deref()).await?.scope;
    let txn = api.db.begin().await?;
    // Whoever else changes it waits, so that none goes by what it said before.
    tenancy::organisation::hold(&txn, scope.organisation()).await?;
    let before = find(&txn, &scope, &slug).await?;
    let after = change(&txn, &api, &caller, &scope, &before, sent).await?;
    let changed = json!({"from": noted(&before), "to": noted(&after)});
    note(&txn, &api, &caller, "config.update", &after, changed).await?;
    txn.commit().await?;
    api.configs.invalidate(after.organisation_id, &after.slug);
    let changed = Changed { id: after.id, slug: after.slug, version_id: after.version_id, object: "config" };
    Ok(web::Json(Both::eras(changed)))
}

fn read(mut fields: Fields) -> Result<Sent, Error> {
    let sent = Sent {
        name: fields.line("name", MAX_NAME)?,
        config: fields.take("config"),
        status: status(&mut fields)?,
        is_default: take_default(&mut fields)?,
    };
    fields.finish()?;
    Ok(sent)
}

fn status(fields: &mut Fields) -> Result<Option<&'static str>, Error> {
    match fields.line("status", 20)?.as_deref() {
        None => Ok(None),
        Some("active") => Ok(Some("active")),
        Some("archived") => Ok(Some("archived")),
        Some(other) => Err(Error::invalid("status", format!("found `{other}`"), "active or archived")),
    }
}

/// Makes it so; how the config is then.
async fn change(
    txn: &DatabaseTransaction,
    api: &Api,
    caller: &Caller,
    scope: &TenantScope,
    before: &Model,
    sent: Sent,
) -> Result<Model, Error> {
    let mut after = Model {
        updated_by: caller.id(),
        last_updated_at: api.clock.now_ms(),
        name: sent.name.unwrap_or_else(|| before.name.clone()),
        status: sent.status.map_or_else(|| before.status.clone(), str::to_owned),
        is_default: sent.is_default.unwrap_or(before.is_default),
        ..before.clone()
    };
    if before.status != "active" && after.status == "active" {
        check_room(txn, scope).await?;
    }
    if let Some(config) = sent.config {
        let said = content::opened(api, &content::current(txn, before).await?)?;
        let text = content::read(txn, scope, api.reach, config, Some(&said)).await?;
        let said = SecretString::from(said.to_string());
        if text.expose_secret() != said.expose_secret() {
            let version = content::version(api, before, &text, after.updated_by)?;
            after.version_id = version.id;
            db::config::insert_version(txn, version).await?;
        }
    }
    if after.is_default && !before.is_default {
        db::config::unmark(txn, scope, before.workspace_id).await?;
    }
    let change = ActiveModel {
        name: Set(after.name.clone()),
        status: Set(after.status.clone()),
        is_default: Set(after.is_default),
        version_id: Set(after.version_id),
        updated_by: Set(after.updated_by),
        last_updated_at: Set(after.last_updated_at),
        ..Default::default()
    };
    if db::config::update(txn, scope, before.id, change).await? {
        Ok(after)
    } else {
        Err(Error::not_found("config", before.slug.as_str()))
    }
}
