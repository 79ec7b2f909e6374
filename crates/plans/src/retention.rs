use crate::Terms;

const DAY_MS: i64 = 86_400_000;

/// The first `created_at` (unix milliseconds) that is still shown at `now_ms`: a log is visible for exactly its retention,
/// and hidden from the millisecond after. `None`: forever.
#[must_use]
pub fn retention_cutoff(terms: &Terms, now_ms: i64) -> Option<i64> {
    terms.log_retention_days.map(|days| now_ms.saturating_sub(i64::from(days) * DAY_MS))
}

/// The class a log is stored under, fixed in its record when the call arrives: days, or 0 for forever.
/// A retention of no days is kept for one, and [`retention_cutoff`] hides it; one past 32,767 days is kept for those.
#[must_use]
pub fn retention_class(terms: &Terms) -> i16 {
    terms.log_retention_days.map_or(0, |days| i16::try_from(days.max(1)).unwrap_or(i16::MAX))
}
