use ::limits::{Subject, SubjectKind};
use actix_web::web;
use sea_orm::TransactionTrait as _;
use sea_orm::prelude::Uuid;
use secrecy::ExposeSecret as _;
use serde::Serialize;
use tenancy::{KeyKind, Mint, Scope};
use utoipa::ToSchema;

use super::defaults::{self, KeyDefaults};
use super::{MAX_DESCRIPTION, MAX_NAME, NOT_YET, Verb, scope_for, take_scopes};
use crate::access::Caller;
use crate::fields::Fields;
use crate::limits::{Change, RateLimit, UsageLimits};
use crate::query::Query;
use crate::{Api, Error, body, db};

/// A key to make.
#[derive(ToSchema)]
#[schema(example = json!({"name": "ci", "scopes": ["completions.write", "logs.list"], "defaults": {"metadata": {"env": "ci"}}}))]
#[expect(dead_code, reason = "it says what is read from the body")]
pub(crate) struct NewApiKey {
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    #[schema(min_length = 1, max_length = 500)]
    description: Option<String>,
    /// Names of scopes that a key of this kind may hold and that the caller may give away.
    #[schema(min_items = 1)]
    scopes: Vec<Scope>,
    /// A time to come; left out, the key does not end by itself.
    #[schema(format = DateTime)]
    expires_at: Option<String>,
    /// The caller's own organisation.
    organisation_id: Option<Uuid>,
    /// The slug or id of a workspace, which an organisation's key has to name for a workspace's.
    #[schema(min_length = 1, max_length = 100)]
    workspace_id: Option<String>,
    /// Whose key it is: for workspace/user, and only there.
    user_id: Option<Uuid>,
    usage_limits: Option<UsageLimits>,
    /// Each type and unit once.
    #[schema(max_items = 6)]
    rate_limits: Option<Vec<RateLimit>>,
    /// Of a workspace's key.
    defaults: Option<KeyDefaults>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = CreatedApiKey)]
pub(crate) struct Created {
    id: Uuid,
    /// The secret: here and nowhere else.
    key: String,
    /// Always `api-key`.
    object: &'static str,
}

/// Makes a key.
///
/// Its secret is in this answer and nowhere else.
#[utoipa::path(post, path = "/v1/api-keys/{type}/{sub_type}", params(("type" = String, Path, pattern = "^(organisation|workspace)$"), ("sub_type" = String, Path, pattern = "^(service|user)$", description = "`user` only for `workspace`")), request_body = NewApiKey, responses((status = 200, body = Created)))]
pub(crate) async fn create(
    caller: Caller,
    api: web::Data<Api>,
    path: web::Path<(String, String)>,
    query: Query,
    payload: web::Payload,
) -> Result<web::Json<Created>, Error> {
    query.none()?;
    let kind = kind(&path.0, &path.1)?;
    caller.needs(scope_for(kind, Verb::Create), None)?;
    let now_ms = api.clock.now_ms();
    let mut fields = body::object(payload).await?;
    fields.repeats("type", &path.0)?;
    fields.repeats("sub-type", &path.1)?;
    let limits = Change::of_new(&mut fields)?;
    let mint = read(&api, &caller, kind, fields, now_ms).await?;
    let (row, secret) = mint.mint(&api.ids, now_ms).map_err(Error::internal)?;
    let id = row.id;
    let txn = api.db.begin().await?;
    db::api_key::insert(&txn, row).await?;
    limits.save(&txn, &api, &caller, Subject { kind: SubjectKind::Key, id }, "").await?;
    txn.commit().await?;
    Ok(web::Json(Created { id, key: secret.expose_secret().to_owned(), object: "api-key" }))
}

fn kind(of: &str, sub_type: &str) -> Result<KeyKind, Error> {
    format!("{of}-{sub_type}").parse().map_err(|_| {
        let expected = "organisation/service, workspace/service or workspace/user";
        Error::invalid("path", format!("found `{of}/{sub_type}`"), expected)
    })
}

async fn read(
    api: &Api,
    caller: &Caller,
    kind: KeyKind,
    mut fields: Fields,
    now_ms: i64,
) -> Result<Mint, Error> {
    let name = fields.line("name", MAX_NAME)?;
    let name = fields.required("name", name, "a string of 1 to 100 characters")?;
    let description = fields.line("description", MAX_DESCRIPTION)?;
    let scopes = take_scopes(&mut fields, kind, caller)?;
    let scopes = fields.required("scopes", scopes, "an array of scope names")?;
    let expires_at = fields.expiry(now_ms)?.value();
    let defaults = defaults::take(&mut fields, kind)?;
    let organisation = fields.line("organisation_id", 100)?;
    let workspace = fields.line("workspace_id", 100)?;
    let user = fields.line("user_id", 100)?;
    fields.not_yet(&NOT_YET)?;
    fields.finish()?;

    caller.check_organisation(organisation.as_deref())?;
    let workspace_id = match kind {
        KeyKind::OrganisationService => match workspace {
            Some(_) => {
                let problem = "an organisation's key has no workspace";
                return Err(Error::invalid("workspace_id", problem, "the field to be left out"));
            }
            None => None,
        },
        KeyKind::WorkspaceService | KeyKind::WorkspaceUser => {
            let workspace = caller.one_workspace(api, workspace.as_deref()).await?;
            caller.needs(scope_for(kind, Verb::Create), Some(workspace.id))?;
            defaults::check(&api.db, &workspace.scope, &defaults).await?;
            Some(workspace.id)
        }
    };
    let user_id = user_id(api, caller, workspace_id, kind, user).await?;
    let organisation_id = caller.scope.organisation();
    let defaults = defaults.value();
    Ok(Mint { organisation_id, workspace_id, user_id, kind, name, description, scopes, defaults, expires_at })
}

async fn user_id(
    api: &Api,
    caller: &Caller,
    workspace_id: Option<Uuid>,
    kind: KeyKind,
    named: Option<String>,
) -> Result<Option<Uuid>, Error> {
    let expected = "the id of a member of the workspace, or of an owner or admin";
    match (kind, named) {
        (KeyKind::WorkspaceUser, None) => Err(Error::invalid("user_id", "missing", expected)),
        (KeyKind::WorkspaceUser, Some(text)) => {
            let unknown = || Error::invalid("user_id", format!("found `{text}`"), expected);
            let id: Uuid = text.parse().map_err(|_| unknown())?;
            let member = db::membership::reaches(&api.db, &caller.scope, id, workspace_id).await?;
            if member { Ok(Some(id)) } else { Err(unknown()) }
        }
        (_, None) => Ok(None),
        (_, Some(_)) => {
            Err(Error::invalid("user_id", "only a user's key has one", "the field to be left out"))
        }
    }
}
