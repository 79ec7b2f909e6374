#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;

use clock::{Clock, Ids};
use plans::Month;
use proptest::prelude::*;
use redis_server::RedisServer;
use tokio::runtime::Runtime;
use uuid::Uuid;

use super::*;
use crate::conformance::{self, steps::any_steps};

/// Longer than any answer takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

fn ledger(server: &RedisServer) -> Redis {
    Redis::connect(&server.url().into(), PATIENCE).unwrap()
}

fn key() -> Key {
    Key { organisation: Ids::new(Clock::system()).fresh(), month: Month::from_i32(202_611).unwrap() }
}

fn batch(start: u64) -> BatchId {
    BatchId { segment: Uuid::from_u128(1), start }
}

/// The first answer that is one: after a failure Redis is left alone for a moment.
async fn answered<T>(mut ask: impl AsyncFnMut() -> Result<T, Error>) -> T {
    let answering = async {
        loop {
            match ask().await {
                Ok(answer) => return answer,
                Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
            }
        }
    };
    tokio::time::timeout(PATIENCE, answering).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn it_passes_the_conformance_suite() {
    let server = RedisServer::start();
    let shared: Arc<dyn Ledger> = Arc::new(ledger(&server));
    conformance::all(&shared, &Ids::new(Clock::system())).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn it_passes_the_conformance_suite_on_a_cluster() {
    let server = RedisServer::start_cluster();
    let across = server.command("MSET turnpike:a 1 turnpike:b 2");
    assert!(across.starts_with("-CROSSSLOT"), "{across}");
    let shared: Arc<dyn Ledger> = Arc::new(ledger(&server));
    conformance::all(&shared, &Ids::new(Clock::system())).await.unwrap();
}

#[tokio::test]
async fn it_forgets_what_is_no_longer_on_its_way() {
    let server = RedisServer::start();
    let ledger = ledger(&server).with_in_flight(Duration::ZERO);
    conformance::nothing_is_on_its_way(&ledger, &Ids::new(Clock::system())).await.unwrap();
}

#[test]
fn it_counts_as_the_model_does_whatever_the_order() {
    let (server, runtime) = (RedisServer::start(), Runtime::new().unwrap());
    let ledger = runtime.block_on(async { ledger(&server) });
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(48));
    let cases = (0..500_u64, any_steps());
    runner
        .run(&cases, |(limit, steps)| {
            runtime.block_on(conformance::follow(&ledger, key(), limit, &steps)).unwrap();
            Ok(())
        })
        .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn processes_that_race_are_granted_exactly_the_limit_also_when_the_scripts_are_flushed() {
    const LIMIT: u64 = 700;
    let (server, key) = (Arc::new(RedisServer::start()), key());
    ledger(&server).seed(key, 0).await.unwrap();
    let racers = (0..6).map(|process| {
        let server = Arc::clone(&server);
        tokio::spawn(async move {
            let ledger = ledger(&server);
            let segment = Uuid::from_u128(process);
            let mut sum = 0;
            for start in 0..40 {
                if start % 10 == 5 {
                    assert!(server.command("SCRIPT FLUSH").starts_with("+OK"));
                }
                let batch = BatchId { segment, start };
                let first = ledger.reserve(key, batch, 1 + start % 7, Some(LIMIT)).await.unwrap();
                let again = ledger.reserve(key, batch, 9, Some(LIMIT)).await.unwrap();
                let (Reserved::Granted { granted, .. }, Reserved::Granted { granted: same, .. }) =
                    (first, again)
                else {
                    unreachable!("the counter was seeded")
                };
                assert_eq!(granted, same);
                sum += granted;
            }
            sum
        })
    });
    let mut sum = 0;
    for racer in racers.collect::<Vec<_>>() {
        sum += racer.await.unwrap();
    }
    assert_eq!(sum, LIMIT);
}

#[tokio::test]
async fn a_redis_that_lost_its_data_knows_nothing_and_is_seeded_once() {
    let mut server = RedisServer::start();
    let (ledger, other, key) = (ledger(&server), ledger(&server), key());
    ledger.seed(key, 5).await.unwrap();
    assert_eq!(
        ledger.reserve(key, batch(0), 3, Some(100)).await.unwrap(),
        Reserved::Granted { granted: 3, used: 8 }
    );
    for restart in [false, true] {
        if restart {
            server.restart();
        } else {
            assert!(server.command("FLUSHALL").starts_with("+OK"));
        }
        let lost = answered(async || ledger.reserve(key, batch(0), 3, Some(100)).await).await;
        assert_eq!(lost, Reserved::Unknown, "restart: {restart}");
        assert_eq!(ledger.known(key), Some(8), "what was seen last");
        answered(async || ledger.seed(key, 5).await).await;
        answered(async || other.seed(key, 0).await).await;
        for ledger in [&other, &ledger] {
            let again = answered(async || ledger.reserve(key, batch(0), 3, Some(100)).await).await;
            assert_eq!(again, Reserved::Granted { granted: 3, used: 8 });
        }
    }
}

#[tokio::test]
async fn a_redis_that_is_away_or_hangs_costs_its_timeout_now_and_then() {
    let mut server = RedisServer::start();
    let ledger = Redis::connect(&server.url().into(), Duration::from_millis(50)).unwrap();
    let key = key();
    answered(async || ledger.seed(key, 1).await).await;
    server.hang();
    let begun = std::time::Instant::now();
    for start in 0..1000 {
        assert!(ledger.reserve(key, batch(start), 1, None).await.is_err());
    }
    // Each would take 50 ms if it waited: 50 s.
    assert!(begun.elapsed() < PATIENCE, "{:?}", begun.elapsed());
    server.go_on();
    let got = answered(async || ledger.reserve(key, batch(5000), 1, None).await).await;
    assert!(matches!(got, Reserved::Granted { granted: 1, .. }), "{got:?}");
    server.kill();
    assert!(ledger.reserve(key, batch(5001), 1, None).await.is_err());
    server.restart();
    assert_eq!(answered(async || ledger.reserve(key, batch(5001), 1, None).await).await, Reserved::Unknown);
}

#[tokio::test]
async fn every_key_of_an_organisation_is_on_one_node_and_expires() {
    let server = RedisServer::start();
    let (ledger, key) = (ledger(&server), key());
    ledger.seed(key, 0).await.unwrap();
    for start in 0..2 {
        ledger.reserve(key, batch(start), 1, Some(10)).await.unwrap();
    }
    ledger.settle(key, batch(0), 1).await.unwrap();
    let tag = format!("{{{}}}", key.organisation);
    let keys = server.command("KEYS *");
    let keys: Vec<&str> = keys.lines().filter(|line| line.starts_with("turnpike:")).collect();
    assert_eq!(keys.len(), 4, "{keys:?}");
    for name in keys {
        assert!(name.contains(&tag), "{name}");
        let ttl = server.command(&format!("TTL {name}"));
        let days: i64 = ttl.trim_start_matches(':').lines().next().unwrap().parse::<i64>().unwrap() / 86_400;
        let least = if name.ends_with("202611") { 90 } else { 1 };
        assert!(days >= least, "{name}: {days} days");
    }
}

#[tokio::test]
async fn an_address_that_is_none_is_refused_without_its_password() {
    for url in ["http://:hunter2@cache", "cache:6379", ""] {
        let error = Redis::connect(&url.into(), PATIENCE).err().unwrap().to_string();
        assert!(error.contains("redis_url") && !error.contains("hunter2"), "{error}");
    }
}
