//! API keys (1.4).

mod create;
mod defaults;
mod delete;
mod get;
mod list;
mod rotate;
mod rotation;
mod shape;
mod update;

use ::limits::{Subject, SubjectKind};
use entity::api_key::Model;
use sea_orm::ConnectionTrait;
use sea_orm::prelude::Json;
use serde_json::json;
use tenancy::{KeyKind, Scope, Scopes, TenantScope};
use utoipa::OpenApi;

use crate::access::Caller;
use crate::fields::{Fields, kind};
use crate::{Api, Error, db, instant, path};

pub(crate) use create::create;
pub(crate) use delete::delete;
pub(crate) use get::get;
pub(crate) use list::list;
pub(crate) use rotate::{end_rotation, rotate};
pub(crate) use update::update;

/// The part of the document.
#[derive(OpenApi)]
#[openapi(paths(
    create::create,
    delete::delete,
    get::get,
    list::list,
    rotate::rotate,
    rotate::end_rotation,
    update::update
))]
pub(crate) struct Doc;

/// Characters of a key's name and of its description.
const MAX_NAME: usize = 100;
const MAX_DESCRIPTION: usize = 500;

/// What is done to a key: each kind has a scope for each.
#[derive(Clone, Copy)]
enum Verb {
    Create,
    Read,
    Update,
    Delete,
    List,
    Rotate,
}

fn scope_for(kind: KeyKind, verb: Verb) -> Scope {
    match (kind, verb) {
        (KeyKind::OrganisationService, Verb::Create) => Scope::OrganisationServiceApiKeysCreate,
        (KeyKind::OrganisationService, Verb::Read) => Scope::OrganisationServiceApiKeysRead,
        (KeyKind::OrganisationService, Verb::Update) => Scope::OrganisationServiceApiKeysUpdate,
        (KeyKind::OrganisationService, Verb::Delete) => Scope::OrganisationServiceApiKeysDelete,
        (KeyKind::OrganisationService, Verb::List) => Scope::OrganisationServiceApiKeysList,
        (KeyKind::OrganisationService, Verb::Rotate) => Scope::OrganisationServiceApiKeysRotate,
        (KeyKind::WorkspaceService, Verb::Create) => Scope::WorkspaceServiceApiKeysCreate,
        (KeyKind::WorkspaceService, Verb::Read) => Scope::WorkspaceServiceApiKeysRead,
        (KeyKind::WorkspaceService, Verb::Update) => Scope::WorkspaceServiceApiKeysUpdate,
        (KeyKind::WorkspaceService, Verb::Delete) => Scope::WorkspaceServiceApiKeysDelete,
        (KeyKind::WorkspaceService, Verb::List) => Scope::WorkspaceServiceApiKeysList,
        (KeyKind::WorkspaceService, Verb::Rotate) => Scope::WorkspaceServiceApiKeysRotate,
        (KeyKind::WorkspaceUser, Verb::Create) => Scope::WorkspaceUserApiKeysCreate,
        (KeyKind::WorkspaceUser, Verb::Read) => Scope::WorkspaceUserApiKeysRead,
        (KeyKind::WorkspaceUser, Verb::Update) => Scope::WorkspaceUserApiKeysUpdate,
        (KeyKind::WorkspaceUser, Verb::Delete) => Scope::WorkspaceUserApiKeysDelete,
        (KeyKind::WorkspaceUser, Verb::List) => Scope::WorkspaceUserApiKeysList,
        (KeyKind::WorkspaceUser, Verb::Rotate) => Scope::WorkspaceUserApiKeysRotate,
    }
}

/// A key within the caller's reach that the caller may do this to.
async fn find(
    api: &Api,
    caller: &Caller,
    scope: &TenantScope,
    id: &str,
    verb: Verb,
) -> Result<(Model, KeyKind), Error> {
    let row = db::api_key::find(&api.db, scope, path::id(id)?).await?;
    let row = row.ok_or_else(|| Error::not_found("API key", id))?;
    let kind = row.kind.parse().map_err(Error::internal)?;
    caller.needs(scope_for(kind, verb), row.workspace_id)?;
    Ok((row, kind))
}

/// The scopes asked for: known ones, that a key of this kind may hold, and that the caller may give away.
pub(crate) fn take_scopes(
    fields: &mut Fields,
    kind: KeyKind,
    caller: &Caller,
) -> Result<Option<Scopes>, Error> {
    let at = fields.path("scopes");
    let expected = "an array of scope names, such as [\"completions.write\"]";
    let Some(value) = fields.take("scopes") else { return Ok(None) };
    let Some(items) = value.as_array() else {
        return Err(Error::invalid(at, format!("found {}", self::kind(&value)), expected));
    };
    let mut scopes = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        let at = format!("{at}[{index}]");
        let name = item.as_str();
        let name =
            name.ok_or_else(|| Error::invalid(&at, format!("found {}", self::kind(item)), "a scope's name"))?;
        let scope: Scope =
            name.parse().map_err(|_| Error::invalid(&at, format!("found `{name}`"), "a scope's name"))?;
        if !kind.may_hold(scope) {
            let problem = format!("`{scope}` is not for this kind of key");
            return Err(Error::invalid(at, problem, format!("a scope that a {kind} key may hold")));
        }
        scopes.push(scope);
    }
    if scopes.is_empty() {
        return Err(Error::invalid(at, "found an empty array", expected));
    }
    let scopes: Scopes = scopes.into_iter().collect();
    // An organisation's key, and a person who may make keys, gives workspaces what they may not hold themselves; a workspace's key gives
    // what it has.
    let beyond = scopes.minus(caller.tenant.scopes);
    match beyond.iter().next().filter(|_| caller.tenant.kind == KeyKind::WorkspaceService) {
        Some(scope) => Err(Error::Forbidden(format!("it cannot give away {scope}, which it does not have"))),
        None => Ok(Some(scopes)),
    }
}

/// Lets a change of a key be seen by the next call that it makes, with whichever of its secrets.
fn forget(api: &Api, row: &Model) {
    for hash in tenancy::key_hashes(row) {
        api.keys.invalidate(&hash);
    }
}

/// Writes down a change of a key.
async fn note(
    txn: &impl ConnectionTrait,
    api: &Api,
    caller: &Caller,
    action: &'static str,
    row: &Model,
    change: Json,
) -> Result<(), Error> {
    let subject = Subject { kind: SubjectKind::Key, id: row.id }.to_string();
    Ok(caller.note_in(txn, api, row.workspace_id, action, subject, change).await?)
}

/// What is noted of a key: all but its limits, which are noted by themselves. Of its secret there is the hint.
fn noted(row: &Model) -> Json {
    json!({
        "name": row.name, "description": row.description, "type": row.kind, "key": row.hint, "scopes": row.scopes,
        "defaults": row.defaults, "expires_at": row.expires_at.map(instant::iso), "user_id": row.user_id,
        "workspace_id": row.workspace_id, "alert_emails": row.alert_emails, "rotation_policy": row.rotation_policy,
        "next_rotation_at": row.next_rotation_at.map(instant::iso), "status": row.status,
    })
}
