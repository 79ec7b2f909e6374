use actix_web::web;
use entity::guardrail::{ActiveModel, Model};
use sea_orm::{DatabaseTransaction, Set, TransactionTrait as _};
use serde_json::{Value, json};
use tenancy::guardrails::Content;
use utoipa::ToSchema;

use super::refusal::{By, Refusals, Refused};
use super::shape::Saved;
use super::{MAX_NAME, content, find, note, noted};
use crate::access::Caller;
use crate::query::Query;
use crate::{Api, Error, body, db};

/// What to change of a guardrail; what is left out stays.
#[derive(ToSchema)]
#[schema(example = json!({"checks": [{"id": "default.wordCount", "parameters": {"minWords": 1, "maxWords": 100}}]}))]
#[expect(dead_code, reason = "it says what is read from the body")]
pub(crate) struct GuardrailChange {
    #[schema(min_length = 1, max_length = 100)]
    name: Option<String>,
    /// In place of all that there are. A header may be sent as it was shown, masked: it stays.
    #[schema(value_type = Option<Vec<Object>>, min_items = 1, max_items = 50)]
    checks: Option<Vec<Value>>,
    /// In place of what there is.
    #[schema(value_type = Option<Object>)]
    actions: Option<Value>,
    /// The slug or id of the workspace that it is in.
    #[schema(min_length = 1, max_length = 100)]
    workspace_id: Option<String>,
}

struct Sent {
    name: Option<String>,
    checks: Option<Value>,
    actions: Option<Value>,
}

/// Changes what is sent; the next call sees it.
#[utoipa::path(put, path = "/v1/guardrails/{guardrail}", params(("guardrail" = String, Path)), request_body = GuardrailChange, responses((status = 200, body = Saved), Refusals))]
pub(crate) async fn update(
    By(caller): By,
    api: web::Data<Api>,
    named: web::Path<String>,
    query: Query,
    payload: web::Payload,
) -> Result<web::Json<Saved>, Refused> {
    query.none()?;
    let mut fields = body::object(payload).await?;
    let workspace = fields.line("workspace_id", MAX_NAME)?;
    let sent = Sent {
        name: fields.line("name", MAX_NAME)?,
        checks: fields.take("checks"),
        actions: fields.take("actions"),
    };
    fields.finish()?;
    let scope = caller.reach(&api, workspace.as_deref()).await?;
    let txn = api.db.begin().await?;
    // Whoever else changes it waits, so that none goes by what it said before.
    tenancy::organisation::hold(&txn, scope.organisation()).await?;
    let before = find(&txn, &scope, &named).await?;
    let after = change(&txn, &api, &caller, &before, sent).await?;
    let changed = json!({"from": noted(&before), "to": noted(&after)});
    note(&txn, &api, &caller, "guardrail.update", &after, changed).await?;
    txn.commit().await?;
    api.guardrails.invalidate(after.organisation_id, &after.slug);
    Ok(web::Json(Saved { id: after.id, slug: after.slug, version_id: after.version_id }))
}

/// Makes it so; how the guardrail is then.
async fn change(
    txn: &DatabaseTransaction,
    api: &Api,
    caller: &Caller,
    before: &Model,
    sent: Sent,
) -> Result<Model, Error> {
    let mut after = Model {
        updated_by: caller.id(),
        last_updated_at: api.clock.now_ms(),
        name: sent.name.unwrap_or_else(|| before.name.clone()),
        ..before.clone()
    };
    if sent.checks.is_some() || sent.actions.is_some() {
        let said = content::current(txn, api, before).await?;
        let content = Content {
            checks: sent.checks.unwrap_or_else(|| said.checks.clone()),
            actions: sent.actions.unwrap_or_else(|| said.actions.clone()),
        };
        let content = content::read(content, Some(&said))?;
        if content != said {
            let version = content::version(api, before, &content, after.updated_by)?;
            after.version_id = version.id;
            db::guardrail::insert_version(txn, version).await?;
        }
    }
    let change = ActiveModel {
        name: Set(after.name.clone()),
        version_id: Set(after.version_id),
        updated_by: Set(after.updated_by),
        last_updated_at: Set(after.last_updated_at),
        ..Default::default()
    };
    db::guardrail::update(txn, before, change).await?;
    Ok(after)
}
