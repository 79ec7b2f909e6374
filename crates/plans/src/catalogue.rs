use serde::{Deserialize, Serialize};

use crate::{Overage, Plan, Terms};

/// The catalogue's own version: the day that it is good from. An invoice and a block of overage say which they were made under.
pub const CATALOGUE_VERSION: &str = "2026-11-01";

/// What differs from the catalogue: for one plan in the settings, for one organisation as JSON on its row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Overrides {
    /// The price of a whole month, in US cents.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub monthly_price_cents: Option<u64>,
    /// Logs a month in the plan's price.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub included_logs: Option<u64>,
    /// Logs a month after which recording stops: the cap of an organisation's spending.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_logs: Option<u64>,
    /// Logs in a block of overage.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub block_logs: Option<u64>,
    /// The price of a block, in US cents.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub block_price_cents: Option<u64>,
    /// Days that logs are shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_retention_days: Option<u32>,
    /// Days that statistics are shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub analytics_retention_days: Option<u32>,
    /// Seconds that a cached answer may be given again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_cache_age_s: Option<u32>,
}

impl Overrides {
    /// These, and where they leave a field open, `base`: an organisation's over its plan's.
    #[must_use]
    pub fn or(self, base: Self) -> Self {
        Self {
            monthly_price_cents: self.monthly_price_cents.or(base.monthly_price_cents),
            included_logs: self.included_logs.or(base.included_logs),
            max_logs: self.max_logs.or(base.max_logs),
            block_logs: self.block_logs.or(base.block_logs),
            block_price_cents: self.block_price_cents.or(base.block_price_cents),
            log_retention_days: self.log_retention_days.or(base.log_retention_days),
            analytics_retention_days: self.analytics_retention_days.or(base.analytics_retention_days),
            max_cache_age_s: self.max_cache_age_s.or(base.max_cache_age_s),
        }
    }
}

/// The catalogue: what `plan` gives, with `overrides` in place of its numbers.
///
/// `max_logs` caps every plan: without overage it can only lower what is included. When it is not given, overage goes on
/// to the plan's own bound, or to what is included where that is more.
#[must_use]
pub fn terms(plan: Plan, overrides: &Overrides) -> Terms {
    let list = match plan {
        Plan::Developer => Terms {
            included: Some(10_000),
            log_retention_days: Some(3),
            analytics_retention_days: Some(30),
            max_cache_age_s: Some(86_400),
            ..UNLIMITED
        },
        Plan::Production => Terms {
            monthly_price_cents: 4_900,
            included: Some(100_000),
            overage: Some(Overage { block_logs: 100_000, block_price_cents: 900, max_logs: 3_000_000 }),
            log_retention_days: Some(30),
            analytics_retention_days: Some(365),
            ..UNLIMITED
        },
        // By contract: all of it is an override.
        Plan::Enterprise => UNLIMITED,
    };

    let included = overrides.included_logs.or(list.included);
    let (included, overage) = match list.overage {
        Some(overage) => {
            let overage = Overage {
                block_logs: overrides.block_logs.unwrap_or(overage.block_logs).max(1),
                block_price_cents: overrides.block_price_cents.unwrap_or(overage.block_price_cents),
                max_logs: overrides.max_logs.unwrap_or(overage.max_logs.max(included.unwrap_or(0))),
            };
            (included, Some(overage))
        }
        None => (included.into_iter().chain(overrides.max_logs).min(), None),
    };
    Terms {
        monthly_price_cents: overrides.monthly_price_cents.unwrap_or(list.monthly_price_cents),
        included,
        overage,
        log_retention_days: overrides.log_retention_days.or(list.log_retention_days),
        analytics_retention_days: overrides.analytics_retention_days.or(list.analytics_retention_days),
        max_cache_age_s: overrides.max_cache_age_s.or(list.max_cache_age_s),
        ..list
    }
}

const UNLIMITED: Terms = Terms {
    monthly_price_cents: 0,
    included: None,
    overage: None,
    log_retention_days: None,
    analytics_retention_days: None,
    max_cache_age_s: None,
    notice: None,
    recording: true,
};
