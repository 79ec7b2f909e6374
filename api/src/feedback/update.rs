use actix_web::web;
use entity::feedback::ActiveModel;
use sea_orm::{Set, TransactionTrait as _};

use super::body::{FeedbackChange, opinion};
use super::{FeedbackSaved, check};
use crate::access::Caller;
use crate::query::Query;
use crate::{Api, Error, body, db, path};

/// Changes a feedback: its value, and what else is sent.
#[utoipa::path(put, path = "/v1/feedback/{id}", params(("id" = Uuid, Path)), request_body = FeedbackChange, responses((status = 200, body = FeedbackSaved), (status = 402)))]
pub(crate) async fn update(
    caller: Caller,
    api: web::Data<Api>,
    id: web::Path<String>,
    query: Query,
    payload: web::Payload,
) -> Result<web::Json<FeedbackSaved>, Error> {
    query.none()?;
    check(&caller)?;
    let id = path::id(&id)?;
    if db::feedback::find(&api.db, &caller.scope, id).await?.is_none() {
        return Err(Error::not_found("feedback", id));
    }
    let mut fields = body::object(payload).await?;
    fields.fixed(&["trace_id"])?;
    let opinion = opinion(fields)?;
    let now_ms = api.clock.now_ms();
    let mut change =
        ActiveModel { value: Set(opinion.value), last_updated_at: Set(now_ms), ..Default::default() };
    if let Some(weight) = opinion.weight {
        change.weight = Set(weight);
    }
    if let Some(metadata) = opinion.metadata {
        change.metadata = Set(Some(metadata));
    }
    let txn = api.db.begin().await?;
    if !db::feedback::update(&txn, &caller.scope, id, change).await? {
        return Err(Error::not_found("feedback", id));
    }
    let row = db::feedback::find(&txn, &caller.scope, id).await?;
    exports::outbox::add_feedback(&txn, &api.ids, row.as_slice(), now_ms).await?;
    txn.commit().await?;
    Ok(web::Json(FeedbackSaved { status: "success", message: "Feedback updated", feedback_ids: vec![id] }))
}
