use actix_web::web;

use super::find;
use crate::access::Caller;
use crate::alerts::DEFAULT_SIZE;
use crate::alerts::shape::Delivery;
use crate::paging::{List, Paging};
use crate::query::Query;
use crate::{Api, Error, db};

/// What was sent to a webhook and is to be, newest first.
///
/// A page has 50 unless the caller says otherwise.
#[utoipa::path(get, path = "/v1/billing/alerts/webhooks/{id}/deliveries", operation_id = "webhook_deliveries", params(("id" = Uuid, Path), Paging), responses((status = 200, body = List<Delivery>)))]
pub(crate) async fn deliveries(
    caller: Caller,
    api: web::Data<Api>,
    id: web::Path<String>,
    query: Query,
) -> Result<web::Json<List<Delivery>>, Error> {
    let mut query = query.parameters()?;
    let paging = Paging::take(&mut query, DEFAULT_SIZE)?;
    query.finish()?;
    let endpoint = find(&api, &caller, &id).await?;
    let (total, rows) = db::alert::deliveries_to(&api.db, &caller.scope, &endpoint, paging).await?;
    let data = rows.into_iter().map(|(row, alert)| Delivery::of(row, alert.as_ref())).collect();
    Ok(web::Json(List::new(total, data)))
}
