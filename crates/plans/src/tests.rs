#![expect(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;

use super::*;

const DAY_MS: i64 = 86_400_000;
const PLAIN: Overrides = Overrides {
    monthly_price_cents: None,
    included_logs: None,
    max_logs: None,
    block_logs: None,
    block_price_cents: None,
    log_retention_days: None,
    analytics_retention_days: None,
    max_cache_age_s: None,
};

/// Blocks of overage that `used` logs have started: one for each part of the price list past what is included.
fn started(terms: &Terms, used: u64) -> u64 {
    let (Some(overage), Some(included)) = (terms.overage, terms.included) else { return 0 };
    let blocks = used.saturating_sub(included).div_ceil(overage.block_logs);
    assert_eq!(terms.blocks_to(used, 0, 0).count() as u64, blocks);
    blocks
}

#[test]
fn each_plan_records_up_to_its_limit_and_sells_started_blocks() {
    let developer = terms(Plan::Developer, &PLAIN);
    let production = terms(Plan::Production, &PLAIN);
    let enterprise = terms(Plan::Enterprise, &PLAIN);

    // used; is one more recorded, and how many blocks are started: developer, production, enterprise
    let cases = [
        (0, (1, 0), (1, 0), (1, 0)),
        (9_999, (1, 0), (1, 0), (1, 0)),
        (10_000, (0, 0), (1, 0), (1, 0)),
        (10_001, (0, 0), (1, 0), (1, 0)),
        (99_999, (0, 0), (1, 0), (1, 0)),
        (100_000, (0, 0), (1, 0), (1, 0)),
        (100_001, (0, 0), (1, 1), (1, 0)),
        (200_000, (0, 0), (1, 1), (1, 0)),
        (200_001, (0, 0), (1, 2), (1, 0)),
        (2_999_999, (0, 0), (1, 29), (1, 0)),
        (3_000_000, (0, 0), (0, 29), (1, 0)),
        (3_000_001, (0, 0), (0, 30), (1, 0)),
    ];
    for (used, for_developer, for_production, for_enterprise) in cases {
        let got = |terms: &Terms| (terms.admit(used, 1), started(terms, used));
        assert_eq!(got(&developer), for_developer, "developer at {used}");
        assert_eq!(got(&production), for_production, "production at {used}");
        assert_eq!(got(&enterprise), for_enterprise, "enterprise at {used}");
    }
    assert_eq!(production.overage.unwrap().block_price_cents, 900);
    assert_eq!(
        (developer.limit(), production.limit(), enterprise.limit()),
        (Some(10_000), Some(3_000_000), None)
    );
}

#[test]
fn a_batch_over_the_limit_is_recorded_in_part() {
    let developer = terms(Plan::Developer, &PLAIN);
    assert_eq!(developer.admit(9_990, 25), 10);
    assert_eq!(developer.admit(12_000, 25), 0);
    assert_eq!(terms(Plan::Enterprise, &PLAIN).admit(u64::MAX, 25), 25);
}

#[test]
fn overrides_take_the_place_of_the_catalogues_numbers() {
    let own = |plan, overrides| terms(plan, &overrides);

    let scaled =
        own(Plan::Developer, Overrides { included_logs: Some(20), log_retention_days: Some(7), ..PLAIN });
    assert_eq!(
        (scaled.limit(), scaled.log_retention_days, scaled.analytics_retention_days),
        (Some(20), Some(7), Some(30))
    );

    let capped = own(Plan::Production, Overrides { max_logs: Some(50_000), ..PLAIN });
    assert_eq!((capped.limit(), capped.included), (Some(50_000), Some(100_000)));

    let large = own(Plan::Production, Overrides { included_logs: Some(5_000_000), ..PLAIN });
    assert_eq!(large.limit(), Some(5_000_000), "all that is included is recorded");

    let contract =
        own(Plan::Enterprise, Overrides { max_logs: Some(9), log_retention_days: Some(400), ..PLAIN });
    assert_eq!((contract.limit(), contract.log_retention_days), (Some(9), Some(400)));
    assert_eq!(own(Plan::Developer, Overrides { max_logs: Some(20_000), ..PLAIN }).limit(), Some(10_000));
}

