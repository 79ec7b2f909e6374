use clock::iso;
use plans::Month;
use serde::{Deserialize, Serialize};

const DAY_MS: i64 = 86_400_000;

/// The most that a budget of money may be, in USD: in nano-dollars it is just below 2^53.
pub const MAX_COST_USD: u64 = 9_000_000;

/// The same of tokens.
pub const MAX_TOKENS: u64 = 9_000_000_000_000_000;

/// At most so much in each period.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    #[serde(rename = "type")]
    pub of: BudgetOf,
    /// USD, or tokens; at most [`MAX_COST_USD`] or [`MAX_TOKENS`].
    pub credit_limit: u64,
    /// When to tell, in the same unit; below the limit.
    pub alert_threshold: Option<u64>,
    pub periodic_reset: Option<Reset>,
    /// Days of a period; not together with `periodic_reset`.
    pub periodic_reset_days: Option<u16>,
}

/// What a budget counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BudgetOf {
    Cost,
    Tokens,
}

/// When a budget begins anew: Monday, or the first of the month, 00:00 UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reset {
    Weekly,
    Monthly,
}

/// What was spent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    pub tokens: i64,
    pub cost_pusd: i64,
}

/// What a budget holds for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Period {
    /// Its name in the database, unlike that of any other of the same subject.
    pub name: String,
    pub starts_ms: i64,
    /// The first millisecond that is not in it; none: it does not end.
    pub ends_ms: Option<i64>,
}

impl BudgetOf {
    /// Its name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cost => "cost",
            Self::Tokens => "tokens",
        }
    }
}

impl Reset {
    /// Its name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Weekly => "weekly",
            Self::Monthly => "monthly",
        }
    }
}

impl Budget {
    /// The period of a moment, for a budget that counts from `counted_from_ms`: when it was set, or reset since. None before.
    ///
    /// Days are counted from there; of a week or a month that has begun before, what is left is the first period.
    #[must_use]
    pub fn period(&self, counted_from_ms: i64, at_ms: i64) -> Option<Period> {
        if at_ms < counted_from_ms {
            return None;
        }
        let (kind, starts_ms, ends_ms) = match (self.periodic_reset, self.periodic_reset_days) {
            (Some(Reset::Monthly), _) => {
                let month = Month::of(at_ms);
                ("monthly", month.start_ms(), Some(month.end_ms()))
            }
            (Some(Reset::Weekly), _) => {
                let starts_ms = week_start(at_ms);
                ("weekly", starts_ms, Some(starts_ms + 7 * DAY_MS))
            }
            (None, Some(days)) => {
                let length = i64::from(days.max(1)) * DAY_MS;
                let starts_ms = at_ms - (at_ms - counted_from_ms).rem_euclid(length);
                ("days", starts_ms, Some(starts_ms + length))
            }
            (None, None) => ("once", counted_from_ms, None),
        };
        let starts_ms = starts_ms.max(counted_from_ms);
        Some(Period { name: format!("{kind} {}", iso(starts_ms)), starts_ms, ends_ms })
    }

    /// The limit as counters have it.
    #[must_use]
    pub fn limit_units(&self) -> u64 {
        self.units(self.credit_limit)
    }

    /// The threshold as counters have it.
    #[must_use]
    pub fn threshold_units(&self) -> Option<u64> {
        self.alert_threshold.map(|threshold| self.units(threshold))
    }

    /// The threshold in whole per cent of the limit: 1 to 99.
    #[must_use]
    pub fn threshold_percent(&self) -> Option<i32> {
        let of = self.alert_threshold?;
        let percent = u128::from(of) * 100 / u128::from(self.credit_limit.max(1));
        i32::try_from(percent.clamp(1, 99)).ok()
    }

    /// What of `spent` this budget counts, as counters have it.
    #[must_use]
    pub fn spent_units(&self, spent: Spent) -> u64 {
        let unsigned = |n: i64| u64::try_from(n).unwrap_or(0);
        match self.of {
            BudgetOf::Cost => nano(unsigned(spent.cost_pusd)),
            BudgetOf::Tokens => unsigned(spent.tokens),
        }
    }

    fn units(&self, amount: u64) -> u64 {
        match self.of {
            BudgetOf::Cost => amount.saturating_mul(1_000_000_000),
            BudgetOf::Tokens => amount,
        }
    }
}

/// Nano-dollars, rounded up, of pico-dollars.
pub(crate) fn nano(pico: u64) -> u64 {
    pico.div_ceil(1_000)
}

/// Monday 00:00 UTC of the week. 1970-01-01 was a Thursday.
fn week_start(at_ms: i64) -> i64 {
    let day = at_ms.div_euclid(DAY_MS);
    (day - (day + 3).rem_euclid(7)) * DAY_MS
}

#[cfg(test)]
mod tests;
