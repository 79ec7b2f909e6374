use actix_web::web;
use entity::webhook_endpoint;
use sea_orm::TransactionTrait as _;
use sea_orm::prelude::Json;
use serde_json::json;
use utoipa::ToSchema;

use super::{MAX_WEBHOOKS, events, subject, take_events, take_url};
use crate::access::Caller;
use crate::alerts::shape::WebhookWithSecret;
use crate::query::Query;
use crate::{Api, Error, body, db};

/// Where to send alerts.
#[derive(ToSchema)]
#[schema(example = json!({"url": "https://hooks.example.com/turnpike", "events": ["usage.allowance_reached"]}))]
#[expect(dead_code, reason = "it says what is read from the body")]
pub(crate) struct NewWebhook {
    /// An https URL without a query.
    #[schema(min_length = 1, max_length = 2048)]
    url: String,
    #[schema(schema_with = events)]
    events: Option<Vec<String>>,
}

/// Has alerts sent to a URL from now on.
///
/// A webhook is a POST of `{"type", "timestamp", "data"}`, signed as Standard Webhooks has it, in the headers `webhook-id`,
/// `webhook-timestamp` and `webhook-signature`, with the secret that is in this answer and nowhere else. Any answer but 2xx within
/// 10 s is tried again after 5 s, 30 s, 2 min, 10 min, 1 h, 6 h and 24 h; one that was taken and whose answer was lost comes again
/// under the same `webhook-id`. An organisation may have 10.
#[utoipa::path(post, path = "/v1/billing/alerts/webhooks", operation_id = "create_webhook", request_body = NewWebhook, responses((status = 200, body = WebhookWithSecret)))]
pub(crate) async fn create(
    caller: Caller,
    api: web::Data<Api>,
    query: Query,
    payload: web::Payload,
) -> Result<web::Json<WebhookWithSecret>, Error> {
    query.none()?;
    let mut fields = body::object(payload).await?;
    let url = take_url(&mut fields, api.reach)?;
    let events = take_events(&mut fields)?.value().unwrap_or_else(|| Json::Array(Vec::new()));
    let url = fields.required("url", url, "a URL such as https://hooks.example.com/turnpike")?;
    fields.finish()?;
    let (id, organisation_id, now_ms) = (api.ids.fresh(), caller.scope.organisation(), api.clock.now_ms());
    let secret = ::alerts::make_secret(&api.ids).map_err(Error::internal)?;
    let sealed = ::alerts::seal_secret(&api.vault, &secret, organisation_id, id).map_err(Error::internal)?;
    let row = webhook_endpoint::Model {
        id,
        organisation_id,
        url,
        events,
        secret: sealed,
        former_secret: None,
        former_until: None,
        status: "active".to_owned(),
        created_at: now_ms,
        last_updated_at: now_ms,
    };
    let txn = api.db.begin().await?;
    // Whoever else makes one waits, so that they are counted one after the other.
    tenancy::organisation::hold(&txn, organisation_id).await?;
    if db::webhook_endpoint::count(&txn, &caller.scope).await? >= MAX_WEBHOOKS {
        txn.rollback().await?;
        let problem = format!("there are {MAX_WEBHOOKS} webhooks already");
        return Err(Error::invalid("url", problem, format!("at most {MAX_WEBHOOKS} of an organisation")));
    }
    db::webhook_endpoint::insert(&txn, row.clone()).await?;
    let change = json!({"url": row.url, "events": row.events});
    caller.note(&txn, &api, "webhook.create", subject(id), change).await?;
    txn.commit().await?;
    Ok(web::Json(WebhookWithSecret::of(row, &secret)))
}
