use std::collections::HashMap;

use actix_web::web;
use entity::feedback;
use sea_orm::TransactionTrait as _;
use serde_json::Value;

use super::body::{NewFeedbacks, opinion, trace_id};
use super::{FeedbackSaved, check};
use crate::access::Caller;
use crate::fields::Fields;
use crate::query::Query;
use crate::{Api, Error, body, db};

/// Feedbacks of one request.
const MAX_ENTRIES: usize = 100;

/// Characters of a workspace's slug or id.
const MAX_WORKSPACE: usize = 100;

/// Bytes of one request.
const MAX_BODY: usize = 2 << 20;

/// Says what is thought of the calls of a trace.
///
/// One, or an array of them: all or none. A trace may have several, and may be one whose logs are still to come.
#[utoipa::path(post, path = "/v1/feedback", request_body = NewFeedbacks, responses((status = 200, body = FeedbackSaved), (status = 402)))]
pub(crate) async fn create(
    caller: Caller,
    api: web::Data<Api>,
    query: Query,
    payload: web::Payload,
) -> Result<web::Json<FeedbackSaved>, Error> {
    query.none()?;
    check(&caller)?;
    let entries = body::entries(payload, MAX_BODY, MAX_ENTRIES, "feedbacks").await?;
    Ok(web::Json(save(&api, &caller, entries).await?))
}

/// Saves what a page's form says, as if it had been sent as JSON.
pub(crate) async fn save_one(api: &Api, caller: &Caller, entry: Value) -> Result<(), Error> {
    check(caller)?;
    save(api, caller, vec![(String::new(), entry)]).await.map(|_| ())
}

async fn save(api: &Api, caller: &Caller, entries: Vec<(String, Value)>) -> Result<FeedbackSaved, Error> {
    let now_ms = api.clock.now_ms();
    let mut rows: Vec<feedback::Model> = Vec::with_capacity(entries.len());
    let mut named = HashMap::new();
    for (at, entry) in entries {
        let mut fields = Fields::of(entry, &at)?;
        let workspace = fields.line("workspace_id", MAX_WORKSPACE)?;
        let workspace_id = match named.get(&workspace) {
            Some(id) => *id,
            None => caller.one_workspace(api, workspace.as_deref()).await?.id,
        };
        named.insert(workspace, workspace_id);
        let trace_id = trace_id(&mut fields)?;
        let opinion = opinion(fields)?;
        rows.push(feedback::Model {
            id: api.ids.fresh(),
            organisation_id: caller.scope.organisation(),
            workspace_id,
            trace_id,
            value: opinion.value,
            weight: opinion.weight.unwrap_or(1.0),
            metadata: opinion.metadata,
            created_at: now_ms,
            last_updated_at: now_ms,
        });
    }
    let feedback_ids = rows.iter().map(|row| row.id).collect();
    let txn = api.db.begin().await?;
    // What is written first: SQLite lets no transaction write that began by reading, once another has written.
    db::feedback::insert(&txn, &rows).await?;
    exports::outbox::add_feedback(&txn, &api.ids, &rows, now_ms).await?;
    txn.commit().await?;
    Ok(FeedbackSaved { status: "success", message: "Feedback saved", feedback_ids })
}
