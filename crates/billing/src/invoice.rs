//! What stands on an invoice and what it comes to. Pure: US cents and unix milliseconds.

mod words;

use entity::{credit, overage_block};
use plans::{Month, Plan};
use sea_orm::prelude::Uuid;
use serde::{Deserialize, Serialize};

pub use words::{day, grouped, money};

/// What is counted as a log, in words: on invoices and with the usage.
pub const WHAT_COUNTS: &str = "Every call through the gateway that was recorded, whatever its retries, cache or status, and \
                               every inserted log, in the calendar month (UTC) in which it was received.";

/// All that an invoice shows, but for its number and its state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    pub organisation_id: Uuid,
    /// As it was called then.
    pub organisation_name: String,
    /// Year and month in UTC as `yyyymm`.
    pub month: i32,
    pub start_ms: i64,
    pub end_ms: i64,
    pub catalogue_version: String,
    pub what_counts: String,
    /// Recorded in the month.
    pub logs: i64,
    /// What the organisation was on, in order.
    pub prices: Vec<Price>,
    pub lines: Vec<Line>,
    /// The sum of the lines: never below 0.
    pub total_cents: i64,
}

/// What an organisation was on from a moment on, and what it cost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Price {
    pub from_ms: i64,
    pub plan: Plan,
    pub monthly_price_cents: u64,
    pub included_logs: Option<u64>,
    pub block_logs: Option<u64>,
    pub block_price_cents: Option<u64>,
}

/// What a line is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The fee of a plan.
    Plan,
    /// Blocks of overage.
    Overage,
    /// Blocks of an earlier month that were opened after its invoice was final.
    LateOverage,
    Credit,
    /// What credits are worth past what is owed: it is a credit on the next invoice.
    CarriedOver,
}

/// A line of an invoice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    pub kind: Kind,
    pub description: String,
    pub quantity: i64,
    pub unit_price_cents: i64,
    pub amount_cents: i64,
    /// Of a plan when it began and ended within the month, of blocks when the first and the last was opened, of a credit
    /// when it was given.
    pub from_ms: Option<i64>,
    pub to_ms: Option<i64>,
    /// Of blocks: the month that they are of, as `yyyymm`, and their first and last log in it.
    pub month: Option<i32>,
    pub first_log: Option<i64>,
    pub last_log: Option<i64>,
}

impl Kind {
    /// Its name on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Plan => "plan",
            Self::Overage => "overage",
            Self::LateOverage => "late_overage",
            Self::Credit => "credit",
            Self::CarriedOver => "carried_over",
        }
    }
}

impl Document {
    /// Whether there is anything to be paid for, before credits: an invoice without it is not made, and its credits wait.
    #[must_use]
    pub fn is_due(&self) -> bool {
        self.lines.iter().any(|line| line.kind != Kind::CarriedOver && line.amount_cents > 0)
    }

    /// What goes on the next invoice as a credit, below 0; 0: nothing.
    #[must_use]
    pub fn carried_cents(&self) -> i64 {
        let carried = self.lines.iter().filter(|line| line.kind == Kind::CarriedOver);
        -carried.map(|line| line.amount_cents).sum::<i64>()
    }
}

/// The lines of a month's invoice: fees, the month's blocks, those of earlier months, credits, and what is carried over.
/// `prices` and `blocks` are in order.
#[must_use]
pub fn lines(
    month: Month,
    prices: &[Price],
    blocks: &[overage_block::Model],
    credits: &[credit::Model],
) -> Vec<Line> {
    let mut lines = fees(month, prices);
    let (own, late): (Vec<_>, Vec<_>) = blocks.iter().partition(|block| block.month == month.as_i32());
    lines.extend(runs(&own).map(|run| overage(Kind::Overage, run)));
    lines.extend(runs(&late).map(|run| overage(Kind::LateOverage, run)));
    lines.extend(credits.iter().map(|credit| Line {
        from_ms: Some(credit.created_at),
        ..Line::of(Kind::Credit, format!("Credit: {}", credit.reason), 1, credit.amount_cents)
    }));
    let total = total(&lines);
    if total < 0 {
        let text = "Carried over to the next invoice".to_owned();
        lines.push(Line::of(Kind::CarriedOver, text, 1, total.saturating_neg()));
    }
    lines
}

/// The sum of the lines.
#[must_use]
pub fn total(lines: &[Line]) -> i64 {
    lines.iter().fold(0, |sum, line| sum.saturating_add(line.amount_cents))
}

