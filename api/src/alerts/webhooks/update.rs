use actix_web::web;
use entity::webhook_endpoint::ActiveModel;
use sea_orm::{Set, TransactionTrait as _};
use serde_json::json;
use utoipa::ToSchema;

use super::{events, find, subject, take_events, take_url};
use crate::access::Caller;
use crate::alerts::shape::Webhook;
use crate::fields::{Fields, Sent};
use crate::query::Query;
use crate::{Api, Error, body, db};

/// What to change of a webhook; what is left out stays.
#[derive(ToSchema)]
#[schema(example = json!({"status": "paused"}))]
#[expect(dead_code, reason = "it says what is read from the body")]
pub(crate) struct WebhookChange {
    /// An https URL without a query.
    #[schema(min_length = 1, max_length = 2048)]
    url: Option<String>,
    #[schema(schema_with = events)]
    events: Option<Vec<String>>,
    /// `active`, or `paused`: then nothing is sent, and what is on its way waits.
    #[schema(pattern = "^(active|paused)$")]
    status: Option<String>,
}

/// Changes what is sent; deliveries that are on their way go by it too.
#[utoipa::path(put, path = "/v1/billing/alerts/webhooks/{id}", operation_id = "update_webhook", params(("id" = Uuid, Path)), request_body = WebhookChange, responses((status = 200, body = Webhook)))]
pub(crate) async fn update(
    caller: Caller,
    api: web::Data<Api>,
    id: web::Path<String>,
    query: Query,
    payload: web::Payload,
) -> Result<web::Json<Webhook>, Error> {
    query.none()?;
    let change = read(body::object(payload).await?, &api)?;
    let before = find(&api, &caller, &id).await?;
    let txn = api.db.begin().await?;
    if !db::webhook_endpoint::update(&txn, &caller.scope, before.id, change).await? {
        return Err(Error::not_found("webhook", id.as_str()));
    }
    let after = db::webhook_endpoint::find(&txn, &caller.scope, before.id).await?;
    let after = after.ok_or_else(|| Error::not_found("webhook", id.as_str()))?;
    let shown = |row: &entity::webhook_endpoint::Model| json!({"url": row.url, "events": row.events, "status": row.status});
    let noted = json!({"from": shown(&before), "to": shown(&after)});
    caller.note(&txn, &api, "webhook.update", subject(before.id), noted).await?;
    txn.commit().await?;
    Ok(web::Json(Webhook::of(after)))
}

fn read(mut fields: Fields, api: &Api) -> Result<ActiveModel, Error> {
    let mut change = ActiveModel { last_updated_at: Set(api.clock.now_ms()), ..Default::default() };
    if let Some(url) = take_url(&mut fields, api.reach)? {
        change.url = Set(url);
    }
    if let Sent::As(events) = take_events(&mut fields)? {
        change.events = Set(events);
    }
    if let Some(status) = fields.status()? {
        change.status = Set(status.to_owned());
    }
    fields.finish()?;
    Ok(change)
}
