#![expect(clippy::unwrap_used, reason = "tests")]

use chrono::DateTime;
use proptest::prelude::*;

use super::*;

fn budget(periodic_reset: Option<Reset>, periodic_reset_days: Option<u16>) -> Budget {
    Budget {
        of: BudgetOf::Cost,
        credit_limit: 10,
        alert_threshold: None,
        periodic_reset,
        periodic_reset_days,
    }
}

fn ms(text: &str) -> i64 {
    DateTime::parse_from_rfc3339(text).unwrap().timestamp_millis()
}

#[test]
fn periods_are_weeks_months_days_since_it_was_set_or_one_for_ever() {
    let (monthly, weekly) = (budget(Some(Reset::Monthly), None), budget(Some(Reset::Weekly), None));
    let (ten, once) = (budget(None, Some(10)), budget(None, None));
    let set = "2026-11-11T10:00:00Z"; // a Wednesday
    for (budget, at, starts, ends) in [
        (monthly, "2026-11-11T10:00:00Z", set, Some("2026-12-01T00:00:00Z")),
        (monthly, "2026-11-30T23:59:59.999Z", set, Some("2026-12-01T00:00:00Z")),
        (monthly, "2026-12-01T00:00:00Z", "2026-12-01T00:00:00Z", Some("2027-01-01T00:00:00Z")),
        (monthly, "2028-02-29T12:00:00Z", "2028-02-01T00:00:00Z", Some("2028-03-01T00:00:00Z")),
        (weekly, "2026-11-15T23:59:59.999Z", set, Some("2026-11-16T00:00:00Z")),
        (weekly, "2026-11-16T00:00:00Z", "2026-11-16T00:00:00Z", Some("2026-11-23T00:00:00Z")),
        (weekly, "2027-01-01T00:00:00Z", "2026-12-28T00:00:00Z", Some("2027-01-04T00:00:00Z")),
        (ten, "2026-11-21T09:59:59.999Z", set, Some("2026-11-21T10:00:00Z")),
        (ten, "2026-11-21T10:00:00Z", "2026-11-21T10:00:00Z", Some("2026-12-01T10:00:00Z")),
        (once, "2999-01-01T00:00:00Z", set, None),
    ] {
        let period = budget.period(ms(set), ms(at)).unwrap();
        assert_eq!((period.starts_ms, period.ends_ms), (ms(starts), ends.map(ms)), "{at} {}", period.name);
    }
    assert_eq!(once.period(ms(set), ms(set) - 1), None);
    assert_eq!(monthly.period(ms(set), ms(set)).unwrap().name, "monthly 2026-11-11T10:00:00.000Z");
}

#[test]
fn money_is_rounded_up_and_thresholds_are_whole_per_cent() {
    let cost = budget(None, None);
    for (cost_pusd, units) in [(0, 0), (1, 1), (1_000, 1), (1_001, 2), (-5, 0)] {
        assert_eq!(cost.spent_units(Spent { tokens: 7, cost_pusd }), units, "{cost_pusd}");
    }
    assert_eq!(cost.limit_units(), 10_000_000_000);
    assert!(Budget { credit_limit: MAX_COST_USD, ..cost }.limit_units() < 1 << 53);
    for (limit, threshold, percent) in [(100, 80, 80), (3, 1, 33), (1_000_000, 1, 1), (1_000, 999, 99)] {
        let budget = Budget { credit_limit: limit, alert_threshold: Some(threshold), ..cost };
        assert_eq!(budget.threshold_percent(), Some(percent));
    }
}

fn any_budget() -> impl Strategy<Value = Budget> {
    prop_oneof![
        Just(budget(Some(Reset::Monthly), None)),
        Just(budget(Some(Reset::Weekly), None)),
        (1..=365_u16).prop_map(|days| budget(None, Some(days))),
    ]
}

proptest! {
    #[test]
    fn every_moment_is_in_one_period_and_they_follow_each_other(
        budget in any_budget(), from in 0..4_000_000_000_000_i64, later in 0..40_000_000_000_i64,
    ) {
        let at = from + later;
        let period = budget.period(from, at).unwrap();
        let ends_ms = period.ends_ms.unwrap();
        prop_assert!(period.starts_ms <= at && at < ends_ms);
        prop_assert_eq!(&budget.period(from, period.starts_ms).unwrap(), &period);
        prop_assert_eq!(&budget.period(from, ends_ms - 1).unwrap(), &period);
        let next = budget.period(from, ends_ms).unwrap();
        prop_assert_eq!(next.starts_ms, ends_ms);
        prop_assert_ne!(next.name, period.name);
    }

    #[test]
    fn after_a_reset_it_is_another_period(budget in any_budget(), from in 0..4_000_000_000_000_i64, at in 1..9_000_000_000_i64) {
        let before = budget.period(from, from + at).unwrap();
        let after = budget.period(from + at, from + at).unwrap();
        prop_assert!(after.name != before.name || before.starts_ms == from + at);
        prop_assert_eq!(after.starts_ms, from + at);
    }
}
