//! What lines say.

use chrono::{DateTime, Utc};
use entity::overage_block;
use plans::{Month, Plan};

use super::{Kind, Price};

/// Cents as `1,234.50`.
#[must_use]
pub fn money(cents: i64) -> String {
    let sign = if cents < 0 { "-" } else { "" };
    let (whole, rest) = (cents.unsigned_abs() / 100, cents.unsigned_abs() % 100);
    format!("{sign}{}.{rest:02}", grouped(whole))
}

/// A number as `1,234,567`.
#[must_use]
pub fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().filter_map(|group| std::str::from_utf8(group).ok()).collect();
    groups.join(",")
}

/// A moment's day in UTC, as `2026-11-24`.
#[must_use]
pub fn day(ms: i64) -> String {
    written(ms, "%Y-%m-%d")
}

fn written(ms: i64, format: &str) -> String {
    DateTime::<Utc>::from_timestamp_millis(ms).unwrap_or_default().format(format).to_string()
}

fn second(ms: i64) -> String {
    written(ms, "%Y-%m-%d %H:%M:%S")
}

pub(super) fn fee(month: Month, price: &Price, from_ms: i64, to_ms: i64, seconds: u64) -> String {
    let plan = match price.plan {
        Plan::Developer => "Developer",
        Plan::Production => "Production",
        Plan::Enterprise => "Enterprise",
    };
    if (from_ms, to_ms) == (month.start_ms(), month.end_ms()) {
        return format!("{plan} plan, {month}");
    }
    let whole = (month.end_ms() - month.start_ms()).unsigned_abs() / 1000;
    let cents = i64::try_from(price.monthly_price_cents).unwrap_or(i64::MAX);
    format!(
        "{plan} plan, {} to {} UTC: {} of {} seconds at {} a month",
        second(from_ms),
        second(to_ms),
        grouped(seconds),
        grouped(whole),
        money(cents)
    )
}

/// What is said of blocks, from the first to the last.
pub(super) fn overage(
    kind: Kind,
    n: i64,
    run: Option<(&overage_block::Model, &overage_block::Model)>,
) -> String {
    let Some((first, last)) = run else { return String::new() };
    let number = |log: i64| grouped(log.unsigned_abs());
    let blocks = if n == 1 { "block" } else { "blocks" };
    let late = Month::from_i32(first.month).filter(|_| kind == Kind::LateOverage);
    let of = late.map(|month| format!("{month}: ")).unwrap_or_default();
    let opened = match (second(first.opened_at), second(last.opened_at)) {
        (first, last) if first == last => format!("opened at {first}"),
        (first, last) => format!("opened from {first} to {last}"),
    };
    format!(
        "{of}{n} {blocks} of {}, logs {} to {}, at {}; {opened} UTC",
        number(first.last_log - first.first_log + 1),
        number(first.first_log),
        number(last.last_log),
        money(first.price_cents),
    )
}
