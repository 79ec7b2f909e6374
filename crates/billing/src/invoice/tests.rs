#![expect(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;

use super::*;

const HOUR: i64 = 3_600_000;

/// 30 days.
fn november() -> Month {
    Month::from_i32(202_611).unwrap()
}

fn price(from_ms: i64, plan: Plan, monthly_price_cents: u64) -> Price {
    Price {
        from_ms,
        plan,
        monthly_price_cents,
        included_logs: None,
        block_logs: None,
        block_price_cents: None,
    }
}

fn block(month: i32, block: i32, price_cents: i64) -> overage_block::Model {
    overage_block::Model {
        organisation_id: Uuid::nil(),
        month,
        block,
        opened_at: november().start_ms() + i64::from(block) * HOUR,
        used_at_opening: 0,
        first_log: i64::from(block) * 100_000 + 1,
        last_log: (i64::from(block) + 1) * 100_000,
        price_cents,
        catalogue_version: "1".to_owned(),
        invoice_id: None,
    }
}

fn credit(amount_cents: i64) -> credit::Model {
    credit::Model {
        id: Uuid::nil(),
        organisation_id: Uuid::nil(),
        amount_cents,
        reason: "an outage".to_owned(),
        made_by: "operator".to_owned(),
        created_at: 5,
        invoice_id: None,
    }
}

fn said(lines: &[Line]) -> Vec<(&str, i64)> {
    lines.iter().map(|line| (line.description.as_str(), line.amount_cents)).collect()
}

#[test]
fn a_months_price_is_shared_by_the_second() {
    let (start, end) = (november().start_ms(), november().end_ms());
    let middle = start + (end - start) / 2;
    for (price, from, to, cents) in [
        (4_900, start, end, 4_900),
        (4_900, start - HOUR, end + HOUR, 4_900),
        (4_900, middle, end, 2_450),
        (4_900, start, middle, 2_450),
        (1, middle, end, 1),
        (1, start, middle, 1),
        (1, start, middle - 1_000, 0),
        (4_900, start, start, 0),
        (4_900, end, end + HOUR, 0),
        (4_900, end - 264_000, end, 0),
        (4_900, end - 265_000, end, 1),
        // A change within a second has all of it.
        (2_592_000, end - 1, end, 1),
        (2_592_000, end - 1_001, end, 2),
        // 10 of 30 days: 1633.33...; and without a second of them.
        (4_900, start + 372 * HOUR, end - 108 * HOUR, 1_633),
        (1_000_000, start + 372 * HOUR + 1_000, end - 108 * HOUR, 333_333),
        (0, start, end, 0),
        (u64::MAX, start, end, i64::MAX),
    ] {
        assert_eq!(share(november(), price, from, to), cents, "{price} from {from} to {to}");
    }
}

#[test]
fn each_time_on_a_plan_that_costs_is_a_line() {
    let (start, end) = (november().start_ms(), november().end_ms());
    let middle = start + 360 * HOUR;
    let whole = lines(november(), &[price(start - HOUR, Plan::Production, 4_900)], &[], &[]);
    assert_eq!(said(&whole), [("Production plan, 2026-11", 4_900)]);
    let upgraded = [price(start - HOUR, Plan::Developer, 0), price(middle, Plan::Production, 4_900)];
    let expected = "Production plan, 2026-11-16 00:00:00 to 2026-12-01 00:00:00 UTC: 1,296,000 of 2,592,000 seconds at 49.00 a month";
    assert_eq!(said(&lines(november(), &upgraded, &[], &[])), [(expected, 2_450)]);
    let to_come = [price(start, Plan::Production, 4_900), price(end, Plan::Developer, 0)];
    assert_eq!(said(&lines(november(), &to_come, &[], &[])), [("Production plan, 2026-11", 4_900)]);
    let twice = [price(start, Plan::Production, 4_900), price(middle, Plan::Enterprise, 100_000)];
    let amounts: Vec<i64> =
        lines(november(), &twice, &[], &[]).iter().map(|line| line.amount_cents).collect();
    assert_eq!(amounts, [2_450, 50_000]);
}

#[test]
fn blocks_that_follow_each_other_are_one_line_and_those_of_another_month_say_so() {
    let of = |month, numbers: &[i32]| numbers.iter().map(|n| block(month, *n, 900)).collect::<Vec<_>>();
    let three = lines(november(), &[], &of(202_611, &[1, 2, 3]), &[]);
    let text = "3 blocks of 100,000, logs 100,001 to 400,000, at 9.00; opened from 2026-11-01 01:00:00 to 2026-11-01 03:00:00 UTC";
    assert_eq!(said(&three), [(text, 2_700)]);
    assert_eq!((three[0].quantity, three[0].unit_price_cents, three[0].month), (3, 900, Some(202_611)));
    let late = lines(november(), &[], &of(202_610, &[2]), &[]);
    let text =
        "2026-10: 1 block of 100,000, logs 200,001 to 300,000, at 9.00; opened at 2026-11-01 02:00:00 UTC";
    assert_eq!(said(&late), [(text, 900)]);
    assert_eq!(late[0].kind, Kind::LateOverage);

    let mut mixed = of(202_610, &[7]);
    mixed.extend(of(202_611, &[1, 2, 4]));
    mixed.push(block(202_611, 5, 800));
    let amounts: Vec<(Kind, i64)> =
        lines(november(), &[], &mixed, &[]).iter().map(|line| (line.kind, line.amount_cents)).collect();
    let expected =
        [(Kind::Overage, 1_800), (Kind::Overage, 900), (Kind::Overage, 800), (Kind::LateOverage, 900)];
    assert_eq!(amounts, expected);
}

