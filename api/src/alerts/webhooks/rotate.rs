use actix_web::web;
use entity::webhook_endpoint::ActiveModel;
use sea_orm::{Set, TransactionTrait as _};
use serde_json::json;

use super::{find, subject};
use crate::access::Caller;
use crate::alerts::shape::WebhookWithSecret;
use crate::query::Query;
use crate::{Api, Error, db};

/// Gives a webhook a new secret, which is in this answer and nowhere else.
///
/// For a day webhooks are signed with both, the former secret's signature after the new one's in `webhook-signature`.
#[utoipa::path(post, path = "/v1/billing/alerts/webhooks/{id}/rotate", operation_id = "rotate_webhook", params(("id" = Uuid, Path)), responses((status = 200, body = WebhookWithSecret)))]
pub(crate) async fn rotate(
    caller: Caller,
    api: web::Data<Api>,
    id: web::Path<String>,
    query: Query,
) -> Result<web::Json<WebhookWithSecret>, Error> {
    query.none()?;
    let row = find(&api, &caller, &id).await?;
    let now_ms = api.clock.now_ms();
    let secret = ::alerts::make_secret(&api.ids).map_err(Error::internal)?;
    let sealed = ::alerts::seal_secret(&api.vault, &secret, row.organisation_id, row.id);
    let change = ActiveModel {
        secret: Set(sealed.map_err(Error::internal)?),
        former_secret: Set(Some(row.secret.clone())),
        former_until: Set(Some(now_ms.saturating_add(::alerts::FORMER_SECRET_MS))),
        last_updated_at: Set(now_ms),
        ..Default::default()
    };
    let txn = api.db.begin().await?;
    if !db::webhook_endpoint::update(&txn, &caller.scope, row.id, change).await? {
        return Err(Error::not_found("webhook", id.as_str()));
    }
    caller.note(&txn, &api, "webhook.rotate", subject(row.id), json!({})).await?;
    txn.commit().await?;
    let row = entity::webhook_endpoint::Model { last_updated_at: now_ms, ..row };
    Ok(web::Json(WebhookWithSecret::of(row, &secret)))
}
