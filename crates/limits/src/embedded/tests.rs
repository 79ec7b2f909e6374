#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;

use clock::{Clock, Ids};
use proptest::prelude::*;

use super::*;
use crate::conformance;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn it_passes_the_conformance_suite() {
    let ids = Ids::new(Clock::system());
    conformance::all(&(Arc::new(Embedded::new()) as Arc<dyn Ledger>), || ids.fresh()).await.unwrap();
}

#[tokio::test]
async fn what_is_past_is_forgotten_and_a_budget_is_unknown_then() {
    let (ledger, organisation) = (Embedded::new(), Uuid::from_u128(1));
    let call = |at_ms| Call { organisation, id: Uuid::from_u128(2), at_ms, expires_ms: at_ms + 5 };
    let ask = |n: usize, kind| Ask { counter: format!("{n}"), kind, limit: 5, n: 1, keep_ms: 1_000 };
    ledger.seed(organisation, "budget", 0, 1_000).await.unwrap();
    for n in 1..LOOK_FROM {
        ledger.reserve(call(1), &[ask(n, Kind::Requests)]).await.unwrap();
    }
    ledger.reserve(call(2_000), &[ask(LOOK_FROM, Kind::Requests)]).await.unwrap();
    assert_eq!(ledger.counters().of.len(), 1);
    let budget = Ask { counter: "budget".to_owned(), ..ask(0, Kind::Budget) };
    assert_eq!(ledger.reserve(call(2_000), &[budget]).await.unwrap(), Answer::Unknown(vec![0]));
}

proptest! {
    #[test]
    fn it_counts_as_the_model_does_whatever_the_order(steps in conformance::any_steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(conformance::follow(&Embedded::new(), Uuid::from_u128(1), &steps)).unwrap();
    }
}
