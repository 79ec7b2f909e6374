use actix_web::web;
use sea_orm::TransactionTrait as _;
use serde_json::json;

use super::{find, subject};
use crate::access::Caller;
use crate::alerts::shape::DeletedWebhook;
use crate::query::Query;
use crate::{Api, Error, db};

/// Deletes a webhook, and the log of its deliveries; what is on its way is not sent.
#[utoipa::path(delete, path = "/v1/billing/alerts/webhooks/{id}", operation_id = "delete_webhook", params(("id" = Uuid, Path)), responses((status = 200, body = DeletedWebhook)))]
pub(crate) async fn delete(
    caller: Caller,
    api: web::Data<Api>,
    id: web::Path<String>,
    query: Query,
) -> Result<web::Json<DeletedWebhook>, Error> {
    query.none()?;
    let row = find(&api, &caller, &id).await?;
    let txn = api.db.begin().await?;
    if !db::webhook_endpoint::delete(&txn, &caller.scope, row.id).await? {
        return Err(Error::not_found("webhook", id.as_str()));
    }
    caller.note(&txn, &api, "webhook.delete", subject(row.id), json!({"url": row.url})).await?;
    txn.commit().await?;
    Ok(web::Json(DeletedWebhook::of(row.id)))
}