/// The part of a month's price that falls on `from_ms..to_ms`: by whole seconds, rounded half up.
#[must_use]
pub fn share(month: Month, price_cents: u64, from_ms: i64, to_ms: i64) -> i64 {
    let whole = u128::from(seconds(month, month.start_ms(), month.end_ms()).max(1));
    let part = u128::from(price_cents) * u128::from(seconds(month, from_ms, to_ms));
    i64::try_from((2 * part + whole) / (2 * whole)).unwrap_or(i64::MAX)
}

/// Seconds of the month between two moments: a second is of whoever has it at its end, so that it counts for what began in it.
fn seconds(month: Month, from_ms: i64, to_ms: i64) -> u64 {
    let left = |at_ms: i64| {
        (month.end_ms() - at_ms.clamp(month.start_ms(), month.end_ms())).unsigned_abs().div_ceil(1000)
    };
    left(from_ms).saturating_sub(left(to_ms))
}

/// A line for each time on a plan that costs something.
///
/// Times that follow each other at one price are rounded together, what is left of them at each change: so they add up to
/// what they cost as one, however they are cut.
fn fees(month: Month, prices: &[Price]) -> Vec<Line> {
    let end_of = |index: usize| prices.get(index + 1).map_or(month.end_ms(), |next| next.from_ms);
    let mut lines = Vec::new();
    let mut first = 0;
    for run in prices.chunk_by(|one, next| one.monthly_price_cents == next.monthly_price_cents) {
        let run_end = end_of(first + run.len() - 1);
        for (index, price) in run.iter().enumerate() {
            let (from_ms, to_ms) = (price.from_ms, end_of(first + index));
            let left = |at_ms| share(month, price.monthly_price_cents, at_ms, run_end);
            lines.extend(fee(month, price, to_ms, left(from_ms) - left(to_ms)));
        }
        first += run.len();
    }
    lines
}

/// None where it is for nothing, or for no second of the month.
fn fee(month: Month, price: &Price, to_ms: i64, amount_cents: i64) -> Option<Line> {
    let (from_ms, to_ms) = (price.from_ms.max(month.start_ms()), to_ms.min(month.end_ms()));
    let seconds = seconds(month, from_ms, to_ms);
    if price.monthly_price_cents == 0 || seconds == 0 {
        return None;
    }
    let unit = i64::try_from(price.monthly_price_cents).unwrap_or(i64::MAX);
    let text = words::fee(month, price, from_ms, to_ms, seconds);
    let line = Line::of(Kind::Plan, text, 1, unit);
    Some(Line { amount_cents, from_ms: Some(from_ms), to_ms: Some(to_ms), ..line })
}

/// Blocks that follow each other and cost the same.
fn runs<'a, 'b>(
    blocks: &'a [&'b overage_block::Model],
) -> impl Iterator<Item = &'a [&'b overage_block::Model]> {
    blocks.chunk_by(|one, next| {
        let size = |block: &overage_block::Model| block.last_log - block.first_log;
        one.month == next.month
            && one.last_log + 1 == next.first_log
            && size(one) == size(next)
            && one.price_cents == next.price_cents
            && one.catalogue_version == next.catalogue_version
    })
}

fn overage(kind: Kind, run: &[&overage_block::Model]) -> Line {
    let n = i64::try_from(run.len()).unwrap_or(i64::MAX);
    let ends = run.first().zip(run.last());
    let (first, last) = ends.map_or((None, None), |(first, last)| (Some(*first), Some(*last)));
    let price = first.map_or(0, |block| block.price_cents);
    Line {
        from_ms: first.map(|block| block.opened_at),
        to_ms: last.map(|block| block.opened_at),
        month: first.map(|block| block.month),
        first_log: first.map(|block| block.first_log),
        last_log: last.map(|block| block.last_log),
        ..Line::of(kind, words::overage(kind, n, first.zip(last)), n, price)
    }
}

impl Line {
    fn of(kind: Kind, description: String, quantity: i64, unit_price_cents: i64) -> Self {
        Self {
            kind,
            description,
            quantity,
            unit_price_cents,
            amount_cents: quantity.saturating_mul(unit_price_cents),
            from_ms: None,
            to_ms: None,
            month: None,
            first_log: None,
            last_log: None,
        }
    }
}

#[cfg(test)]
mod tests;
