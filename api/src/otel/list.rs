use actix_web::web;

use super::shape::Destination;
use crate::access::Caller;
use crate::paging::List;
use crate::query::Query;
use crate::{Api, Error, db};

/// Where spans go, the oldest first.
///
/// A workspace's key sees its workspace's.
#[utoipa::path(get, path = "/v1/otel/destinations", operation_id = "destinations", responses((status = 200, body = List<Destination>)))]
pub(crate) async fn list(
    caller: Caller,
    api: web::Data<Api>,
    query: Query,
) -> Result<web::Json<List<Destination>>, Error> {
    query.none()?;
    let rows = db::otel_destination::list(&api.db, &caller.scope).await?;
    let mut waiting = exports::outbox::waiting(&api.db, rows.iter().map(|row| row.id)).await?;
    let now_ms = api.clock.now_ms();
    let shape = |row: entity::otel_destination::Model| {
        let waiting = waiting.remove(&row.id).unwrap_or_default();
        Destination::of(row, waiting, now_ms)
    };
    Ok(web::Json(List::new(rows.len() as u64, rows.into_iter().map(shape).collect())))
}
