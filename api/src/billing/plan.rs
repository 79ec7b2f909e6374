use actix_web::web;
use entity::organisation;
use plans::{CATALOGUE_VERSION, NOTICE_MS, Plan};
use serde::Serialize;
use tenancy::PlanOverrides;
use utoipa::ToSchema;

use super::shape::{Offer, Terms};
use crate::access::Caller;
use crate::instant::iso;
use crate::query::Query;
use crate::{Api, Error, body, db};

/// What the organisation is on, what is to come, and how far its bill may grow.
#[derive(Serialize, ToSchema)]
pub(crate) struct BillingPlan {
    /// Always `plan`.
    object: &'static str,
    plan: &'static str,
    /// As they hold now, within the cap.
    terms: Terms,
    /// A change that is to come.
    next: Option<Next>,
    /// What becomes of calls past the limit: `pass` (unrecorded) or `reject`.
    over_quota: String,
    /// Blocks of overage a month at the most.
    cap_blocks: Option<i64>,
    /// US dollars of overage a month at the most.
    cap_usd: Option<f64>,
    /// `good`, `past_due`, `restricted` or `suspended`.
    standing: String,
    #[schema(format = DateTime)]
    standing_since: Option<String>,
    /// Logs that are shown now and will not be for much longer.
    retention_notice: Option<Notice>,
    /// Always `USD`.
    currency: &'static str,
    catalogue_version: &'static str,
    /// The plans that can be had without a contract.
    catalogue: Vec<Offer>,
}

#[derive(Serialize, ToSchema)]
struct Next {
    plan: &'static str,
    #[schema(format = DateTime)]
    from: String,
    terms: Terms,
}

#[derive(Serialize, ToSchema)]
struct Notice {
    /// Null: unlimited.
    log_retention_days: Option<u32>,
    /// How many they will be.
    then_days: Option<u32>,
    #[schema(format = DateTime)]
    from: String,
}

/// The plan to be on.
#[derive(ToSchema)]
#[schema(example = json!({"plan": "production"}))]
#[expect(dead_code, reason = "it says what is read from the body")]
pub(crate) struct PlanChange {
    /// `developer` or `production`; Enterprise is by contract.
    #[schema(pattern = "^(developer|production)$")]
    plan: String,
}

/// The organisation's plan, its terms and its limits.
#[utoipa::path(get, path = "/v1/billing/plan", operation_id = "plan", responses((status = 200, body = BillingPlan)))]
pub(crate) async fn get(
    caller: Caller,
    api: web::Data<Api>,
    query: Query,
) -> Result<web::Json<BillingPlan>, Error> {
    query.none()?;
    let row = db::organisation::get(&api.db, &caller.scope).await?;
    Ok(web::Json(BillingPlan::of(&row, &api)?))
}

/// Puts the organisation on another plan.
///
/// On a larger one at once: its price is shared by the second, its logs are all included. On a smaller one at the end of this
/// month, with the longer retention for 7 days more. Named again, the plan that it is on takes a change back that is to come.
#[utoipa::path(put, path = "/v1/billing/plan", operation_id = "update_plan", request_body = PlanChange, responses((status = 200, body = BillingPlan)))]
pub(crate) async fn put(
    caller: Caller,
    api: web::Data<Api>,
    query: Query,
    payload: web::Payload,
) -> Result<web::Json<BillingPlan>, Error> {
    query.none()?;
    let mut fields = body::object(payload).await?;
    let expected = "developer or production";
    let plan = fields.line("plan", 40)?;
    let plan = fields.required("plan", plan, expected)?;
    fields.finish()?;
    let plan: Plan = plan.parse().map_err(|_| Error::invalid("plan", format!("found `{plan}`"), expected))?;
    let (organisation, author) = (caller.scope.organisation(), caller.author());
    let now_ms = api.clock.now_ms();
    let row = billing::request(&api.db, &api.ids, now_ms, author, organisation, plan).await?;
    api.forget_organisation(organisation);
    Ok(web::Json(BillingPlan::of(&row, &api)?))
}

impl BillingPlan {
    pub fn of(row: &organisation::Model, api: &Api) -> Result<Self, Error> {
        let (now_ms, of_plans) = (api.clock.now_ms(), &api.plan_overrides);
        let (plan, terms) = tenancy::terms(row, of_plans, now_ms)?;
        Ok(Self {
            object: "plan",
            plan: plan.as_str(),
            terms: Terms::of(&terms),
            next: Next::of(row, of_plans, now_ms)?,
            over_quota: row.over_quota.clone(),
            cap_blocks: row.cap_blocks,
            cap_usd: row.cap_cents.map(dollars),
            standing: row.standing.clone(),
            standing_since: row.standing_since.map(iso),
            retention_notice: Notice::of(row, of_plans, now_ms)?,
            currency: "USD",
            catalogue_version: CATALOGUE_VERSION,
            catalogue: Offer::all(of_plans),
        })
    }
}

impl Next {
    fn of(row: &organisation::Model, of_plans: &PlanOverrides, now_ms: i64) -> Result<Option<Self>, Error> {
        let Some(at_ms) = row.next_plan_at.filter(|at| *at > now_ms) else { return Ok(None) };
        let (plan, terms) = tenancy::terms(row, of_plans, at_ms)?;
        Ok(Some(Self { plan: plan.as_str(), from: iso(at_ms), terms: Terms::of(&terms) }))
    }
}

impl Notice {
    /// Of a change that is to come, or whose notice is not over.
    fn of(row: &organisation::Model, of_plans: &PlanOverrides, now_ms: i64) -> Result<Option<Self>, Error> {
        let Some(at_ms) = row.next_plan_at.filter(|at| now_ms < at + NOTICE_MS) else { return Ok(None) };
        let (_, then) = tenancy::terms(row, of_plans, at_ms)?;
        let Some(notice) = then.notice else { return Ok(None) };
        let shorter = match (notice.log_retention_days, then.log_retention_days) {
            (Some(now), Some(then)) => then < now,
            (None, Some(_)) => true,
            (_, None) => false,
        };
        Ok(shorter.then(|| Self {
            log_retention_days: notice.log_retention_days,
            then_days: then.log_retention_days,
            from: iso(notice.until_ms),
        }))
    }
}

#[expect(clippy::cast_precision_loss, reason = "caps are far below what an f64 holds exactly")]
fn dollars(cents: i64) -> f64 {
    cents as f64 / 100.0
}
