//! Limits as they are answered, with what is used of them.

use std::collections::HashMap;

use limits::{Budget, Limits, Spent};
use sea_orm::ConnectionTrait;
use sea_orm::prelude::*;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::instant;

/// A budget, and what is spent of it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = UsageLimitsState)]
pub(crate) struct UsageShown {
    /// `cost` or `tokens`.
    #[serde(rename = "type")]
    of: &'static str,
    /// USD, or tokens.
    credit_limit: u64,
    alert_threshold: Option<u64>,
    /// `weekly` or `monthly`.
    periodic_reset: Option<&'static str>,
    periodic_reset_days: Option<u16>,
    /// When the period ends; null: it does not.
    #[schema(format = DateTime)]
    next_usage_reset_at: Option<String>,
    /// USD or tokens spent in the period, by the logs that are stored.
    #[schema(value_type = f64)]
    current_usage: Value,
}

/// A rate limit.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = RateLimitState)]
pub(crate) struct RateShown {
    /// `requests` or `tokens`.
    #[serde(rename = "type")]
    of: &'static str,
    /// `rpm`, `rph` or `rpd`.
    unit: &'static str,
    value: u64,
}

/// All limits of one thing.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shown {
    pub usage: Vec<UsageShown>,
    pub rates: Vec<RateShown>,
    /// A budget is spent.
    pub exhausted: bool,
}

/// The limits of these, by id, as they are now.
pub(crate) async fn of(
    db: &impl ConnectionTrait,
    subjects: impl IntoIterator<Item = Uuid>,
    now_ms: i64,
) -> Result<HashMap<Uuid, Shown>, DbErr> {
    let subjects: Vec<Uuid> = subjects.into_iter().collect();
    let all = limits::load(db, subjects).await?;
    let limited = all.iter().filter(|limits| !limits.budgets.is_empty()).map(|limits| limits.subject.id);
    let limited: Vec<Uuid> = limited.collect();
    let spent =
        if limited.is_empty() { Vec::new() } else { limits::spending::of_now(db, limited, now_ms).await? };
    let spent: HashMap<(Uuid, String), Spent> =
        spent.into_iter().map(|(subject, period, spent)| ((subject, period), spent)).collect();
    Ok(all.iter().map(|limits| (limits.subject.id, shown(limits, &spent, now_ms))).collect())
}

fn shown(limits: &Limits, spent: &HashMap<(Uuid, String), Spent>, now_ms: i64) -> Shown {
    let rate = |rate: &limits::RateLimit| RateShown {
        of: rate.of.as_str(),
        unit: rate.unit.as_str(),
        value: rate.value,
    };
    let mut all = Shown { rates: limits.rates.iter().map(rate).collect(), ..Shown::default() };
    for budget in &limits.budgets {
        let period = budget.period(limits.counted_from_ms, now_ms.max(limits.counted_from_ms));
        let ends_ms = period.as_ref().and_then(|period| period.ends_ms);
        let spent = period.and_then(|period| spent.get(&(limits.subject.id, period.name)).copied());
        let spent = spent.unwrap_or_default();
        all.exhausted |= budget.spent_units(spent) >= budget.limit_units();
        all.usage.push(usage(budget, ends_ms, spent));
    }
    all
}

fn usage(budget: &Budget, ends_ms: Option<i64>, spent: Spent) -> UsageShown {
    UsageShown {
        of: budget.of.as_str(),
        credit_limit: budget.credit_limit,
        alert_threshold: budget.alert_threshold,
        periodic_reset: budget.periodic_reset.map(limits::Reset::as_str),
        periodic_reset_days: budget.periodic_reset_days,
        next_usage_reset_at: ends_ms.map(instant::iso),
        current_usage: logstore::spending::usage(budget, spent),
    }
}
