use ::limits::{Subject, SubjectKind};
use actix_web::web;
use entity::{workspace, workspace_member};
use sea_orm::TransactionTrait as _;
use sea_orm::prelude::Uuid;
use serde_json::{Value, json};
use tenancy::{WorkspaceDefaults, WorkspaceRole};
use utoipa::ToSchema;

use super::defaults;
use super::shape::WorkspaceWithUsers;
use super::{MAX_DESCRIPTION, MAX_NAME, noted};
use crate::access::Caller;
use crate::fields::Fields;
use crate::limits::{Change, RateLimit, UsageLimits};
use crate::query::Query;
use crate::{Api, Error, body, db};

/// Workspaces at work of an organisation.
const MAX_WORKSPACES: u64 = 1_000;

/// Members that a workspace is made with.
const MAX_USERS: usize = 100;

/// A workspace to make.
#[derive(ToSchema)]
#[schema(example = json!({"name": "Search", "description": "The search team", "defaults": {"metadata": {"team": "search"}}}))]
#[expect(dead_code, reason = "it says what is read from the body")]
pub(crate) struct NewWorkspace {
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    #[schema(min_length = 1, max_length = 500)]
    description: Option<String>,
    defaults: Option<defaults::Sendable>,
    /// People of the organisation, who are members of it from now on.
    #[schema(max_items = 100)]
    users: Option<Vec<Uuid>>,
    /// Each type and period once.
    #[schema(max_items = 4)]
    usage_limits: Option<Vec<UsageLimits>>,
    /// Each type and unit once.
    #[schema(max_items = 6)]
    rate_limits: Option<Vec<RateLimit>>,
}

/// Makes a workspace.
///
/// An organisation may have 1,000 at work.
#[utoipa::path(post, path = "/v1/admin/workspaces", operation_id = "create_workspace", request_body = NewWorkspace, responses((status = 200, body = WorkspaceWithUsers)))]
pub(crate) async fn create(
    caller: Caller,
    api: web::Data<Api>,
    query: Query,
    payload: web::Payload,
) -> Result<web::Json<WorkspaceWithUsers>, Error> {
    query.none()?;
    let mut fields = body::object(payload).await?;
    let name = fields.line("name", MAX_NAME)?;
    let name = fields.required("name", name, "a string of 1 to 100 characters")?;
    let description = fields.line("description", MAX_DESCRIPTION)?;
    let defaults = defaults::take(&mut fields, WorkspaceDefaults::default())?;
    let users = take_users(&mut fields)?;
    let limits = Change::of_new_workspace(&mut fields)?;
    fields.finish()?;
    let (organisation_id, now_ms) = (caller.scope.organisation(), api.clock.now_ms());
    let id = api.ids.fresh();
    // It has none of its own to name yet; the organisation may have guardrails.
    let own =
        caller.scope.within(id).ok_or_else(|| Error::internal("the scope is not the organisation's"))?;
    let defaults = defaults::check(&api.db, &own, defaults).await?;
    let row = workspace::Model {
        id,
        organisation_id,
        slug: tenancy::slug::slug("ws-", &name).map_err(Error::internal)?,
        name,
        is_default: false,
        created_at: now_ms,
        description,
        defaults: defaults.to_json(),
        status: "active".to_owned(),
        created_by: caller.id(),
        last_updated_at: now_ms,
    };
    let txn = api.db.begin().await?;
    // Whoever else makes one waits, so that they are counted one after the other.
    tenancy::organisation::hold(&txn, organisation_id).await?;
    if db::workspace::count(&txn, organisation_id).await? >= MAX_WORKSPACES {
        let problem = format!("the organisation has {MAX_WORKSPACES} workspaces");
        return Err(Error::invalid("name", problem, "one of them to be deleted first"));
    }
    db::workspace::insert(&txn, row.clone()).await?;
    for (index, user_id) in users.iter().enumerate() {
        if db::membership::find(&txn, &caller.scope, *user_id).await?.is_none() {
            let at = format!("users[{index}]");
            return Err(Error::invalid(
                at,
                format!("found `{user_id}`"),
                "the id of somebody in the organisation",
            ));
        }
        let member = workspace_member::Model {
            workspace_id: row.id,
            user_id: *user_id,
            organisation_id,
            role: WorkspaceRole::Member.as_str().to_owned(),
            created_at: now_ms,
            last_updated_at: now_ms,
        };
        db::workspace_member::put(&txn, member).await?;
    }
    let subject = Subject { kind: SubjectKind::Workspace, id: row.id };
    limits.save(&txn, &api, &caller, subject, "").await?;
    let made = json!({"to": noted(&row), "users": users});
    caller.note_in(&txn, &api, Some(row.id), "workspace.create", row.slug.clone(), made).await?;
    txn.commit().await?;
    for user in users {
        api.forget_person(user);
    }
    Ok(web::Json(WorkspaceWithUsers::of(&api, row).await?))
}

fn take_users(fields: &mut Fields) -> Result<Vec<Uuid>, Error> {
    let at = fields.path("users");
    let expected = format!("an array of at most {MAX_USERS} ids of people");
    let items = fields.items("users", 0..=MAX_USERS, &expected)?.unwrap_or_default();
    let id = |(index, item): (usize, &Value)| {
        let id = item.as_str().and_then(|text| text.parse().ok());
        id.ok_or_else(|| {
            Error::invalid(format!("{at}[{index}]"), format!("found {item}"), "the id of a person")
        })
    };
    items.iter().enumerate().map(id).collect()
}
