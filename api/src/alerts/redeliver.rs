use actix_web::web;

use super::shape::Delivery;
use crate::access::Caller;
use crate::query::Query;
use crate::{Api, Error, db, path};

/// Makes a delivery once more, with as many attempts as the first time, and under the same id.
#[utoipa::path(post, path = "/v1/billing/alerts/deliveries/{id}/redeliver", operation_id = "redeliver_alert", params(("id" = Uuid, Path)), responses((status = 200, body = Delivery)))]
pub(crate) async fn redeliver(
    caller: Caller,
    api: web::Data<Api>,
    id: web::Path<String>,
    query: Query,
) -> Result<web::Json<Delivery>, Error> {
    query.none()?;
    let uuid = path::id(&id)?;
    let again = ::alerts::delivery::again(api.clock.now_ms());
    let found = db::alert::update_delivery(&api.db, &caller.scope, uuid, again).await?;
    let row = if found { db::alert::find_delivery(&api.db, &caller.scope, uuid).await? } else { None };
    let (row, alert) = row.ok_or_else(|| Error::not_found("delivery", id.as_str()))?;
    Ok(web::Json(Delivery::of(row, alert.as_ref())))
}
