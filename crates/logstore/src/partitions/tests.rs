#![expect(clippy::unwrap_used, reason = "tests")]

use migration::Migrator;
use sea_orm_migration::MigratorTrait as _;

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

#[tokio::test]
async fn what_an_older_release_made_alone_gets_its_twins() {
    if !scratch::on_postgres() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let db = migration::connect(&scratch::url(folder.path()), false).await.unwrap();
    let (day, month) = (Partition::of(3, DAY), Partition::of(0, DAY));
    let there = async |partition: Partition| {
        let twin = partition.name("log_text");
        let sql = "SELECT relname::text AS name FROM pg_class WHERE relname = $1 AND relispartition";
        !names(&db, statement(sql, [twin.into()])).await.unwrap().is_empty()
    };
    // Before its migration, and by a process that goes on after it.
    let migrations = Migrator::migrations();
    let before = migrations.iter().position(|migration| migration.name() == "m20261126_log_text").unwrap();
    Migrator::up(&db, Some(u32::try_from(before).unwrap())).await.unwrap();
    let make_old = async |partition: Partition| {
        let txn = db.begin().await.unwrap();
        for table in ["log", "log_payload"] {
            make(&txn, table, partition).await.unwrap();
        }
        txn.commit().await.unwrap();
    };
    make_old(day).await;
    migration::apply(&db).await.unwrap();
    make_old(month).await;
    assert_eq!((there(day).await, there(month).await), (true, false));
    assert_eq!(ensure(&db, &[day, month].into()).await.unwrap(), 0, "those of logs are there");
    assert_eq!((there(day).await, there(month).await), (true, true));
    assert_eq!(ensure(&db, &[day, month].into()).await.unwrap(), 0);
    let txn = db.begin().await.unwrap();
    lock_class(&txn, 3).await.unwrap();
    drop(&txn, day).await.unwrap();
    txn.commit().await.unwrap();
    assert!(!there(day).await);
}
