use crate::Terms;

const DAY_MS: i64 = 86_400_000;

/// How long logs are shown as before after a downgrade: 7 days, in milliseconds.
pub const NOTICE_MS: i64 = 7 * DAY_MS;

/// The first `created_at` (unix milliseconds) that is still shown at `now_ms`: a log is visible for exactly its retention,
/// and hidden from the millisecond after. `None`: forever.
#[must_use]
pub fn retention_cutoff(terms: &Terms, now_ms: i64) -> Option<i64> {
    days(terms, now_ms).map(|days| now_ms.saturating_sub(i64::from(days) * DAY_MS))
}

/// The first moment (unix milliseconds) whose statistics are still shown at `now_ms`. `None`: forever.
#[must_use]
pub fn analytics_cutoff(terms: &Terms, now_ms: i64) -> Option<i64> {
    terms.analytics_retention_days.map(|days| now_ms.saturating_sub(i64::from(days) * DAY_MS))
}

/// The class a log is stored under at `now_ms`, fixed in its record when the call arrives: days, or 0 for forever.
/// A retention of no days is kept for one, and [`retention_cutoff`] hides it; one past 32,767 days is kept for those.
#[must_use]
pub fn retention_class(terms: &Terms, now_ms: i64) -> i16 {
    days(terms, now_ms).map_or(0, |days| i16::try_from(days.max(1)).unwrap_or(i16::MAX))
}

/// Days that logs are shown; `None`: forever.
fn days(terms: &Terms, now_ms: i64) -> Option<u32> {
    let own = terms.log_retention_days?;
    match terms.notice.filter(|notice| now_ms < notice.until_ms) {
        Some(notice) => notice.log_retention_days.map(|days| days.max(own)),
        None => Some(own),
    }
}
