//! Limits as they are sent, field by field.

use limits::{Budget, BudgetOf, MAX_COST_USD, MAX_TOKENS, RateOf, Reset, Unit};
use serde_json::Value;
use utoipa::ToSchema;

use super::{MAX_BUDGETS, MAX_RATES};
use crate::Error;
use crate::fields::{Fields, Sent, kind, shown};

/// A budget.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it says what is read from the body")]
pub(crate) struct UsageLimits {
    /// `cost` (the default) or `tokens`.
    #[schema(rename = "type", pattern = "^(cost|tokens)$")]
    of: Option<String>,
    /// Whole USD from 1 to 9,000,000, or tokens from 100.
    #[schema(minimum = 1, maximum = 9_000_000_000_000_000_u64)]
    credit_limit: u64,
    /// When to raise an alert, in the same unit: below the limit.
    #[schema(minimum = 1, maximum = 9_000_000_000_000_000_u64)]
    alert_threshold: Option<u64>,
    /// `weekly` (Monday 00:00 UTC) or `monthly` (the 1st, 00:00 UTC); null: it is spent once.
    #[schema(pattern = "^(weekly|monthly)$")]
    periodic_reset: Option<String>,
    /// Days of a period, from when it was set or last reset; not together with `periodic_reset`.
    #[schema(minimum = 1, maximum = 365)]
    periodic_reset_days: Option<u16>,
}

/// At most so many in each minute, hour or day in UTC.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it says what is read from the body")]
pub(crate) struct RateLimit {
    /// `requests` or `tokens`.
    #[schema(rename = "type", pattern = "^(requests|tokens)$")]
    of: String,
    /// `rpm`, `rph` or `rpd`.
    #[schema(pattern = "^(rpm|rph|rpd)$")]
    unit: String,
    /// 0 lets nothing through.
    #[schema(minimum = 0, maximum = 9_000_000_000_000_000_u64)]
    value: u64,
}

/// An array of rate limits, or one alone, each type and unit once. Null is none.
pub(super) fn rates(fields: &mut Fields) -> Result<Sent<Vec<limits::RateLimit>>, Error> {
    let at = fields.path("rate_limits");
    let sent = fields.sent("rate_limits").read(|value| each(value, &at, MAX_RATES, rate))?;
    if let Sent::As(rates) = &sent {
        let same =
            |one: &limits::RateLimit, other: &limits::RateLimit| (one.of, one.unit) == (other.of, other.unit);
        once(&at, rates, same, "each type and unit once")?;
    }
    Ok(sent)
}

/// The budget of a key, an object. Null is none.
pub(super) fn budget(fields: &mut Fields) -> Result<Sent<Vec<Budget>>, Error> {
    let at = fields.path("usage_limits");
    fields.sent("usage_limits").read(|value| Ok(vec![one_budget(value, &at)?]))
}

/// The budgets of a workspace: an array, or one alone; each type and period once. Null is none.
pub(super) fn budgets(fields: &mut Fields) -> Result<Sent<Vec<Budget>>, Error> {
    let at = fields.path("usage_limits");
    let sent = fields.sent("usage_limits").read(|value| each(value, &at, MAX_BUDGETS, one_budget))?;
    if let Sent::As(budgets) = &sent {
        let period = |budget: &Budget| (budget.of, budget.periodic_reset, budget.periodic_reset_days);
        once(&at, budgets, |one, other| period(one) == period(other), "each type and period once")?;
    }
    Ok(sent)
}

fn each<T>(
    value: Value,
    at: &str,
    max: usize,
    read: impl Fn(Value, &str) -> Result<T, Error>,
) -> Result<Vec<T>, Error> {
    let items = match value {
        Value::Array(items) => items,
        object @ Value::Object(_) => return Ok(vec![read(object, at)?]),
        other => return Err(Error::invalid(at, format!("found {}", kind(&other)), "an array of limits")),
    };
    if items.len() > max {
        return Err(Error::invalid(at, format!("found {} items", items.len()), format!("at most {max}")));
    }
    items.into_iter().enumerate().map(|(index, item)| read(item, &format!("{at}[{index}]"))).collect()
}

