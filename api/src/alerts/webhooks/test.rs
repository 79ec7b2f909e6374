use actix_web::web;

use super::find;
use crate::access::Caller;
use crate::alerts::shape::Delivery;
use crate::query::Query;
use crate::{Api, Error, db};

/// Sends a webhook of the type `webhook.test`, whatever events it is for.
///
/// It goes out within seconds, as alerts do; while one is on its way there is no second.
#[utoipa::path(post, path = "/v1/billing/alerts/webhooks/{id}/test", operation_id = "test_webhook", params(("id" = Uuid, Path)), responses((status = 200, body = Delivery)))]
pub(crate) async fn test(
    caller: Caller,
    api: web::Data<Api>,
    id: web::Path<String>,
    query: Query,
) -> Result<web::Json<Delivery>, Error> {
    query.none()?;
    let endpoint = find(&api, &caller, &id).await?;
    if let Some(pending) = db::alert::pending_test(&api.db, &caller.scope, endpoint.id).await? {
        return Ok(web::Json(Delivery::of(pending, None)));
    }
    let row = ::alerts::delivery::to_webhook(&api.ids, api.clock.now_ms(), &endpoint, None);
    db::alert::insert_delivery(&api.db, row.clone()).await?;
    Ok(web::Json(Delivery::of(row, None)))
}
