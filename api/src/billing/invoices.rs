use actix_web::web;
use plans::Month;

use super::invoice::of_row;
use super::shape::{Invoice, Summary};
use crate::access::Caller;
use crate::paging::{List, Paging};
use crate::query::Query;
use crate::{Api, Error, db};

/// Invoices of a page when the caller does not say.
const DEFAULT_SIZE: u64 = 50;

/// The organisation's invoices: this month's as it is by now, then those that were made, newest first.
///
/// A page has 50 unless the caller says otherwise.
#[utoipa::path(get, path = "/v1/billing/invoices", operation_id = "invoices", params(Paging), responses((status = 200, body = List<Summary>)))]
pub(crate) async fn list(
    caller: Caller,
    api: web::Data<Api>,
    query: Query,
) -> Result<web::Json<List<Summary>>, Error> {
    let mut query = query.parameters()?;
    let paging = Paging::take(&mut query, DEFAULT_SIZE)?;
    query.finish()?;
    let organisation = db::organisation::get(&api.db, &caller.scope).await?;
    let gathering = gathering(&api, &caller).await?;
    let live = u64::try_from(gathering.len()).unwrap_or(u64::MAX);

    let mut data = Vec::new();
    let shown = gathering.into_iter().skip(usize::try_from(paging.offset()).unwrap_or(usize::MAX));
    for month in shown.take(usize::try_from(paging.size).unwrap_or(usize::MAX)) {
        let document = billing::live(&api.db, &organisation, month, &api.plan_overrides).await?;
        data.push(Invoice::of(document, None).summary);
    }
    let left = paging.size.saturating_sub(u64::try_from(data.len()).unwrap_or(u64::MAX));
    let (total, rows) =
        db::invoice::list(&api.db, &caller.scope, paging.offset().saturating_sub(live), left).await?;
    for row in rows {
        data.push(of_row(&api, &organisation, &row).await?.summary);
    }
    Ok(web::Json(List::new(total + live, data)))
}

/// The months that are not drafted yet, newest first: this one, and those that ended a moment ago.
pub(super) async fn gathering(api: &Api, caller: &Caller) -> Result<Vec<Month>, Error> {
    let (organisation, now) = (caller.scope.organisation(), Month::of(api.clock.now_ms()));
    let open = billing::open_months(&api.db, organisation, now.previous(), &api.plan_overrides).await?;
    let drafted = db::invoice::drafts(&api.db, &caller.scope).await?;
    let mut months: Vec<Month> =
        open.into_iter().filter(|month| !drafted.contains(&month.as_i32())).collect();
    months.push(now);
    months.reverse();
    Ok(months)
}