fn once<T>(at: &str, items: &[T], same: impl Fn(&T, &T) -> bool, expected: &str) -> Result<(), Error> {
    let twice = |(index, item): (usize, &T)| items[..index].iter().any(|other| same(item, other));
    if items.iter().enumerate().any(twice) {
        return Err(Error::invalid(at, "one is there twice", expected));
    }
    Ok(())
}

fn rate(value: Value, at: &str) -> Result<limits::RateLimit, Error> {
    let mut fields = Fields::of(value, at)?;
    let of = word(&mut fields, "type", &[("requests", RateOf::Requests), ("tokens", RateOf::Tokens)])?;
    let of = fields.required("type", of, "requests or tokens")?;
    let unit = word(&mut fields, "unit", &[("rpm", Unit::Rpm), ("rph", Unit::Rph), ("rpd", Unit::Rpd)])?;
    let unit = fields.required("unit", unit, "rpm, rph or rpd")?;
    let value = whole(&mut fields, "value", 0, MAX_TOKENS)?;
    let value = fields.required("value", value, "a whole number of at least 0")?;
    fields.finish()?;
    Ok(limits::RateLimit { of, unit, value })
}

fn one_budget(value: Value, at: &str) -> Result<Budget, Error> {
    let mut fields = Fields::of(value, at)?;
    let of = word(&mut fields, "type", &[("cost", BudgetOf::Cost), ("tokens", BudgetOf::Tokens)])?;
    let of = of.unwrap_or(BudgetOf::Cost);
    let (least, most) = match of {
        BudgetOf::Cost => (1, MAX_COST_USD),
        BudgetOf::Tokens => (100, MAX_TOKENS),
    };
    let credit_limit = whole(&mut fields, "credit_limit", least, most)?;
    let credit_limit = fields.required("credit_limit", credit_limit, "whole USD, or tokens")?;
    let alert_threshold = whole(&mut fields, "alert_threshold", 1, credit_limit - 1)?;
    let resets = [("weekly", Reset::Weekly), ("monthly", Reset::Monthly)];
    let periodic_reset = word(&mut fields, "periodic_reset", &resets)?;
    let days = whole(&mut fields, "periodic_reset_days", 1, 365)?;
    if periodic_reset.is_some() && days.is_some() {
        let at = fields.path("periodic_reset_days");
        return Err(Error::invalid(at, "not together with periodic_reset", "one of the two"));
    }
    let periodic_reset_days = days.and_then(|days| u16::try_from(days).ok());
    fields.finish()?;
    Ok(Budget { of, credit_limit, alert_threshold, periodic_reset, periodic_reset_days })
}

fn word<T: Copy>(fields: &mut Fields, name: &'static str, words: &[(&str, T)]) -> Result<Option<T>, Error> {
    let Some(text) = fields.line(name, 40)? else { return Ok(None) };
    if let Some((_, meant)) = words.iter().find(|(word, _)| *word == text) {
        return Ok(Some(*meant));
    }
    let expected: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
    Err(Error::invalid(
        fields.path(name),
        format!("found `{text}`"),
        format!("one of {}", expected.join(", ")),
    ))
}

/// A whole number in a range, null as absent.
fn whole(fields: &mut Fields, name: &'static str, least: u64, most: u64) -> Result<Option<u64>, Error> {
    let Some(value) = fields.take(name) else { return Ok(None) };
    if let Some(number) = value.as_u64().filter(|number| (least..=most).contains(number)) {
        return Ok(Some(number));
    }
    let expected = format!("a whole number from {least} to {most}");
    Err(Error::invalid(fields.path(name), format!("found {}", shown(&value)), expected))
}
