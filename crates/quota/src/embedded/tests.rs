#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;

use clock::{Clock, Ids};
use plans::Month;
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::conformance;
use crate::conformance::steps::any_steps;

fn month(yyyymm: i32) -> Month {
    Month::from_i32(yyyymm).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn it_passes_the_conformance_suite() {
    conformance::all(&(Arc::new(Embedded::new()) as Arc<dyn Ledger>), &Ids::new(Clock::system()))
        .await
        .unwrap();
}

#[tokio::test]
async fn it_forgets_what_is_no_longer_on_its_way() {
    let ids = Ids::new(Clock::system());
    conformance::nothing_is_on_its_way(&Embedded::with_in_flight(Duration::ZERO), &ids).await.unwrap();
}

#[tokio::test]
async fn it_keeps_the_newest_month_and_the_two_before() {
    let ledger = Embedded::new();
    let organisation = Uuid::from_u128(1);
    for yyyymm in [202_611, 202_612, 202_701, 202_702] {
        ledger.seed(Key { organisation, month: month(yyyymm) }, 5).await.unwrap();
    }
    let known = [202_611, 202_612, 202_701, 202_702]
        .map(|yyyymm| ledger.known(Key { organisation, month: month(yyyymm) }));
    assert_eq!(known, [None, Some(5), Some(5), Some(5)]);

    let late = Key { organisation, month: month(202_601) };
    ledger.seed(late, 7).await.unwrap();
    assert_eq!(ledger.known(late), Some(7), "a spool drained late still finds its month");
}

#[tokio::test]
async fn it_remembers_a_bounded_number_of_batches() {
    let ledger = Embedded::new();
    let key = Key { organisation: Uuid::from_u128(1), month: month(202_611) };
    let reserve = |start| ledger.reserve(key, BatchId { segment: Uuid::nil(), start }, 1, None);
    ledger.seed(key, 0).await.unwrap();
    let batches = REMEMBERED as u64;
    for start in 0..=batches {
        reserve(start).await.unwrap();
        ledger.settle(key, BatchId { segment: Uuid::nil(), start }, start + 1).await.unwrap();
    }
    assert_eq!(ledger.counters().get(key).unwrap().grants.len(), REMEMBERED);
    assert_eq!(reserve(1).await.unwrap(), Reserved::Granted { granted: 1, used: batches + 1 });
    assert_eq!(
        reserve(0).await.unwrap(),
        Reserved::Granted { granted: 1, used: batches + 2 },
        "counted anew"
    );
}

proptest! {
    #[test]
    fn it_counts_as_the_model_does_whatever_the_order(
        limit in 0..500_u64, steps in any_steps(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let key = Key { organisation: Uuid::from_u128(1), month: month(202_611) };
        runtime.block_on(conformance::follow(&Embedded::new(), key, limit, &steps)).unwrap();
    }
}
