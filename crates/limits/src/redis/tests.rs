#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;

use clock::{Clock, Ids};
use proptest::prelude::*;
use redis_server::RedisServer;

use super::*;
use crate::conformance;

/// Longer than any answer takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

fn ledger(server: &RedisServer) -> Redis {
    Redis::connect(&server.url().into(), PATIENCE).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn it_passes_the_conformance_suite() {
    let (server, ids) = (RedisServer::start(), Ids::new(Clock::system()));
    conformance::all(&(Arc::new(ledger(&server)) as Arc<dyn Ledger>), || ids.fresh()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn it_passes_the_conformance_suite_on_a_cluster() {
    let (server, ids) = (RedisServer::start_cluster(), Ids::new(Clock::system()));
    conformance::all(&(Arc::new(ledger(&server)) as Arc<dyn Ledger>), || ids.fresh()).await.unwrap();
}

#[test]
fn it_counts_as_the_model_does_whatever_the_order() {
    let (server, runtime) = (RedisServer::start(), tokio::runtime::Runtime::new().unwrap());
    let (ledger, ids) = (runtime.block_on(async { ledger(&server) }), Ids::new(Clock::system()));
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(48));
    runner
        .run(&conformance::any_steps(), |steps| {
            runtime.block_on(conformance::follow(&ledger, ids.fresh(), &steps)).unwrap();
            Ok(())
        })
        .unwrap();
}

fn ask(counter: &str, kind: Kind) -> Ask {
    Ask { counter: counter.to_owned(), kind, limit: 10, n: 1, keep_ms: 60_000 }
}

#[tokio::test]
async fn every_key_of_an_organisation_is_on_one_node_and_expires() {
    let (server, organisation) = (RedisServer::start(), Uuid::from_u128(7));
    let ledger = ledger(&server);
    let call = Call { organisation, id: Uuid::from_u128(1), at_ms: 1, expires_ms: 9_000 };
    let asks = [ask("b", Kind::Budget), ask("t", Kind::Tokens), ask("r", Kind::Requests)];
    ledger.seed(organisation, "b", 0, 60_000).await.unwrap();
    assert_eq!(ledger.reserve(call, &asks).await.unwrap(), Answer::Reserved);
    let told =
        Settling { counter: "c".to_owned(), kind: Kind::Budget, row: 3, calls: Vec::new(), keep_ms: 60_000 };
    ledger.settle(organisation, &[told]).await.unwrap();
    let keys = server.command("KEYS *");
    let keys: Vec<&str> = keys.lines().filter(|line| line.starts_with("turnpike:")).collect();
    assert_eq!(keys.len(), 4, "{keys:?}");
    for name in keys {
        assert!(name.contains(&format!("{{{organisation}}}")), "{name}");
        let ttl = server.command(&format!("PTTL {name}"));
        let ms: i64 = ttl.trim_start_matches(':').lines().next().unwrap().parse().unwrap();
        assert!((1..=60_000).contains(&ms), "{name}: {ms} ms");
    }
}

#[tokio::test]
async fn a_redis_that_lost_its_data_knows_no_budget_and_scripts_are_told_again() {
    let (server, organisation) = (RedisServer::start(), Uuid::from_u128(7));
    let ledger = ledger(&server);
    let call = Call { organisation, id: Uuid::from_u128(1), at_ms: 1, expires_ms: 9_000 };
    ledger.seed(organisation, "b", 0, 60_000).await.unwrap();
    assert!(server.command("SCRIPT FLUSH").starts_with("+OK"));
    let reserve = || async { ledger.reserve(call, &[ask("b", Kind::Budget)]).await.unwrap() };
    assert_eq!(reserve().await, Answer::Reserved);
    assert!(server.command("FLUSHALL").starts_with("+OK"));
    assert_eq!(reserve().await, Answer::Unknown(vec![0]));
}
