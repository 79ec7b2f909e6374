use serde::{Deserialize, Serialize};

/// At most so many requests or tokens in each window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RateLimit {
    #[serde(rename = "type")]
    pub of: RateOf,
    pub unit: Unit,
    /// 0 lets nothing through.
    pub value: u64,
}

/// What a rate limit counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RateOf {
    Requests,
    Tokens,
}

/// The window of a rate limit: the minute, hour or day in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    Rpm,
    Rph,
    Rpd,
}

impl RateOf {
    /// Its name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::Tokens => "tokens",
        }
    }
}

impl Unit {
    /// Its name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rpm => "rpm",
            Self::Rph => "rph",
            Self::Rpd => "rpd",
        }
    }

    /// As it is said to people.
    #[must_use]
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::Rpm => "minute",
            Self::Rph => "hour",
            Self::Rpd => "day",
        }
    }

    const fn length_ms(self) -> i64 {
        match self {
            Self::Rpm => 60_000,
            Self::Rph => 3_600_000,
            Self::Rpd => 86_400_000,
        }
    }

    /// The window of a moment: its first millisecond, and the first of the next.
    #[must_use]
    pub fn window(self, at_ms: i64) -> (i64, i64) {
        let starts_ms = at_ms - at_ms.rem_euclid(self.length_ms());
        (starts_ms, starts_ms.saturating_add(self.length_ms()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn windows_are_the_minutes_hours_and_days_of_utc() {
        let at = 1_794_744_061_234; // 2026-11-15T12:01:01.234Z
        for (unit, starts_ms, ends_ms) in [
            (Unit::Rpm, 1_794_744_060_000, 1_794_744_120_000),
            (Unit::Rph, 1_794_744_000_000, 1_794_747_600_000),
            (Unit::Rpd, 1_794_700_800_000, 1_794_787_200_000),
        ] {
            assert_eq!(unit.window(at), (starts_ms, ends_ms), "{unit:?}");
            assert_eq!(unit.window(starts_ms), (starts_ms, ends_ms), "{unit:?}");
            assert_eq!(unit.window(ends_ms).0, ends_ms, "{unit:?}");
        }
    }

    proptest! {
        #[test]
        fn a_moment_is_in_its_window_and_windows_follow_each_other(at in -1_i64 << 50..1_i64 << 50) {
            for unit in [Unit::Rpm, Unit::Rph, Unit::Rpd] {
                let (starts_ms, ends_ms) = unit.window(at);
                prop_assert!(starts_ms <= at && at < ends_ms);
                prop_assert_eq!(unit.window(starts_ms - 1).1, starts_ms);
            }
        }
    }
}
