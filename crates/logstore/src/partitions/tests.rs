#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;

/// 2026-11-24T00:00:00Z.
const DAY: i64 = 1_795_478_400_000;

#[test]
fn a_log_is_in_the_day_of_its_class_or_the_month_of_those_kept_for_ever() {
    for (class, created_at, name, start_ms, end_ms) in [
        (30, DAY, "log_c30_d20261124", DAY, DAY + DAY_MS),
        (30, DAY + DAY_MS - 1, "log_c30_d20261124", DAY, DAY + DAY_MS),
        (3, DAY - 1, "log_c3_d20261123", DAY - DAY_MS, DAY),
        (0, DAY, "log_c0_m202611", 1_793_491_200_000, 1_796_083_200_000),
        (0, 1_796_083_199_999, "log_c0_m202611", 1_793_491_200_000, 1_796_083_200_000),
        (i16::MAX, 0, "log_c32767_d19700101", 0, DAY_MS),
    ] {
        let partition = Partition::of(class, created_at);
        assert_eq!((partition.start_ms(), partition.end_ms()), (start_ms, end_ms), "{name}");
        assert_eq!(partition.name("log"), name);
        assert_eq!(Partition::day_named(name), (class != 0).then_some(partition), "{name}");
    }
    for name in ["log_c3", "log_payload_c3_d20261124", "log_c3_d2026", "usage"] {
        assert_eq!(Partition::day_named(name), None, "{name}");
    }
}

#[tokio::test]
async fn those_that_are_missing_are_made_once_however_many_ask_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let db = scratch::database(folder.path()).await;
    let wanted: BTreeSet<Partition> =
        [Partition::of(3, DAY), Partition::of(3, DAY + DAY_MS), Partition::of(0, DAY)].into();
    let (a, b, c) = tokio::join!(ensure(&db, &wanted), ensure(&db, &wanted), ensure(&db, &wanted));
    let made = a.unwrap() + b.unwrap() + c.unwrap();
    assert_eq!(made, if scratch::on_postgres() { 3 } else { 0 });
    assert_eq!(days(&db).await.unwrap().len(), if scratch::on_postgres() { 2 } else { 0 });
    assert_eq!(ensure(&db, &wanted).await.unwrap(), 0);
}
