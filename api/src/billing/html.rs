//! An invoice on paper: one page without anything from elsewhere.

use actix_web::HttpResponse;
use actix_web::http::header;
use askama::Template;
use billing::invoice::{grouped, money};

use super::shape::Invoice;
use crate::Error;
use crate::instant::iso;

/// Nothing is loaded, and nothing runs.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'";

#[derive(Template)]
#[template(path = "invoice.html")]
pub(super) struct Page {
    invoice: Invoice,
    title: String,
    /// When it became final, or as of when it is what it is.
    date: String,
    logs: String,
    total: String,
    lines: Vec<Row>,
}

struct Row {
    description: String,
    quantity: i64,
    unit: String,
    amount: String,
}

impl Page {
    pub fn of(invoice: Invoice, now_ms: i64) -> Self {
        let lines = invoice.lines.iter().map(|line| Row {
            description: line.description.clone(),
            quantity: line.quantity,
            unit: money(line.unit_price_cents),
            amount: money(line.amount_cents),
        });
        let summary = &invoice.summary;
        let title = match summary.number {
            Some(number) => format!("Invoice {number}"),
            None => format!("Invoice for {}, not final", summary.month),
        };
        Self {
            lines: lines.collect(),
            title,
            date: day(summary.finalised_at.as_deref().unwrap_or(&iso(now_ms))).to_owned(),
            logs: grouped(summary.logs.unsigned_abs()),
            total: money(summary.total_cents),
            invoice,
        }
    }

    pub fn answer(&self) -> Result<HttpResponse, Error> {
        let page = self.render().map_err(Error::internal)?;
        let mut response = HttpResponse::Ok();
        response
            .content_type("text/html; charset=utf-8")
            .insert_header((header::CONTENT_SECURITY_POLICY, POLICY))
            .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
            .insert_header((header::CACHE_CONTROL, "private, no-store"))
            .insert_header((header::VARY, "accept"));
        Ok(response.body(page))
    }
}

/// The day of an ISO time.
fn day(time: &str) -> &str {
    time.split('T').next().unwrap_or_default()
}
