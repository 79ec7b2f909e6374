use ::limits::{Subject, SubjectKind};
use actix_web::web;
use entity::api_key::Model;
use sea_orm::TransactionTrait as _;
use sea_orm::prelude::Uuid;
use secrecy::ExposeSecret as _;
use serde::Serialize;
use tenancy::{KeyKind, Mint, Scope};
use utoipa::ToSchema;

use super::defaults::{self, KeyDefaults};
use super::rotation::{self, Policy};
use super::{MAX_DESCRIPTION, MAX_NAME, Verb, note, noted, scope_for, take_scopes};
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
    /// Who is told of its budget and its rotation beside those who always are.
    #[schema(max_items = 20)]
    alert_emails: Option<Vec<String>>,
    rotation_policy: Option<Policy>,
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
    let alert_emails = rotation::take_emails(&mut fields)?.value();
    let rotation = rotation::take(&mut fields, now_ms)?.value();
    let mint = read(&api, &caller, kind, fields, now_ms).await?;
    let (row, secret) = mint.mint(&api.ids, now_ms).map_err(Error::internal)?;
    let row = Model {
        alert_emails,
        rotation_policy: rotation.as_ref().map(|taken| taken.policy.to_json()),
        next_rotation_at: rotation.map(|taken| taken.next_at),
        ..row
    };
    let id = row.id;
    let txn = api.db.begin().await?;
    note(&txn, &api, &caller, "api_key.create", &row, noted(&row)).await?;
    let (workspace_id, user_id) = (row.workspace_id, row.user_id);
    db::api_key::insert(&txn, row).await?;
    // Who leaves at this moment takes the key along, or is gone before there is one.
    if let Some(user_id) = user_id
        && !db::membership::hold(&txn, &caller.scope, user_id, workspace_id).await?
    {
        return Err(Error::invalid("user_id", format!("found `{user_id}`"), MEMBER));
    }
    let limits = limits.in_workspace(workspace_id);
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
    let mut defaults = defaults::take(&mut fields, kind)?;
    let organisation = fields.line("organisation_id", 100)?;
    let workspace = fields.line("workspace_id", 100)?;
    let user = fields.line("user_id", 100)?;
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
            defaults::check(&api.db, &workspace.scope, &mut defaults).await?;
            Some(workspace.id)
        }
    };
    let user_id = user_id(kind, user)?;
    let organisation_id = caller.scope.organisation();
    let (defaults, created_by) = (defaults.value(), caller.id());
    Ok(Mint {
        organisation_id,
        workspace_id,
        user_id,
        kind,
        name,
        description,
        scopes,
        defaults,
        expires_at,
        created_by,
    })
}

/// What `user_id` is to be.
const MEMBER: &str = "the id of a member of the workspace, or of an owner or admin";

/// Whether they are, is asked in the transaction that makes the key.
fn user_id(kind: KeyKind, named: Option<String>) -> Result<Option<Uuid>, Error> {
    match (kind, named) {
        (KeyKind::WorkspaceUser, None) => Err(Error::invalid("user_id", "missing", MEMBER)),
        (KeyKind::WorkspaceUser, Some(text)) => match text.parse() {
            Ok(id) => Ok(Some(id)),
            Err(_) => Err(Error::invalid("user_id", format!("found `{text}`"), MEMBER)),
        },
        (_, None) => Ok(None),
        (_, Some(_)) => {
            Err(Error::invalid("user_id", "only a user's key has one", "the field to be left out"))
        }
    }
}
