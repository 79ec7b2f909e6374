use ::limits::{Subject, SubjectKind};
use actix_web::web;
use entity::virtual_key::{ActiveModel, Model};
use sea_orm::{Set, TransactionTrait as _};
use serde_json::json;
use utoipa::ToSchema;

use super::create::Deployment;
use super::{MAX_NAME, MAX_NOTE, NOT_YET, extras, models, note, noted, secret, take_host, take_secret};
use crate::access::Caller;
use crate::fields::Fields;
use crate::limits::{Change, RateLimit, UsageLimits};
use crate::query::Query;
use crate::wrapped::{Nothing, Wrapped};
use crate::{Api, Error, body, db};

/// What to change of a virtual key; what is left out stays.
#[derive(ToSchema)]
#[schema(example = json!({"name": "prod of Europe", "note": null}))]
#[expect(dead_code, reason = "it says what is read from the body")]
#[expect(non_snake_case, reason = "the contract's names")]
pub(crate) struct VirtualKeyChange {
    #[schema(min_length = 1, max_length = 100)]
    name: Option<String>,
    /// The one that it has: it cannot be changed.
    provider: Option<String>,
    /// The provider's secret, fit for a header.
    #[schema(min_length = 1, max_length = 16384)]
    key: Option<String>,
    /// A base URL to call in place of the provider's own; null takes it away.
    #[schema(min_length = 1, max_length = 2048)]
    custom_host: Option<String>,
    /// Null takes it away.
    #[schema(min_length = 1, max_length = 1000)]
    note: Option<String>,
    /// The slug or id of a workspace, which an organisation's key has to name.
    #[schema(min_length = 1, max_length = 100)]
    workspace_id: Option<String>,
    /// Null: none.
    usage_limits: Option<UsageLimits>,
    /// Each type and unit once. Null or empty: none.
    #[schema(max_items = 6)]
    rate_limits: Option<Vec<RateLimit>>,
    /// True: what was spent is forgotten, and the budget counts from now on.
    reset_usage: Option<bool>,
    /// Models that may be called, or beginnings of their names with a `*` after them; null: all.
    #[schema(min_items = 1, max_items = 500)]
    models: Option<Vec<String>>,
    /// A time to come; null: it does not end by itself.
    #[schema(format = DateTime)]
    expires_at: Option<String>,
    /// Of `azure-openai`, as the three after it.
    #[schema(min_length = 1, max_length = 1024)]
    apiVersion: Option<String>,
    #[schema(min_length = 1, max_length = 1024)]
    resourceName: Option<String>,
    #[schema(min_length = 1, max_length = 1024)]
    deploymentName: Option<String>,
    #[schema(max_items = 100)]
    deploymentConfig: Option<Vec<Deployment>>,
    /// Of `bedrock` and `sagemaker`, as the two after it.
    #[schema(min_length = 1, max_length = 1024)]
    awsAccessKeyId: Option<String>,
    #[schema(min_length = 1, max_length = 1024)]
    awsSecretAccessKey: Option<String>,
    #[schema(min_length = 1, max_length = 1024)]
    awsRegion: Option<String>,
    /// Of `vertex-ai`, as the one after it.
    #[schema(min_length = 1, max_length = 1024)]
    vertexProjectId: Option<String>,
    #[schema(min_length = 1, max_length = 1024)]
    vertexRegion: Option<String>,
    /// Of `workers-ai`.
    #[schema(min_length = 1, max_length = 1024)]
    workersAiAccountId: Option<String>,
    /// Of `openai`: calls with the key are of this organization, whatever they say.
    #[schema(min_length = 1, max_length = 1024)]
    openaiOrganization: Option<String>,
    /// Of `openai`: calls with the key are of this project, whatever they say.
    #[schema(min_length = 1, max_length = 1024)]
    openaiProject: Option<String>,
}

/// Changes what is sent; the next call sees it.
#[utoipa::path(put, path = "/v1/virtual-keys/{slug}", params(("slug" = String, Path)), request_body = VirtualKeyChange, responses((status = 200, body = Wrapped<Nothing>)))]
pub(crate) async fn update(
    caller: Caller,
    api: web::Data<Api>,
    slug: web::Path<String>,
    query: Query,
    payload: web::Payload,
) -> Result<web::Json<Wrapped<Nothing>>, Error> {
    query.none()?;
    let mut fields = body::object(payload).await?;
    let workspace = fields.line("workspace_id", MAX_NAME)?;
    let scope = caller.one_workspace(&api, workspace.as_deref()).await?.scope;
    let row = db::virtual_key::find(&api.db, &scope, &slug).await?;
    let row = row.ok_or_else(|| Error::not_found("virtual key", slug.as_str()))?;
    fields.repeats("slug", &slug)?;
    let limits = Change::of_key(&mut fields)?;
    let change = read(fields, &api, &row)?;
    let txn = api.db.begin().await?;
    if !db::virtual_key::update(&txn, &scope, row.id, change).await? {
        return Err(Error::not_found("virtual key", slug.as_str()));
    }
    let after = db::virtual_key::find(&txn, &scope, &slug).await?;
    let after = after.ok_or_else(|| Error::not_found("virtual key", slug.as_str()))?;
    let changed = json!({"from": noted(&row), "to": noted(&after)});
    note(&txn, &api, &caller, "virtual_key.update", &row, changed).await?;
    let subject = Subject { kind: SubjectKind::VirtualKey, id: row.id };
    limits.in_workspace(Some(row.workspace_id)).save(&txn, &api, &caller, subject, &row.slug).await?;
    txn.commit().await?;
    api.virtual_keys.invalidate(row.organisation_id, &row.slug);
    Ok(web::Json(Wrapped::of(Nothing {})))
}

fn read(mut fields: Fields, api: &Api, row: &Model) -> Result<ActiveModel, Error> {
    let now_ms = api.clock.now_ms();
    let mut change = ActiveModel { last_updated_at: Set(now_ms), ..Default::default() };
    if let Some(name) = fields.line("name", MAX_NAME)? {
        change.name = Set(name);
    }
    change.note = fields.sent_line("note", MAX_NOTE)?.change();
    change.custom_host = take_host(&mut fields, api.reach)?.change();
    if let Some(secret) = take_secret(&mut fields)? {
        let sealed = secret::seal(api, &secret, row.organisation_id, row.id)?;
        (change.secret, change.hint) = (Set(sealed.secret), Set(sealed.hint));
    }
    change.models = models::take(&mut fields)?.change();
    change.expires_at = fields.expiry(now_ms)?.change();
    let extras = extras::take(&mut fields, &row.provider)?;
    if let Some(stored) = extras.store(api, Some(row), row.organisation_id, row.id)? {
        (change.extras, change.model_config) = (Set(stored.extras), Set(stored.model_config));
    }
    let same = |named: &str| {
        named == row.provider
            || providers::provider(named).is_some_and(|provider| provider.slug == row.provider)
    };
    if fields.take("provider").is_some_and(|named| !named.as_str().is_some_and(same)) {
        return Err(Error::invalid(
            "provider",
            "cannot be changed",
            format!("{}, or no provider", row.provider),
        ));
    }
    fields.not_yet(&NOT_YET)?;
    fields.finish()?;
    Ok(change)
}