#[test]
fn an_organisations_overrides_come_before_its_plans() {
    let plan = Overrides { included_logs: Some(5), max_logs: Some(6), ..PLAIN };
    let own = Overrides {
        included_logs: Some(7),
        analytics_retention_days: Some(8),
        max_cache_age_s: Some(9),
        ..PLAIN
    };
    assert_eq!(terms(Plan::Developer, &own).max_cache_age_s, Some(9));
    assert_eq!(terms(Plan::Developer, &plan).max_cache_age_s, Some(86_400));
    assert_eq!(terms(Plan::Production, &plan).max_cache_age_s, None);
    let both = Overrides { max_logs: Some(6), ..own };
    assert_eq!(own.or(plan), both);
}

#[test]
fn overrides_are_read_from_json_and_a_wrong_name_is_refused() {
    let read = |json| serde_json::from_str::<Overrides>(json);
    assert_eq!(read("{}").unwrap(), PLAIN);
    assert_eq!(read(r#"{"max_logs": 5}"#).unwrap(), Overrides { max_logs: Some(5), ..PLAIN });
    assert_eq!(
        serde_json::to_string(&Overrides { max_logs: Some(5), ..PLAIN }).unwrap(),
        r#"{"max_logs":5}"#
    );
    assert!(read(r#"{"maximum": 5}"#).unwrap_err().to_string().contains("maximum"));
    assert!(read(r#"{"max_logs": -5}"#).is_err());
}

#[test]
fn a_plan_has_one_name_everywhere() {
    for plan in Plan::ALL {
        assert_eq!(plan.as_str().parse(), Ok(plan));
        assert_eq!(plan.to_string(), plan.as_str());
        assert_eq!(serde_json::to_value(plan).unwrap(), plan.as_str());
    }
    let error = "Gold".parse::<Plan>().unwrap_err().to_string();
    assert_eq!(error, r#"no plan is called "Gold"; expected developer, production or enterprise"#);
}

#[test]
fn a_log_is_shown_for_exactly_its_retention() {
    let now = 1_795_392_000_000;
    for (plan, days, class) in [(Plan::Developer, 3, 3), (Plan::Production, 30, 30)] {
        let terms = terms(plan, &PLAIN);
        let shown = |created_at: i64, now| created_at >= retention_cutoff(&terms, now).unwrap();
        assert!(shown(now, now) && shown(now, now + days * DAY_MS));
        assert!(!shown(now, now + days * DAY_MS + 1));
        assert_eq!(retention_class(&terms, now), class);
    }
    let forever = terms(Plan::Enterprise, &PLAIN);
    assert_eq!((retention_cutoff(&forever, now), retention_class(&forever, now)), (None, 0));
}

#[test]
fn an_odd_retention_is_never_stored_as_forever() {
    let class = |days| {
        retention_class(&terms(Plan::Developer, &Overrides { log_retention_days: Some(days), ..PLAIN }), 0)
    };
    assert_eq!(
        [class(0), class(1), class(32_767), class(32_768), class(u32::MAX)],
        [1, 1, 32_767, 32_767, 32_767]
    );
}

#[test]
fn february_has_its_leap_day() {
    for (yyyymm, days) in
        [(200_002, 29), (202_402, 29), (202_602, 28), (202_802, 29), (210_002, 28), (240_002, 29)]
    {
        let month = Month::from_i32(yyyymm).unwrap();
        assert_eq!(month.end_ms() - month.start_ms(), days * DAY_MS, "{month}");
    }
}

#[test]
fn months_meet_at_midnight_utc() {
    let november = Month::of(1_795_392_000_000); // 2026-11-23T00:00:00Z
    assert_eq!((november.to_string().as_str(), november.as_i32()), ("2026-11", 202_611));
    assert_eq!(november.start_ms(), 1_793_491_200_000);
    assert_eq!(november.end_ms(), 1_796_083_200_000);
    assert_eq!(Month::of(november.end_ms() - 1), november);
    assert_eq!(Month::of(november.end_ms()).to_string(), "2026-12");
    assert_eq!(Month::of(november.end_ms()).previous(), november);
    assert_eq!(Month::from_i32(202_701).unwrap().previous().to_string(), "2026-12");
    assert_eq!([Month::of(i64::MIN).as_i32(), Month::of(i64::MAX).as_i32()], [197_001, 999_912]);
    for not_a_month in [0, 202_600, 202_613, -202_611, 196_912, 1_000_001, i32::MIN, i32::MAX] {
        assert_eq!(Month::from_i32(not_a_month), None);
    }
}

fn any_plan() -> impl Strategy<Value = Plan> {
    prop::sample::select(Plan::ALL.to_vec())
}

fn any_overrides() -> impl Strategy<Value = Overrides> {
    let logs = || prop::option::of(0..5_000_000_u64);
    let days = || prop::option::of(any::<u32>());
    let block = prop::option::of(1_000..200_000_u64);
    (logs(), logs(), block, days(), days()).prop_map(
        |(included_logs, max_logs, block_logs, log_retention_days, analytics_retention_days)| Overrides {
            included_logs,
            max_logs,
            block_logs,
            log_retention_days,
            analytics_retention_days,
            ..PLAIN
        },
    )
}

proptest! {
    #[test]
    fn batches_are_recorded_up_to_the_limit_and_not_past_it(
        plan in any_plan(), overrides in any_overrides(), batches in prop::collection::vec(0..2_000_000_u64, 1..20),
    ) {
        let terms = terms(plan, &overrides);
        let sent: u64 = batches.iter().sum();
        let recorded = batches.into_iter().fold(0, |used, n| used + terms.admit(used, n));
        prop_assert_eq!(recorded, terms.limit().map_or(sent, |limit| sent.min(limit)));
    }

    #[test]
    fn a_cap_holds_on_every_plan(plan in any_plan(), overrides in any_overrides(), cap in 0..5_000_000_u64) {
        let capped = terms(plan, &Overrides { max_logs: Some(cap), ..overrides });
        prop_assert!(capped.limit().is_some_and(|limit| limit <= cap));
    }

    #[test]
    fn blocks_hold_the_overage_and_the_last_one_is_started(
        overrides in any_overrides(), used in 0..10_000_000_u64, share in 0..=100_u64,
    ) {
        let part = used * share / 100;
        let terms = terms(Plan::Production, &overrides);
        let over = used.saturating_sub(terms.included.unwrap());
        let (blocks, size) = (started(&terms, used), terms.overage.unwrap().block_logs);
        prop_assert!(blocks * size >= over);
        prop_assert!(blocks == 0 || (blocks - 1) * size < over);
        // However the logs come, in one batch or in two, they open the same blocks, which follow each other without a gap.
        let at_once: Vec<Block> = terms.blocks_to(used, 0, 0).collect();
        prop_assert_eq!(at_once.len() as u64, blocks);
        let first: Vec<Block> = terms.blocks_to(part, 0, 0).collect();
        let covered = first.last().map_or(part, |block| block.last_log);
        let then = terms.blocks_to(used, covered, first.len() as u64);
        prop_assert_eq!(&first.iter().copied().chain(then).collect::<Vec<_>>(), &at_once);
        for pair in at_once.windows(2) {
            prop_assert_eq!((pair[1].number, pair[1].first_log), (pair[0].number + 1, pair[0].last_log + 1));
        }
        if let Some(last) = at_once.last() {
            prop_assert!((last.first_log..=last.last_log).contains(&used));
        }
    }

    #[test]
    fn a_size_that_changes_in_the_month_charges_no_log_twice(
        used in 0..3_000_u64, more in 0..3_000_u64, sizes in (1..500_u64, 1..500_u64),
    ) {
        let of = |block_logs| terms(Plan::Production, &Overrides {
            included_logs: Some(100), block_logs: Some(block_logs), ..PLAIN
        });
        let before: Vec<Block> = of(sizes.0).blocks_to(used, 0, 0).collect();
        let covered = before.last().map_or(used, |block| block.last_log);
        let after = of(sizes.1).blocks_to(used + more, covered, before.len() as u64);
        let all: Vec<Block> = before.iter().copied().chain(after).collect();
        for pair in all.windows(2) {
            prop_assert_eq!(pair[1].first_log, pair[0].last_log + 1);
        }
        prop_assert!(all.last().map_or(100, |block| block.last_log) >= used + more);
    }

    #[test]
    fn every_moment_is_in_one_month(ms in 0..253_402_300_800_000_i64) {
        let month = Month::of(ms);
        prop_assert!(month.start_ms() <= ms && ms < month.end_ms());
        prop_assert_eq!(Month::of(month.start_ms()), month);
        prop_assert_eq!(Month::of(month.end_ms() - 1), month);
        prop_assert_eq!(Month::from_i32(month.as_i32()), Some(month));
        let days = (month.end_ms() - month.start_ms()) / DAY_MS;
        prop_assert!((28..=31).contains(&days) && (month.end_ms() - month.start_ms()) % DAY_MS == 0);
        let text = chrono::DateTime::from_timestamp_millis(ms).unwrap().format("%Y-%m").to_string();
        prop_assert_eq!(month.to_string(), text);
    }

    #[test]
    fn what_is_hidden_stays_hidden(
        overrides in any_overrides(), created_at in any::<u32>(), now in any::<u32>(), later in any::<u32>(),
    ) {
        let terms = terms(Plan::Developer, &overrides);
        let (created_at, now) = (i64::from(created_at) * 1000, i64::from(now) * 1000);
        let age = now - created_at;
        let shown = |now| created_at >= retention_cutoff(&terms, now).unwrap();
        prop_assert_eq!(shown(now), age <= i64::from(terms.log_retention_days.unwrap()) * DAY_MS);
        prop_assert!(shown(now) || !shown(now + i64::from(later)));
    }
}

#[test]
fn a_month_is_read_as_it_is_written() {
    assert_eq!("2026-11".parse(), Ok(Month::of(1_794_744_000_000)));
    for text in ["2026-13", "2026-00", "2026-1", "26-11", "202611", "2026-11-01", "+026-11", "1969-12", ""] {
        assert!(text.parse::<Month>().is_err(), "{text}");
    }
}

#[test]
fn a_projection_goes_on_as_before_and_never_past_what_is_recorded() {
    let month = Month::of(1_794_744_000_000); // 2026-11
    let production = terms(Plan::Production, &PLAIN);
    let at = |day: i64| month.start_ms() + day * DAY_MS;
    let none = Opened::default();
    let two = Opened { blocks: 2, cents: 1_800, last_log: 300_000 };
    // used, on which day, what is open: logs, blocks and cents at the end of the 30 days
    for (used, day, opened, expected) in [
        (0, 10, none, (0, 0, 0)),
        (30_000, 10, none, (90_000, 0, 0)),
        (40_000, 10, none, (120_000, 1, 900)),
        (250_000, 15, two, (500_000, 4, 3_600)),
        (250_000, 30, two, (250_000, 2, 1_800)),
        (2_000_000, 10, none, (3_000_000, 10, 9_000)),
    ] {
        let projected = production.projection(month, at(day), used, opened);
        let got = (projected.logs, projected.blocks, projected.overage_cents);
        assert_eq!(got, expected, "{used} on day {day}");
    }
    let first_minute = production.projection(month, month.start_ms() + 60_000, 1, none);
    assert_eq!(first_minute.logs, 720, "not by the minute");
}
