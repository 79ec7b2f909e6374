use ::limits::{Subject, SubjectKind};
use actix_web::web;
use entity::virtual_key;
use providers::{Auth, Provider};
use sea_orm::TransactionTrait as _;
use secrecy::SecretString;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};

use super::shape::Wrapped;
use super::{MAX_NAME, MAX_NOTE, NOT_YET, secret, take_host, take_secret};
use crate::access::Caller;
use crate::fields::Fields;
use crate::limits::{Change, RateLimit, UsageLimits};
use crate::query::Query;
use crate::{Api, Error, body, db};

/// A provider's secret to keep.
#[derive(ToSchema)]
#[schema(example = json!({"name": "prod", "provider": "openai", "key": "sk-..."}))]
#[expect(dead_code, reason = "it says what is read from the body")]
pub(crate) struct NewVirtualKey {
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    #[schema(schema_with = slugs)]
    provider: String,
    /// The provider's secret, fit for a header; only `echo` has none.
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
}

#[derive(Serialize, ToSchema)]
#[schema(as = CreatedVirtualKey)]
pub(crate) struct Created {
    slug: String,
}

struct New {
    name: String,
    provider: &'static Provider,
    secret: SecretString,
    custom_host: Option<String>,
    note: Option<String>,
    workspace: Option<String>,
}

/// Of the providers that there are.
fn slugs() -> Object {
    let slugs = providers::all().map(|provider| provider.slug.as_str());
    let slugs = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(slugs));
    slugs.description(Some("A provider's slug.")).build()
}

/// Keeps a provider's secret under a name that calls may use.
#[utoipa::path(post, path = "/v1/virtual-keys", request_body = NewVirtualKey, responses((status = 200, body = Wrapped<Created>)))]
pub(crate) async fn create(
    caller: Caller,
    api: web::Data<Api>,
    query: Query,
    payload: web::Payload,
) -> Result<web::Json<Wrapped<Created>>, Error> {
    query.none()?;
    let mut fields = body::object(payload).await?;
    let limits = Change::of_new(&mut fields)?;
    let new = read(fields, &api)?;
    let workspace = caller.one_workspace(&api, new.workspace.as_deref()).await?;
    let (id, organisation_id, now_ms) = (api.ids.fresh(), caller.scope.organisation(), api.clock.now_ms());
    let sealed = secret::seal(&api, &new.secret, organisation_id, id)?;
    let slug = tenancy::slug::slug("", &new.name).map_err(Error::internal)?;
    let row = virtual_key::Model {
        id,
        organisation_id,
        workspace_id: workspace.id,
        slug: slug.clone(),
        name: new.name,
        provider: new.provider.slug.clone(),
        secret: sealed.secret,
        hint: sealed.hint,
        custom_host: new.custom_host,
        note: new.note,
        status: "active".to_owned(),
        created_at: now_ms,
        last_updated_at: now_ms,
    };
    let txn = api.db.begin().await?;
    db::virtual_key::insert(&txn, row).await?;
    limits.save(&txn, &api, &caller, Subject { kind: SubjectKind::VirtualKey, id }, &slug).await?;
    txn.commit().await?;
    // A call may have asked for the name before it was there.
    api.virtual_keys.invalidate(organisation_id, &slug);
    Ok(web::Json(Wrapped::of(Created { slug })))
}

fn read(mut fields: Fields, api: &Api) -> Result<New, Error> {
    let name = fields.line("name", MAX_NAME)?;
    let name = fields.required("name", name, "a string of 1 to 100 characters")?;
    let slug = fields.line("provider", MAX_NAME)?;
    let slug = fields.required("provider", slug, "a provider's slug, such as openai")?;
    let provider = providers::provider(&slug).ok_or_else(|| {
        let known: Vec<&str> = providers::all().map(|provider| provider.slug.as_str()).collect();
        Error::invalid("provider", format!("found `{slug}`"), format!("one of {}", known.join(", ")))
    })?;
    let secret = match (take_secret(&mut fields)?, &provider.auth) {
        (Some(secret), _) => secret,
        (None, Auth::None) => SecretString::default(),
        (None, _) => return Err(Error::invalid("key", "missing", "the provider's secret")),
    };
    let custom_host = take_host(&mut fields, api.reach)?.value();
    let note = fields.line("note", MAX_NOTE)?;
    let workspace = fields.line("workspace_id", MAX_NAME)?;
    fields.not_yet(&NOT_YET)?;
    fields.finish()?;
    Ok(New { name, provider, secret, custom_host, note, workspace })
}