#[test]
fn what_credits_are_worth_past_what_is_owed_is_carried_over() {
    let production = [price(november().start_ms(), Plan::Production, 4_900)];
    let of = |credits: &[i64]| {
        let credits: Vec<_> = credits.iter().map(|cents| credit(*cents)).collect();
        let lines = lines(november(), &production, &[], &credits);
        (lines.last().unwrap().kind, total(&lines), lines.len())
    };
    assert_eq!(of(&[]), (Kind::Plan, 4_900, 1));
    assert_eq!(of(&[-900]), (Kind::Credit, 4_000, 2));
    assert_eq!(of(&[-900, 100]), (Kind::Credit, 4_100, 3));
    assert_eq!(of(&[-4_900]), (Kind::Credit, 0, 2));
    assert_eq!(of(&[-5_000]), (Kind::CarriedOver, 0, 3));
    let carried = lines(november(), &production, &[], &[credit(-10_000)]);
    assert_eq!(said(&carried)[2], ("Carried over to the next invoice", 5_100));
}

#[test]
fn money_is_written_with_two_digits_and_grouped() {
    for (cents, text) in [
        (0, "0.00"),
        (5, "0.05"),
        (900, "9.00"),
        (-90, "-0.90"),
        (123_456_789, "1,234,567.89"),
        (100_000, "1,000.00"),
        (i64::MIN, "-92,233,720,368,547,758.08"),
    ] {
        assert_eq!(money(cents), text);
    }
}

fn any_month() -> impl Strategy<Value = Month> {
    (1_970..9_999, 1..=12).prop_map(|(year, month)| Month::from_i32(year * 100 + month).unwrap())
}

proptest! {
    #[test]
    fn the_parts_of_a_month_add_up_to_its_price_however_it_is_cut(
        month in any_month(), cents in 0..1_000_000_000_u64, mut cuts in prop::collection::vec(0..1_000_000_i64, 0..20),
    ) {
        cuts.sort_unstable();
        let length = month.end_ms() - month.start_ms();
        let mut prices = vec![price(month.start_ms(), Plan::Production, cents)];
        for cut in cuts {
            prices.push(price(month.start_ms() + length / 1_000_000 * cut, Plan::Production, cents));
        }
        let lines = lines(month, &prices, &[], &[]);
        prop_assert_eq!(total(&lines), i64::try_from(cents).unwrap());
        prop_assert!(lines.iter().all(|line| line.amount_cents >= 0));
    }

    #[test]
    fn a_part_is_never_further_from_its_share_than_half_a_cent(
        month in any_month(), cents in 0..1_000_000_000_u64, from in 0..2_600_000_i64, length in 0..2_600_000_i64,
    ) {
        let (from, to) = (month.start_ms() + from * 1000, month.start_ms() + (from + length) * 1000);
        let seconds = i128::from(to.min(month.end_ms()) - from.min(month.end_ms())) / 1000;
        let whole = i128::from(month.end_ms() - month.start_ms()) / 1000;
        let part = i128::from(share(month, cents, from, to));
        prop_assert!((part * whole - i128::from(cents) * seconds).abs() * 2 <= whole);
    }

    #[test]
    fn the_total_is_the_sum_of_the_lines_and_never_negative(
        cents in 0..100_000_u64, n in 0..40_i32, late in 0..3_i32, credits in prop::collection::vec(-50_000..50_000_i64, 0..5),
    ) {
        let prices = [price(november().start_ms(), Plan::Production, cents)];
        let blocks: Vec<_> =
            (1..=late).map(|n| block(202_610, n, 900)).chain((1..=n).map(|n| block(202_611, n, 900))).collect();
        let given: Vec<_> = credits.iter().map(|cents| credit(*cents)).collect();
        let lines = lines(november(), &prices, &blocks, &given);
        let owed = i64::try_from(cents).unwrap() + 900 * i64::from(n + late) + credits.iter().sum::<i64>();
        prop_assert_eq!(lines.iter().map(|line| line.amount_cents).sum::<i64>(), total(&lines));
        prop_assert_eq!(total(&lines), owed.max(0));
        prop_assert!(lines.iter().all(|line| line.kind == Kind::Plan || line.amount_cents == line.quantity * line.unit_price_cents));
    }
}
