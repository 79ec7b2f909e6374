//! When an API key is to have another secret, and how long the one before goes on beside it.
//!
//! Nobody could be handed a secret that the server made by itself: when a rotation is due its owners are told, and one of them
//! asks for it.

use std::fmt;
use std::str::FromStr;

use entity::api_key;
use plans::Month;
use sea_orm::DbErr;
use sea_orm::prelude::Json;
use serde::{Deserialize, Serialize};

const DAY_MS: i64 = 86_400_000;

/// How long both secrets work, in milliseconds: at the least, which is also what it is unless something else is said.
pub const MIN_TRANSITION_MS: i64 = 30 * 60_000;

/// The same, at the most.
pub const MAX_TRANSITION_MS: i64 = 30 * DAY_MS;

/// How often a key is to have another secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RotationPeriod {
    /// On Mondays at 00:00 UTC.
    Weekly,
    /// On the first of each month at 00:00 UTC.
    Monthly,
}

impl RotationPeriod {
    /// Every one.
    pub const ALL: [Self; 2] = [Self::Weekly, Self::Monthly];

    /// Its name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Weekly => "weekly",
            Self::Monthly => "monthly",
        }
    }

    /// The first turn after this moment. Unix milliseconds.
    #[must_use]
    pub fn next_after(self, ms: i64) -> i64 {
        match self {
            Self::Weekly => {
                let day = ms.div_euclid(DAY_MS);
                // The first day was a Thursday.
                let since_monday = (day + 3).rem_euclid(7);
                (day - since_monday + 7) * DAY_MS
            }
            Self::Monthly => Month::of(ms).end_ms(),
        }
    }

    /// From one turn to the next, at the least.
    #[must_use]
    pub const fn shortest_ms(self) -> i64 {
        match self {
            Self::Weekly => 7 * DAY_MS,
            Self::Monthly => 28 * DAY_MS,
        }
    }
}

impl FromStr for RotationPeriod {
    type Err = UnknownPeriod;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|period| period.as_str() == name).ok_or(UnknownPeriod)
    }
}

impl fmt::Display for RotationPeriod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// No period has this name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no rotation period has this name")]
pub struct UnknownPeriod;

/// What was said of a key's rotation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RotationPolicy {
    pub rotation_period: RotationPeriod,
    /// How long both secrets work; none: [`MIN_TRANSITION_MS`].
    pub key_transition_period_ms: Option<i64>,
}

impl RotationPolicy {
    /// A key's.
    ///
    /// # Errors
    /// [`DbErr`] when it is not as we write it.
    pub fn of(key: &api_key::Model) -> Result<Option<Self>, DbErr> {
        let Some(policy) = &key.rotation_policy else { return Ok(None) };
        let read = Self::deserialize(policy);
        read.map(Some)
            .map_err(|error| DbErr::Type(format!("the rotation policy of API key {}: {error}", key.id)))
    }

    /// As it is stored.
    #[must_use]
    pub fn to_json(&self) -> Json {
        serde_json::json!(self)
    }
}

/// How long both secrets of a key may work, in milliseconds: less than this.
#[must_use]
pub fn transition_below_ms(policy: Option<RotationPolicy>) -> i64 {
    policy.map_or(MAX_TRANSITION_MS + 1, |policy| policy.rotation_period.shortest_ms())
}

/// The start of the day in UTC. Unix milliseconds.
#[must_use]
pub fn midnight(ms: i64) -> i64 {
    ms.div_euclid(DAY_MS) * DAY_MS
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-23T00:00:00Z, a Monday.
    const MONDAY: i64 = 1_795_392_000_000;

    #[test]
    fn a_turn_is_on_monday_or_on_the_first_at_midnight() {
        let december = MONDAY + 8 * DAY_MS;
        for (period, from, next) in [
            (RotationPeriod::Weekly, MONDAY, MONDAY + 7 * DAY_MS),
            (RotationPeriod::Weekly, MONDAY - 1, MONDAY),
            (RotationPeriod::Weekly, MONDAY + 7 * DAY_MS - 1, MONDAY + 7 * DAY_MS),
            (RotationPeriod::Weekly, 0, 4 * DAY_MS),
            (RotationPeriod::Monthly, MONDAY, december),
            (RotationPeriod::Monthly, december - 1, december),
            (RotationPeriod::Monthly, december, december + 31 * DAY_MS),
        ] {
            assert_eq!(period.next_after(from), next, "{period} after {from}");
            assert_eq!(midnight(next), next);
        }
        assert_eq!(midnight(MONDAY + 5), MONDAY);
    }

    #[test]
    fn the_secrets_overlap_for_less_than_a_period() {
        let policy = |rotation_period| RotationPolicy { rotation_period, key_transition_period_ms: None };
        assert_eq!(transition_below_ms(Some(policy(RotationPeriod::Weekly))), 604_800_000);
        assert_eq!(transition_below_ms(Some(policy(RotationPeriod::Monthly))), 2_419_200_000);
        assert_eq!(transition_below_ms(None), 2_592_000_001);
    }
}
