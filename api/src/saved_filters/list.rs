use actix_web::web;

use super::shape::SavedFilter;
use crate::access::Caller;
use crate::paging::List;
use crate::query::Query;
use crate::{Api, Error, db};

/// The organisation's saved sets of filters, the newest first.
#[utoipa::path(get, path = "/v1/logs/filters", operation_id = "filters", responses((status = 200, body = List<SavedFilter>)))]
pub(crate) async fn list(
    caller: Caller,
    api: web::Data<Api>,
    query: Query,
) -> Result<web::Json<List<SavedFilter>>, Error> {
    query.none()?;
    let rows = db::saved_filter::list(&api.db, &caller.scope).await?;
    Ok(web::Json(List::new(rows.len() as u64, rows.into_iter().map(SavedFilter::from).collect())))
}
