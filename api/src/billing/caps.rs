use actix_web::web;
use billing::{Cap, Limits};
use serde_json::Value;
use tenancy::OverQuota;
use utoipa::ToSchema;

use super::plan::BillingPlan;
use crate::access::Caller;
use crate::fields::{Fields, Sent, shown};
use crate::query::Query;
use crate::{Api, Error, body};

/// The largest cap, in blocks and in US dollars.
const MAX_BLOCKS: i64 = 1_000_000;
const MAX_USD: f64 = 10_000_000.0;

/// What to change; what is left out stays.
#[derive(ToSchema)]
#[schema(example = json!({"over_quota": "pass", "cap_blocks": 10}))]
#[expect(dead_code, reason = "it says what is read from the body")]
pub(crate) struct Caps {
    /// What becomes of calls past the limit: `pass` (unrecorded) or `reject`.
    #[schema(pattern = "^(pass|reject)$")]
    over_quota: Option<String>,
    /// Blocks of overage a month at the most; takes the place of `cap_usd`. Null takes the cap away.
    #[schema(minimum = 0, maximum = 1_000_000)]
    cap_blocks: Option<i64>,
    /// US dollars of overage a month at the most, in whole cents; takes the place of `cap_blocks`. Null takes the cap away.
    #[schema(minimum = 0, maximum = 10_000_000)]
    cap_usd: Option<f64>,
}

/// Says how much overage there may be a month, and what becomes of calls past the limit.
///
/// A cap is in blocks or in US dollars. The next logs see it; blocks that are open stay open.
#[utoipa::path(put, path = "/v1/billing/caps", operation_id = "update_caps", request_body = Caps, responses((status = 200, body = BillingPlan)))]
pub(crate) async fn put(
    caller: Caller,
    api: web::Data<Api>,
    query: Query,
    payload: web::Payload,
) -> Result<web::Json<BillingPlan>, Error> {
    query.none()?;
    let limits = read(body::object(payload).await?)?;
    let (organisation, author) = (caller.scope.organisation(), caller.author());
    let now_ms = api.clock.now_ms();
    let row = billing::set_limits(&api.db, &api.ids, now_ms, author, organisation, limits).await?;
    api.forget_organisation(organisation);
    Ok(web::Json(BillingPlan::of(&row, &api)?))
}

fn read(mut fields: Fields) -> Result<Limits, Error> {
    let over_quota = match fields.line("over_quota", 40)? {
        None => None,
        Some(text) => Some(
            text.parse::<OverQuota>()
                .map_err(|_| Error::invalid("over_quota", format!("found `{text}`"), "pass or reject"))?,
        ),
    };
    let blocks = fields.sent("cap_blocks").read(|value| blocks(&value))?;
    let cents = fields.sent("cap_usd").read(|value| cents(&value))?;
    fields.finish()?;
    let cap = match (blocks, cents) {
        (Sent::As(_), Sent::As(_)) => {
            return Err(Error::invalid("cap_usd", "given beside cap_blocks", "one of the two"));
        }
        (Sent::As(blocks), _) => Some(Cap::Blocks(blocks)),
        (_, Sent::As(cents)) => Some(Cap::Cents(cents)),
        (Sent::Null, _) | (_, Sent::Null) => Some(Cap::None),
        (Sent::Not, Sent::Not) => None,
    };
    Ok(Limits { over_quota, cap })
}

fn blocks(value: &Value) -> Result<i64, Error> {
    let number = value.as_f64().filter(|number| number.fract() == 0.0);
    #[expect(clippy::cast_possible_truncation, reason = "it is whole, and its bounds are looked at")]
    let blocks = number.map(|number| number as i64).filter(|blocks| (0..=MAX_BLOCKS).contains(blocks));
    let expected = "a whole number from 0 to 1000000, or null";
    blocks.ok_or_else(|| Error::invalid("cap_blocks", format!("found {}", shown(value)), expected))
}

/// A part of a cent that is given is left out: the bill is never above what was said.
fn cents(value: &Value) -> Result<i64, Error> {
    let usd = value.as_f64().filter(|usd| (0.0..=MAX_USD).contains(usd));
    // A little more, for 0.29 times 100 is 28.999...
    #[expect(clippy::cast_possible_truncation, reason = "its bounds were looked at")]
    let cents = usd.map(|usd| (usd * 100.0 + 1e-6).floor() as i64);
    let expected = "US dollars from 0 to 10000000, or null";
    cents.ok_or_else(|| Error::invalid("cap_usd", format!("found {}", shown(value)), expected))
}
