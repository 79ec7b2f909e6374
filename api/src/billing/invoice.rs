use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use entity::{invoice, organisation};
use plans::Month;

use super::html::Page;
use super::invoices::gathering;
use super::shape::Invoice;
use crate::access::Caller;
use crate::query::Query;
use crate::{Api, Error, db};

/// An invoice, by its id, its month (as `2026-11`) or, for this month's, as `gathering`.
///
/// Until it is final it is computed anew each time. To a browser, which asks for `text/html`, it is a page to be printed.
#[utoipa::path(get, path = "/v1/billing/invoices/{id}", operation_id = "invoice", params(("id" = String, Path)), responses((status = 200, content((Invoice = "application/json"), (String = "text/html")))))]
pub(crate) async fn get(
    caller: Caller,
    api: web::Data<Api>,
    id: web::Path<String>,
    query: Query,
    request: HttpRequest,
) -> Result<HttpResponse, Error> {
    query.none()?;
    let invoice = find(&api, &caller, &id).await?;
    let accept = request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok());
    if accept.is_some_and(|accept| accept.contains("text/html")) {
        return Page::of(invoice, api.clock.now_ms()).answer();
    }
    Ok(HttpResponse::Ok().insert_header((header::VARY, "accept")).json(invoice))
}

/// An invoice as a page to be printed; found as it is found as JSON.
#[utoipa::path(get, path = "/v1/billing/invoices/{id}/html", operation_id = "invoice_html", params(("id" = String, Path)), responses((status = 200, body = String, content_type = "text/html")))]
pub(crate) async fn html(
    caller: Caller,
    api: web::Data<Api>,
    id: web::Path<String>,
    query: Query,
) -> Result<HttpResponse, Error> {
    query.none()?;
    let invoice = find(&api, &caller, &id).await?;
    Page::of(invoice, api.clock.now_ms()).answer()
}

async fn find(api: &Api, caller: &Caller, id: &str) -> Result<Invoice, Error> {
    let not_found = || Error::not_found("invoice", id);
    let organisation = db::organisation::get(&api.db, &caller.scope).await?;
    let month = match id {
        "gathering" => Some(Month::of(api.clock.now_ms())),
        id => id.parse().ok(),
    };
    let row = if let Some(month) = month {
        db::invoice::of_month(&api.db, &caller.scope, month).await?
    } else {
        let expected = "a UUID, a month as 2026-11, or gathering";
        let id = id.parse().map_err(|_| Error::invalid("id", format!("found `{id}`"), expected))?;
        db::invoice::find(&api.db, &caller.scope, id).await?
    };
    match (row, month) {
        (Some(row), _) => of_row(api, &organisation, &row).await,
        (None, Some(month)) if gathering(api, caller).await?.contains(&month) => {
            let document = billing::live(&api.db, &organisation, month, &api.plan_overrides).await?;
            Ok(Invoice::of(document, None))
        }
        (None, _) => Err(not_found()),
    }
}

/// What is final is as it was frozen; a draft is what it would be now.
pub(super) async fn of_row(
    api: &Api,
    organisation: &organisation::Model,
    row: &invoice::Model,
) -> Result<Invoice, Error> {
    let frozen = || serde_json::from_value(row.document.clone()).map_err(Error::internal);
    let document = match Month::from_i32(row.month).filter(|_| row.finalised_at.is_none()) {
        Some(month) => billing::live(&api.db, organisation, month, &api.plan_overrides).await?,
        None => frozen()?,
    };
    Ok(Invoice::of(document, Some(row)))
}
