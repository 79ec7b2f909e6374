use actix_web::web;
use entity::guardrail::Model;
use sea_orm::TransactionTrait as _;
use serde_json::Value;
use tenancy::guardrails::Content;
use utoipa::ToSchema;

use super::refusal::{By, Refusals, Refused};
use super::shape::Saved;
use super::{MAX_GUARDRAILS, MAX_NAME, content, note, noted};
use crate::fields::Fields;
use crate::query::Query;
use crate::{Api, Error, body, db};

/// Checks to save, and what follows from them.
#[derive(ToSchema)]
#[schema(example = json!({"name": "no names", "checks": [{"id": "default.contains", "parameters": {"words": ["Ada"], "operator": "none"}}], "actions": {"deny": true, "async": false, "on_fail": {"feedback": {"value": -5, "weight": 1, "metadata": ""}}}}))]
#[expect(dead_code, reason = "it says what is read from the body")]
pub(crate) struct NewGuardrail {
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    /// 1 to 50, each with `id` (such as `default.contains`), `parameters` and `is_enabled`.
    #[schema(value_type = Vec<Object>, min_items = 1, max_items = 50)]
    checks: Vec<Value>,
    /// `deny`, `async`, `sequential`, and the feedback of `on_success` and `on_fail`.
    #[schema(value_type = Object)]
    actions: Value,
    /// The slug or id of a workspace. An organisation's key may leave it out: then every workspace may name the guardrail.
    #[schema(min_length = 1, max_length = 100)]
    workspace_id: Option<String>,
    /// The caller's own.
    #[schema(min_length = 1, max_length = 100)]
    organisation_id: Option<String>,
}

/// Saves checks under a name that configs may have in `input_guardrails` and `output_guardrails`.
///
/// A check that is not known, or whose parameters are not right, is refused now, so that no call stumbles over it. An organisation
/// may have 1,000.
#[utoipa::path(post, path = "/v1/guardrails", request_body = NewGuardrail, responses((status = 200, body = Saved), Refusals))]
pub(crate) async fn create(
    By(caller): By,
    api: web::Data<Api>,
    query: Query,
    payload: web::Payload,
) -> Result<web::Json<Saved>, Refused> {
    query.none()?;
    let mut fields = body::object(payload).await?;
    let name = fields.line("name", MAX_NAME)?;
    let name = fields.required("name", name, "a string of 1 to 100 characters")?;
    let workspace = fields.line("workspace_id", MAX_NAME)?;
    let organisation = fields.line("organisation_id", MAX_NAME)?;
    let content = read(fields)?;
    caller.check_organisation(organisation.as_deref())?;
    let workspace = caller.workspace(&api, workspace.as_deref()).await?;
    let (id, organisation_id, now_ms) = (api.ids.fresh(), caller.scope.organisation(), api.clock.now_ms());
    let mut row = Model {
        id,
        organisation_id,
        workspace_id: workspace.map(|workspace| workspace.id),
        slug: tenancy::slug::slug("pg-", &name).map_err(Error::internal)?,
        name,
        status: "active".to_owned(),
        version_id: id,
        owner_id: caller.id(),
        updated_by: caller.id(),
        created_at: now_ms,
        last_updated_at: now_ms,
    };
    let version = content::version(&api, &row, &content, row.owner_id)?;
    row.version_id = version.id;
    let saved = Saved { id, slug: row.slug.clone(), version_id: row.version_id };
    let txn = api.db.begin().await?;
    // Whoever else makes one waits, so that they are counted one after the other.
    tenancy::organisation::hold(&txn, organisation_id).await?;
    if db::guardrail::count(&txn, organisation_id).await? >= MAX_GUARDRAILS {
        let problem = format!("there are {MAX_GUARDRAILS} guardrails already");
        let expected = format!("at most {MAX_GUARDRAILS} of an organisation");
        return Err(Error::invalid("name", problem, expected).into());
    }
    note(&txn, &api, &caller, "guardrail.create", &row, noted(&row)).await?;
    db::guardrail::insert(&txn, row, version).await?;
    txn.commit().await?;
    // A call may have asked for the name before it was there.
    api.guardrails.invalidate(organisation_id, &saved.slug);
    Ok(web::Json(saved))
}

fn read(mut fields: Fields) -> Result<Content, Error> {
    let checks = fields.take("checks");
    let checks = fields.required("checks", checks, "an array of 1 to 50 checks")?;
    let actions = fields.take("actions");
    let actions = fields.required("actions", actions, "an object: what follows from the checks")?;
    fields.finish()?;
    content::read(Content { checks, actions }, None)
}
