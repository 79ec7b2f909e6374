#![expect(clippy::unwrap_used, reason = "tests")]

use sea_orm::IntoActiveModel as _;

use super::*;

fn meter(organisation_id: Uuid, month: i32, used: i64) -> usage::Model {
    let zero = 0;
    usage::Model {
        organisation_id,
        month,
        used,
        dropped: zero,
        unrecorded: zero,
        expired: zero,
        overage_blocks: zero,
        updated_at: zero,
    }
}

#[test]
fn a_month_is_held_to_what_its_meter_says() {
    let meter = |used, dropped, expired, unrecorded| {
        Some(usage::Model { dropped, expired, unrecorded, ..meter(Uuid::nil(), 202_611, used) })
    };
    let (fewer, more) =
        (Difference::FewerLogs { logs: 2, used: 3 }, Difference::MoreLogs { logs: 2, used: 1 });
    let claims = Difference::Claims { claims: 4, uncounted: 3 };
    for (usage, logs, claims, is_past_retention, expected) in [
        (None, 0, 0, false, vec![]),
        (meter(2, 0, 0, 0), 2, 0, false, vec![]),
        (None, 2, 0, false, vec![Difference::NoUsage { logs: 2 }]),
        (None, 2, 0, true, vec![Difference::NoUsage { logs: 2 }]),
        (meter(3, 0, 0, 0), 2, 0, false, vec![fewer]),
        (meter(3, 0, 0, 0), 2, 0, true, vec![]),
        (meter(1, 0, 0, 0), 2, 0, false, vec![more]),
        (meter(1, 0, 0, 0), 2, 0, true, vec![more]),
        (meter(2, 1, 1, 1), 2, 3, false, vec![]),
        (meter(2, 1, 1, 1), 2, 4, false, vec![claims]),
        (meter(2, 1, 1, 1), 2, 4, true, vec![]),
    ] {
        let hours = usage.as_ref().map_or(0, |usage| unsigned(usage.used));
        let held = Held { usage, logs, claims, hours, is_past_retention, ..Held::default() };
        assert_eq!(held.differences(), expected, "{held:?}");
    }
}

#[test]
fn statistics_and_blocks_are_held_to_the_meter() {
    for (hours, blocks, is_past_statistics, expected) in [
        (5, 2, false, vec![]),
        (5, 2, true, vec![]),
        (4, 2, false, vec![Difference::Hours { hours: 4, used: 5 }]),
        (4, 2, true, vec![]),
        (6, 2, true, vec![Difference::Hours { hours: 6, used: 5 }]),
        (5, 1, true, vec![Difference::Blocks { blocks: 1, counted: 2 }]),
        (5, 3, false, vec![Difference::Blocks { blocks: 3, counted: 2 }]),
    ] {
        let usage = Some(usage::Model { overage_blocks: 2, ..meter(Uuid::nil(), 202_611, 5) });
        let held = Held { usage, logs: 5, hours, blocks, is_past_statistics, ..Held::default() };
        assert_eq!(held.differences(), expected, "{held:?}");
    }
}

#[tokio::test]
async fn every_organisation_is_on_one_page_those_that_are_not_there_too() {
    let folder = tempfile::tempdir().unwrap();
    let db = scratch::database(folder.path()).await;
    let count = u128::try_from(2 * ORGANISATIONS).unwrap();
    // Every second one is not there; one comes after all that are.
    let organisations = (0..count)
        .map(|n| scratch::organisation(Uuid::from_u128(2 * n + 2), "developer").into_active_model());
    organisation::Entity::insert_many(organisations).exec_without_returning(&db).await.unwrap();
    let meters = (0..count).map(|n| meter(Uuid::from_u128(2 * n + 3), 202_611, 1).into_active_model());
    usage::Entity::insert_many(meters).exec_without_returning(&db).await.unwrap();

    let (mut after, mut seen) = (None, Vec::new());
    loop {
        let page = page(&db, after, |_| Cutoffs::default()).await.unwrap();
        seen.extend(page.months.into_keys().map(|(organisation, _)| organisation.as_u128()));
        match page.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    assert_eq!(seen, (0..count).map(|n| 2 * n + 3).collect::<Vec<_>>());
}
