use std::collections::HashSet;

use actix_web::web;
use entity::invite;
use sea_orm::TransactionTrait as _;
use sea_orm::prelude::Uuid;
use serde::Serialize;
use serde_json::{Value, json};
use tenancy::people::{INVITE_MS, Place, invite_token};
use tenancy::{KeyKind, Role, Scope, Scopes, email, organisation};
use utoipa::ToSchema;

use super::{check_address, letter, subject};
use crate::access::Caller;
use crate::api_keys::take_scopes;
use crate::db::invite::{Status, Wanted};
use crate::fields::{Fields, kind};
use crate::query::Query;
use crate::users::take_role;
use crate::{Api, Error, body, db, members};

/// Bytes of an e-mail address (RFC 5321, 4.5.3.1).
const MAX_EMAIL: usize = 254;

/// Workspaces that come with an invite.
const MAX_WORKSPACES: usize = 100;

/// Open invites of an organisation.
const MAX_OPEN: u64 = 1_000;

/// Somebody to invite.
#[derive(ToSchema)]
#[schema(example = json!({"email": "somebody@example.com", "role": "member", "workspaces": [{"id": "ws-shared-a1b2c3", "role": "member"}], "workspace_api_key_details": {"scopes": ["completions.write"]}}))]
#[expect(dead_code, reason = "it says what is read from the body")]
pub(crate) struct NewInvite {
    #[schema(min_length = 1, max_length = 254)]
    email: String,
    #[schema(pattern = "^(admin|member)$", max_length = 20)]
    role: String,
    /// Where they are to be, and as what; an admin reaches all.
    #[schema(max_items = 100)]
    workspaces: Vec<NewPlace>,
    /// Left out: they get no keys.
    workspace_api_key_details: Option<InviteKeys>,
}

/// A place in a workspace.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it says what is read from the body")]
struct NewPlace {
    /// The workspace's slug or id.
    #[schema(min_length = 1, max_length = 100)]
    id: String,
    #[schema(pattern = "^(admin|manager|member)$", max_length = 20)]
    role: String,
}

/// The keys of their own that they get as they accept, one in each workspace.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it says what is read from the body")]
struct InviteKeys {
    /// Names of scopes that a user's key may hold.
    #[schema(min_items = 1)]
    scopes: Vec<Scope>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct CreatedInvite {
    id: Uuid,
    /// For whoever is invited, to accept by: it works once.
    invite_link: String,
}

/// What was asked for.
struct Asked {
    email: String,
    role: Role,
    places: Vec<Place>,
    key_scopes: Option<Scopes>,
}

/// Invites somebody, for a week, by mail where there is a mail server; its link is in this answer and nowhere else.
#[utoipa::path(post, path = "/v1/admin/users/invites", operation_id = "create_invite", request_body = NewInvite, responses((status = 200, body = CreatedInvite), (status = 409)))]
pub(crate) async fn create(
    caller: Caller,
    api: web::Data<Api>,
    query: Query,
    payload: web::Payload,
) -> Result<web::Json<CreatedInvite>, Error> {
    query.none()?;
    let asked = read(&api, &caller, body::object(payload).await?).await?;
    let (token, token_hash) = invite_token().map_err(Error::internal)?;
    let now_ms = api.clock.now_ms();
    let row = invite::Model {
        id: api.ids.fresh(),
        organisation_id: caller.scope.organisation(),
        email: asked.email,
        role: asked.role.as_str().to_owned(),
        workspaces: json!(asked.places),
        key_scopes: asked.key_scopes.map(Scopes::to_json),
        token_hash,
        invited_by: caller.id(),
        created_at: now_ms,
        expires_at: now_ms + INVITE_MS,
        accepted_at: None,
        cancelled_at: None,
    };
    let txn = api.db.begin().await?;
    let held = organisation::hold(&txn, row.organisation_id).await?;
    let held = held.ok_or_else(|| Error::internal("the caller's organisation is not there"))?;
    check_address(&txn, &api, &caller, &row.email).await?;
    let open = Wanted { status: Some(Status::Pending), ..Wanted::default() };
    if db::invite::count(&txn, &caller.scope, open, now_ms).await? >= MAX_OPEN {
        let problem = format!("{MAX_OPEN} invites are open");
        return Err(Error::invalid("email", problem, "some of them to be cancelled first"));
    }
    db::invite::insert(&txn, row.clone()).await?;
    let change = json!({
        "email": row.email, "role": row.role, "workspaces": row.workspaces, "key_scopes": row.key_scopes
    });
    caller.note(&txn, &api, "invite.create", subject(row.id), change).await?;
    letter::send(&txn, &api, &row, &held.name, &token).await?;
    txn.commit().await?;
    Ok(web::Json(CreatedInvite { id: row.id, invite_link: letter::link(&api, &token) }))
}

async fn read(api: &Api, caller: &Caller, mut fields: Fields) -> Result<Asked, Error> {
    let address = fields.line("email", MAX_EMAIL)?;
    let address = fields.required("email", address, email::EXPECTED)?;
    let role = take_role(&mut fields)?;
    let workspaces = fields.take("workspaces");
    let expected = "an array of {\"id\": .., \"role\": ..}";
    let workspaces = fields.required("workspaces", workspaces, expected)?;
    let Value::Array(workspaces) = workspaces else {
        return Err(Error::invalid("workspaces", format!("found {}", kind(&workspaces)), expected));
    };
    let mut key_scopes = None;
    if let Some(mut keys) = fields.object("workspace_api_key_details")? {
        let scopes = take_scopes(&mut keys, KeyKind::WorkspaceUser, caller)?;
        key_scopes = Some(keys.required("scopes", scopes, "an array of scope names")?);
        keys.finish()?;
    }
    fields.finish()?;
    let address =
        email::normal(&address).map_err(|problem| Error::invalid("email", problem, email::EXPECTED))?;
    if workspaces.len() > MAX_WORKSPACES {
        let problem = format!("{} of them", workspaces.len());
        return Err(Error::invalid("workspaces", problem, format!("at most {MAX_WORKSPACES}")));
    }
    let mut places = Vec::with_capacity(workspaces.len());
    let mut seen = HashSet::new();
    for (index, item) in workspaces.into_iter().enumerate() {
        let at = format!("workspaces[{index}]");
        let place = take_place(api, caller, Fields::of(item, &at)?).await?;
        if !seen.insert(place.workspace_id) {
            return Err(Error::invalid(at, "named before", "each workspace once"));
        }
        places.push(place);
    }
    Ok(Asked { email: address, role, places, key_scopes })
}

async fn take_place(api: &Api, caller: &Caller, mut fields: Fields) -> Result<Place, Error> {
    let id = fields.line("id", 100)?;
    let id = fields.required("id", id, "the slug or id of a workspace")?;
    let role = members::take_role(&mut fields)?;
    fields.finish()?;
    let workspace = db::workspace::find(&api.db, &caller.scope, &id).await?;
    let workspace = workspace.ok_or_else(|| Error::not_found("workspace", id))?;
    Ok(Place { workspace_id: workspace.id, role })
}
