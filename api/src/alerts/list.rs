use actix_web::web;

use super::DEFAULT_SIZE;
use super::shape::Alert;
use crate::access::Caller;
use crate::paging::{List, Paging};
use crate::query::Query;
use crate::{Api, Error, db};

/// What the organisation was alerted to, newest first, and how far each delivery of it is.
///
/// An alert is raised once for its threshold and period. A page has 50 unless the caller says otherwise.
#[utoipa::path(get, path = "/v1/billing/alerts", operation_id = "alerts", params(Paging), responses((status = 200, body = List<Alert>)))]
pub(crate) async fn list(
    caller: Caller,
    api: web::Data<Api>,
    query: Query,
) -> Result<web::Json<List<Alert>>, Error> {
    let mut query = query.parameters()?;
    let paging = Paging::take(&mut query, DEFAULT_SIZE)?;
    query.finish()?;
    let (total, rows) = db::alert::list(&api.db, &caller.scope, paging).await?;
    let mut deliveries = db::alert::deliveries_of(&api.db, &caller.scope, &rows).await?;
    let alert = |row: entity::alert::Model| {
        let deliveries = deliveries.remove(&row.id).unwrap_or_default();
        Alert::of(row, deliveries)
    };
    Ok(web::Json(List::new(total, rows.into_iter().map(alert).collect())))
}
