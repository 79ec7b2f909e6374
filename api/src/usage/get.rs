use actix_web::{HttpResponse, web};
use logstore::statistics::{self, Dimension};
use plans::{Month, Opened, Terms};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::breakdown::{self, Part};
use crate::access::Caller;
use crate::query::Query;
use crate::{Api, Error, instant};

/// Of which month, and told apart by what.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "it says what is read from the query")]
struct Asked {
    /// As `2026-11`, in UTC; left out, the one that is running.
    #[param(pattern = "^[0-9]{4}-[0-9]{2}$")]
    month: Option<String>,
    /// A comma list of `day`, `workspace`, `key` and `model`: the answer has a `breakdown`.
    by: Option<String>,
    /// `json`, or `csv`: the breakdown alone, by day where `by` is left out.
    #[param(pattern = "^(json|csv)$")]
    format: Option<String>,
}

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
    /// Blocks that are open: each is owed from its first log on.
    overage_blocks: i64,
    /// Their price.
    overage_cents: u64,
    overage: Option<Overage>,
    /// Null: no further block will be opened in the month.
    next_block: Option<NextBlock>,
    /// Where the running month leads to, at its rate so far; null for another month.
    projection: Option<Projection>,
    /// Of what the caller may see: a workspace's key sees its workspace.
    #[serde(skip_serializing_if = "Option::is_none")]
    breakdown: Option<Vec<Part>>,
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

#[derive(Serialize, ToSchema)]
struct NextBlock {
    /// The log of the month that opens it, counted from 1.
    opens_with_log: u64,
    /// Logs that can be recorded before that.
    logs_left: u64,
    price_cents: u64,
}

#[derive(Serialize, ToSchema)]
struct Projection {
    /// Logs recorded by the month's end.
    used: u64,
    overage_blocks: u64,
    overage_cents: u64,
}

/// What the organisation has used of its plan in a month, what it comes to, and where it went.
///
/// A call through the gateway is one log, whatever its retries and fallbacks; answers from the cache, failed calls and Do Not
/// Track calls count, and so do inserted logs. A log counts in the calendar month (UTC) in which its call was received.
#[utoipa::path(
    get,
    path = "/v1/usage",
    params(Asked),
    responses((status = 200, content((Usage = "application/json"), (String = "text/csv"))))
)]
pub(crate) async fn get(caller: Caller, api: web::Data<Api>, query: Query) -> Result<HttpResponse, Error> {
    let mut query = query.parameters()?;
    let now_ms = api.clock.now_ms();
    let running = Month::of(now_ms);
    let expected = format!("a month up to {running}");
    let month = query.parsed("month", |month| *month <= running, &expected)?.unwrap_or(running);
    let by = dimensions(query.items("by", dimension, "day, workspace, key or model")?);
    let format: Option<String> = query.parsed(
        "format",
        |format: &String| ["json", "csv"].contains(&format.as_str()),
        "json or csv",
    )?;
    query.finish()?;
    if format.as_deref() == Some("csv") {
        let by = if by.is_empty() { vec![Dimension::Day] } else { by };
        let parts = breakdown::parts(&api, &caller, month, &by).await?;
        let csv = breakdown::csv(&by, &parts)?;
        return Ok(HttpResponse::Ok().content_type("text/csv; charset=utf-8").body(csv));
    }
    let breakdown =
        if by.is_empty() { None } else { Some(breakdown::parts(&api, &caller, month, &by).await?) };
    let meter = logstore::query::usage(&api.db, &caller.scope, month).await?;
    let opened = statistics::opened(&api.db, &caller.scope, month).await?;
    let count = |read: fn(&entity::usage::Model) -> i64| meter.as_ref().map_or(0, read);
    let used = u64::try_from(count(|meter| meter.used)).unwrap_or(0);
    let terms = &caller.tenant.terms;
    let end = instant::iso(month.end_ms());
    let projection = (month == running).then(|| terms.projection(month, now_ms, used, opened));
    Ok(HttpResponse::Ok().json(Usage {
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
        overage_cents: opened.cents,
        overage: terms.overage.map(|overage| Overage {
            block_logs: overage.block_logs,
            block_price_cents: overage.block_price_cents,
        }),
        next_block: next_block(terms, used, opened),
        projection: projection.map(|projection| Projection {
            used: projection.logs,
            overage_blocks: projection.blocks,
            overage_cents: projection.overage_cents,
        }),
        breakdown,
        resets_at: end,
        what_counts: billing::invoice::WHAT_COUNTS,
    }))
}

/// The block after those that are open, unless recording stops before it.
fn next_block(terms: &Terms, used: u64, opened: Opened) -> Option<NextBlock> {
    let covered = opened.last_log.max(used).max(terms.included?);
    let block = terms.blocks_to(covered + 1, covered, opened.blocks).next()?;
    (terms.admit(covered, 1) == 1).then(|| NextBlock {
        opens_with_log: block.first_log,
        logs_left: covered - used,
        price_cents: block.price_cents,
    })
}

fn dimension(name: &str) -> Option<Dimension> {
    Dimension::all().find(|dimension| dimension.as_str() == name)
}

/// Each once, in the order of the first of them.
fn dimensions(named: Vec<Dimension>) -> Vec<Dimension> {
    let mut by = Vec::new();
    for dimension in named {
        if !by.contains(&dimension) {
            by.push(dimension);
        }
    }
    by
}
