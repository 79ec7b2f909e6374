use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Datelike as _, NaiveDate, NaiveTime, Utc};

/// The last millisecond of the year 9999.
const LAST_MS: i64 = 253_402_300_799_999;

/// A calendar month in UTC, what quotas and invoices count in: 1970-01 to 9999-12.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Month(i32); // yyyymm

impl Month {
    /// The month of a moment in unix milliseconds, clamped to the months there are.
    #[must_use]
    pub fn of(ms: i64) -> Self {
        let day =
            DateTime::<Utc>::from_timestamp_millis(ms.clamp(0, LAST_MS)).unwrap_or_default().date_naive();
        Self(day.year() * 100 + day.month().cast_signed())
    }

    /// Its first millisecond.
    #[must_use]
    pub fn start_ms(self) -> i64 {
        start_ms(self.0)
    }

    /// The first millisecond of the next month, when its counts start again at nothing.
    #[must_use]
    pub fn end_ms(self) -> i64 {
        let december = self.0 % 100 == 12;
        start_ms(self.0 + if december { 89 } else { 1 })
    }

    /// The month before.
    #[must_use]
    pub fn previous(self) -> Self {
        Self::of(self.start_ms() - 1)
    }

    /// The month after; the last there is has none, and is its own.
    #[must_use]
    pub fn next(self) -> Self {
        Self::of(self.end_ms())
    }

    /// `yyyymm`, as in the database.
    #[must_use]
    pub fn as_i32(self) -> i32 {
        self.0
    }

    /// The month that [`as_i32`](Self::as_i32) gave; `None` for any other number.
    #[must_use]
    pub fn from_i32(yyyymm: i32) -> Option<Self> {
        let (year, month) = (yyyymm / 100, yyyymm % 100);
        ((1970..=9999).contains(&year) && (1..=12).contains(&month)).then_some(Self(yyyymm))
    }
}

/// A text that is no month.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no month; expected one such as 2026-11")]
pub struct UnknownMonth(String);

impl FromStr for Month {
    type Err = UnknownMonth;

    /// Reads what [`Display`](fmt::Display) writes.
    fn from_str(text: &str) -> Result<Self, UnknownMonth> {
        let read = || {
            let (year, month) =
                text.split_once('-').filter(|(year, month)| (year.len(), month.len()) == (4, 2))?;
            Self::from_i32(year.parse::<i32>().ok()? * 100 + month.parse::<i32>().ok()?)
        };
        read().filter(|month| month.to_string() == text).ok_or_else(|| UnknownMonth(text.to_owned()))
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.0 / 100, self.0 % 100)
    }
}

/// The default is never taken: a `Month` is made of a real year and month only.
fn start_ms(yyyymm: i32) -> i64 {
    let (year, month) = (yyyymm / 100, (yyyymm % 100).unsigned_abs());
    let first = NaiveDate::from_ymd_opt(year, month, 1).unwrap_or_default();
    first.and_time(NaiveTime::MIN).and_utc().timestamp_millis()
}
