use ::limits::{Subject, SubjectKind};
use actix_web::web;
use entity::virtual_key;
use providers::Auth;
use sea_orm::TransactionTrait as _;
use sea_orm::prelude::Json;
use secrecy::SecretString;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};

use super::extras::{self, Extras};
use super::{MAX_NAME, MAX_NOTE, NOT_YET, models, note, noted, secret, take_host, take_secret};
use crate::access::Caller;
use crate::fields::Fields;
use crate::limits::{Change, RateLimit, UsageLimits};
use crate::query::Query;
use crate::wrapped::Both;
use crate::{Api, Error, body, db};

/// A provider's secret to keep.
#[derive(ToSchema)]
#[schema(example = json!({"name": "prod", "provider": "openai", "key": "sk-..."}))]
#[expect(dead_code, reason = "it says what is read from the body")]
#[expect(non_snake_case, reason = "the contract's names")]
pub(crate) struct NewVirtualKey {
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    #[schema(schema_with = slugs)]
    provider: String,
    /// The provider's secret, fit for a header. `echo` has none, and `bedrock` may have `awsSecretAccessKey` in its place.
    #[schema(min_length = 1, max_length = 16384)]
    key: Option<String>,
    /// A base URL to call in place of the provider's own.
    #[schema(min_length = 1, max_length = 2048)]
    custom_host: Option<String>,
    #[schema(min_length = 1, max_length = 1000)]
    note: Option<String>,
    /// The slug or id of a workspace, which an organisation's key has to name.
    #[schema(min_length = 1, max_length = 100)]
    workspace_id: Option<String>,
    usage_limits: Option<UsageLimits>,
    /// Each type and unit once; one alone may be sent without the array.
    #[schema(max_items = 6)]
    rate_limits: Option<Vec<RateLimit>>,
    /// Models that may be called, or beginnings of their names with a `*` after them; left out, all.
    #[schema(min_items = 1, max_items = 500)]
    models: Option<Vec<String>>,
    /// A time to come; left out, it does not end by itself.
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

#[derive(Clone, Serialize, ToSchema)]
#[schema(as = CreatedVirtualKey)]
pub(crate) struct Created {
    slug: String,
}

struct New {
    name: String,
    provider: &'static str,
    secret: SecretString,
    extras: Extras,
    custom_host: Option<String>,
    note: Option<String>,
    models: Option<Json>,
    expires_at: Option<i64>,
    workspace: Option<String>,
}

/// One of an Azure key's deployments.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it says what is read from the body")]
#[expect(non_snake_case, reason = "the contract's names")]
pub(crate) struct Deployment {
    #[schema(min_length = 1, max_length = 1024)]
    apiVersion: String,
    #[schema(min_length = 1, max_length = 1024)]
    deploymentName: String,
    #[schema(min_length = 1, max_length = 1024)]
    alias: Option<String>,
    is_default: Option<bool>,
}

/// Of the providers that there are, and of those whose keys are kept for when they are served.
fn known() -> impl Iterator<Item = &'static str> {
    providers::all().map(|provider| provider.slug.as_str()).chain(providers::AWAITED)
}

fn slugs() -> Object {
    let slugs = known();
    let slugs = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(slugs));
    slugs.description(Some("A provider's slug.")).build()
}

/// Keeps a provider's secret under a name that calls may use.
#[utoipa::path(post, path = "/v1/virtual-keys", request_body = NewVirtualKey, responses((status = 200, body = Both<Created>)))]
pub(crate) async fn create(
    caller: Caller,
    api: web::Data<Api>,
    query: Query,
    payload: web::Payload,
) -> Result<web::Json<Both<Created>>, Error> {
    query.none()?;
    let mut fields = body::object(payload).await?;
    let limits = Change::of_new(&mut fields)?;
    let now_ms = api.clock.now_ms();
    let new = read(fields, &api, now_ms)?;
    let workspace = caller.one_workspace(&api, new.workspace.as_deref()).await?;
    let (id, organisation_id) = (api.ids.fresh(), caller.scope.organisation());
    let extras = new.extras.store(&api, None, organisation_id, id)?;
    let (extras, model_config) = extras.map_or((None, None), |stored| (stored.extras, stored.model_config));
    let sealed = secret::seal(&api, &new.secret, organisation_id, id)?;
    let slug = tenancy::slug::slug("", &new.name).map_err(Error::internal)?;
    let row = virtual_key::Model {
        id,
        organisation_id,
        workspace_id: workspace.id,
        slug: slug.clone(),
        name: new.name,
        provider: new.provider.to_owned(),
        secret: sealed.secret,
        hint: sealed.hint,
        custom_host: new.custom_host,
        extras,
        model_config,
        models: new.models,
        expires_at: new.expires_at,
        note: new.note,
        status: "active".to_owned(),
        created_at: now_ms,
        last_updated_at: now_ms,
    };
    let txn = api.db.begin().await?;
    note(&txn, &api, &caller, "virtual_key.create", &row, noted(&row)).await?;
    db::virtual_key::insert(&txn, row).await?;
    let limits = limits.in_workspace(Some(workspace.id));
    limits.save(&txn, &api, &caller, Subject { kind: SubjectKind::VirtualKey, id }, &slug).await?;
    txn.commit().await?;
    // A call may have asked for the name before it was there.
    api.virtual_keys.invalidate(organisation_id, &slug);
    Ok(web::Json(Both::eras(Created { slug })))
}

fn read(mut fields: Fields, api: &Api, now_ms: i64) -> Result<New, Error> {
    let name = fields.line("name", MAX_NAME)?;
    let name = fields.required("name", name, "a string of 1 to 100 characters")?;
    let slug = fields.line("provider", MAX_NAME)?;
    let slug = fields.required("provider", slug, "a provider's slug, such as openai")?;
    let (provider, needs_key) = provider(&slug)?;
    let extras = extras::take(&mut fields, provider)?;
    let secret = match take_secret(&mut fields)? {
        Some(secret) => secret,
        None if !needs_key || extras.are_credential() => SecretString::default(),
        None => return Err(Error::invalid("key", "missing", "the provider's secret")),
    };
    let custom_host = take_host(&mut fields, api.reach)?.value();
    let note = fields.line("note", MAX_NOTE)?;
    let models = models::take(&mut fields)?.value();
    let expires_at = fields.expiry(now_ms)?.value();
    let workspace = fields.line("workspace_id", MAX_NAME)?;
    fields.not_yet(&NOT_YET)?;
    fields.finish()?;
    Ok(New { name, provider, secret, extras, custom_host, note, models, expires_at, workspace })
}

/// The provider's own slug, and whether it asks for a key.
fn provider(slug: &str) -> Result<(&'static str, bool), Error> {
    if let Some(provider) = providers::provider(slug) {
        return Ok((provider.slug.as_str(), provider.auth != Auth::None));
    }
    if let Some(awaited) = providers::AWAITED.into_iter().find(|awaited| *awaited == slug) {
        return Ok((awaited, true));
    }
    let expected = format!("one of {}", known().collect::<Vec<_>>().join(", "));
    Err(Error::invalid("provider", format!("found `{slug}`"), expected))
}
