#![expect(clippy::unwrap_used, reason = "tests")]
use std::time::Duration;

use clock::{Clock, Ids};
use plans::{Overrides, Plan};
use sea_orm::DatabaseConnection;

use super::*;
use crate::append::Rules;
use crate::exports::Exports;
use crate::spending::Limited;
use crate::{Batch, Entry, append, partitions};

const DAY: Duration = Duration::from_hours(24);

/// Pages of SQLite's file; on PostgreSQL the days that there are.
async fn size(db: &DatabaseConnection) -> i64 {
    if scratch::on_postgres() {
        return i64::try_from(partitions::days(db).await.unwrap().len()).unwrap();
    }
    let pages = Statement::from_string(DbBackend::Sqlite, "PRAGMA page_count");
    db.query_one_raw(pages).await.unwrap().unwrap().try_get("", "page_count").unwrap()
}

#[tokio::test]
async fn a_store_that_forgets_as_much_as_it_takes_in_stays_as_large_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let db = scratch::database(folder.path()).await;
    let clock = Clock::system();
    let ids = Ids::new(clock.clone());
    let organisation = ids.fresh();
    let terms = plans::terms(Plan::Developer, &Overrides::default());
    let class = plans::retention_class(&terms, 0);
    let mut sizes = Vec::new();
    for _ in 0..16 {
        let entry = |_| Entry {
            log: scratch::log(ids.log_id(), organisation),
            payload: Some(ids.fresh().as_bytes().repeat(40)),
            opinions: Vec::new(),
        };
        let entries = (0..200).map(entry).collect();
        let batch = Batch { segment: ids.fresh(), start: 0, end: 1, entries, late: Vec::new() };
        let rules = Rules {
            terms: &|_| Some(terms),
            limited: &Limited::default(),
            exports: &Exports::default(),
            searchable: true,
        };
        append(&db, batch, rules, &clock).await.unwrap();
        clock.advance(DAY);
        let now_ms = clock.now_ms();
        let kept = Kept { cutoff_ms: plans::retention_cutoff(&terms, now_ms), class };
        drop_expired(&db, now_ms, |_| kept).await.unwrap();
        while delete_expired(&db, organisation, kept, 50).await.unwrap() > 0 {}
        sizes.push(size(&db).await);
    }
    let (early, late) = (sizes[5], sizes[15]);
    assert!(late <= early + early / 20, "{sizes:?}");
    assert!(sizes[0] < early, "{sizes:?}");
}
