//! Moments on the wire: ISO 8601 in UTC, and on the way in with any offset.

use chrono::{DateTime, NaiveDateTime};
pub(crate) use clock::iso;

/// What a moment in a request should have been.
pub(crate) const EXPECTED: &str = "a time in ISO 8601, such as 2026-11-24T09:30:00Z";

/// Unix milliseconds; `None` for what is no moment.
pub(crate) fn parse(text: &str) -> Option<i64> {
    let text = text.trim();
    let with_offset =
        |text: &str| DateTime::parse_from_rfc3339(text).ok().map(|time| time.timestamp_millis());
    let in_utc = |format| {
        NaiveDateTime::parse_from_str(text, format).ok().map(|time| time.and_utc().timestamp_millis())
    };
    // A `+` that was not escaped in a query arrives as a blank.
    let restored =
        || text.rsplit_once(' ').and_then(|(time, offset)| with_offset(&format!("{time}+{offset}")));
    with_offset(text)
        .or_else(|| in_utc("%Y-%m-%d %H:%M:%S"))
        .or_else(|| in_utc("%Y-%m-%dT%H:%M:%S%.f"))
        .or_else(restored)
}

/// A moment as people read it: `2024-07-30 13:27 UTC`.
pub(crate) fn minute(ms: i64) -> String {
    let iso = iso(ms);
    let (day, time) = iso.split_once('T').unwrap_or((&iso, ""));
    format!("{day} {} UTC", time.get(..5).unwrap_or(time))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_as_clients_write_them() {
        let at = Some(1_722_346_049_000);
        for (text, ms) in [
            ("2024-07-30T13:27:29.000Z", at),
            ("2024-07-30T13:27:29Z", at),
            ("2024-07-30T18:57:29+05:30", at),
            ("2024-07-30T18:57:29 05:30", at),
            ("2024-07-30 13:27:29", at),
            ("2024-07-30T13:27:29", at),
            ("2024-07-30", None),
            ("1722346049", None),
            ("2024-13-30T13:27:29Z", None),
            ("", None),
        ] {
            assert_eq!(parse(text), ms, "{text}");
        }
        assert_eq!(iso(1_722_346_049_000), "2024-07-30T13:27:29.000Z");
        assert_eq!(minute(1_722_346_049_000), "2024-07-30 13:27 UTC");
    }
}
