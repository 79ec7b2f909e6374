use actix_web::web;

use crate::access::Caller;
use crate::alerts::shape::Webhook;
use crate::paging::List;
use crate::query::Query;
use crate::{Api, Error, db};

/// The organisation's webhooks, the oldest first.
#[utoipa::path(get, path = "/v1/billing/alerts/webhooks", operation_id = "webhooks", responses((status = 200, body = List<Webhook>)))]
pub(crate) async fn list(
    caller: Caller,
    api: web::Data<Api>,
    query: Query,
) -> Result<web::Json<List<Webhook>>, Error> {
    query.none()?;
    let rows = db::webhook_endpoint::list(&api.db, &caller.scope).await?;
    Ok(web::Json(List::new(rows.len() as u64, rows.into_iter().map(Webhook::of).collect())))
}
