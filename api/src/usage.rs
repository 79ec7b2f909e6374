//! The month's meter of an organisation.

use actix_web::web;
use plans::Month;
use serde::Serialize;
use utoipa::{OpenApi, ToSchema};

use crate::access::Caller;
use crate::query::Query;
use crate::{Api, Error, instant};

/// The part of the document.
#[derive(OpenApi)]
#[openapi(paths(get))]
pub(crate) struct Doc;

#[derive(Serialize, ToSchema)]
pub(crate) struct Usage {
    /// Always `usage`.
    object: &'static str,
    plan: &'static str,
    period: Period,
    /// Logs recorded.
    used: i64,
    /// In the plan's price; null: unlimited.
    included: Option<u64>,
    /// Where recording stops; null: nowhere.
    limit: Option<u64>,
    /// Calls answered past the limit, whose logs were not recorded.
    dropped: i64,
    /// Calls answered while there was no room to record them.
    unrecorded: i64,
    /// Logs that were past their retention before they could be stored.
    expired: i64,
    overage_blocks: i64,
    overage: Option<Overage>,
    #[schema(format = DateTime)]
    resets_at: String,
    what_counts: &'static str,
}

#[derive(Serialize, ToSchema)]
struct Period {
    /// As `2026-11`.
    month: String,
    #[schema(format = DateTime)]
    start: String,
    /// The first moment that is not in it.
    #[schema(format = DateTime)]
    end: String,
}

#[derive(Serialize, ToSchema)]
struct Overage {
    block_logs: u64,
    block_price_cents: u64,
}

/// What the organisation has used of its plan this month.
#[utoipa::path(get, path = "/v1/usage", responses((status = 200, body = Usage)))]
pub(crate) async fn get(
    caller: Caller,
    api: web::Data<Api>,
    query: Query,
) -> Result<web::Json<Usage>, Error> {
    query.none()?;
    let month = Month::of(api.clock.now_ms());
    let meter = logstore::query::usage(&api.db, &caller.scope, month).await?;
    let count = |read: fn(&entity::usage::Model) -> i64| meter.as_ref().map_or(0, read);
    let terms = &caller.tenant.terms;
    let end = instant::iso(month.end_ms());
    Ok(web::Json(Usage {
        object: "usage",
        plan: caller.tenant.plan.as_str(),
        period: Period { month: month.to_string(), start: instant::iso(month.start_ms()), end: end.clone() },
        used: count(|meter| meter.used),
        included: terms.included,
        limit: terms.limit(),
        dropped: count(|meter| meter.dropped),
        unrecorded: count(|meter| meter.unrecorded),
        expired: count(|meter| meter.expired),
        overage_blocks: count(|meter| meter.overage_blocks),
        overage: terms.overage.map(|overage| Overage {
            block_logs: overage.block_logs,
            block_price_cents: overage.block_price_cents,
        }),
        resets_at: end,
        what_counts: "Every log recorded in the month, of a gateway call or inserted, whatever its status.",
    }))
}
