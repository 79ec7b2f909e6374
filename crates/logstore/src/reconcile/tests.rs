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
        let held = Held { usage, logs, claims, is_past_retention };
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
        let page = page(&db, after, |_| None).await.unwrap();
        seen.extend(page.months.into_keys().map(|(organisation, _)| organisation.as_u128()));
        match page.next {
            Some(next) => after = Some(next),
            None => break,
        }
    }
    assert_eq!(seen, (0..count).map(|n| 2 * n + 3).collect::<Vec<_>>());
}
