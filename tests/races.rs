//! Several processes that race for one quota, while what they share or they themselves go away: the plan's logs are
//! recorded exactly, every call is answered, and `turnpike reconcile` agrees.

use std::collections::HashSet;

use redis_server::RedisServer;

use crate::harness::{Fleet, Progress, load};

/// What the Developer plan has here, unless a test says otherwise.
const QUOTA: usize = 250;
const CALLS: usize = 300;

fn included(logs: usize) -> [(&'static str, String); 1] {
    [("TURNPIKE_PLANS__DEVELOPER__INCLUDED_LOGS", logs.to_string())]
}

fn fleet(redis: &RedisServer, quota: usize) -> Fleet {
    let [(name, value)] = included(quota);
    Fleet::start(4, redis, &[(name, &value)])
}

fn signed(n: usize) -> i64 {
    i64::try_from(n).unwrap()
}

// Calls go on while a command is waited for.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn four_processes_record_what_the_plan_has_to_the_log() {
    let redis = RedisServer::start();
    let mut fleet = fleet(&redis, 1_000);
    let tenant = fleet.org("developer");
    let (mut progress, calls) = load(&fleet.addrs(), &tenant, 1_200);
    for reached in [300, 600, 900] {
        progress.reached(reached).await;
        // Batches are between the store and the ledger all the time.
        fleet.reconcile();
    }
    assert_eq!(calls.await.ids.len(), 1_200);
    fleet.stop();
    assert_eq!(fleet.counts(&tenant).await, [1_000, 200, 0]);
    let summary = fleet.reconcile();
    assert_eq!(
        (&summary["used"], &summary["logs"], &summary["dropped"]),
        (&1_000.into(), &1_000.into(), &200.into())
    );
    assert_eq!(summary["ledger_agrees"], 1, "{summary}");
}

#[tokio::test]
async fn a_redis_that_comes_back_empty_changes_nothing() {
    with_failing_redis(async |progress, redis| {
        progress.reached(CALLS / 3).await;
        redis.kill();
        progress.reached(CALLS / 2).await;
        redis.restart();
    })
    .await;
}

#[tokio::test]
async fn a_redis_that_comes_back_with_old_counts_changes_nothing() {
    with_failing_redis(async |progress, redis| {
        progress.reached(CALLS / 5).await;
        redis.save();
        progress.reached(CALLS / 2).await;
        redis.restart_as_saved();
    })
    .await;
}

/// Calls past the quota while `fail` does what it does to Redis: exactly the quota is recorded, and all agrees.
async fn with_failing_redis(fail: impl AsyncFnOnce(&mut Progress, &mut RedisServer)) {
    let mut redis = RedisServer::start();
    let mut fleet = fleet(&redis, QUOTA);
    let tenant = fleet.org("developer");
    let (mut progress, calls) = load(&fleet.addrs(), &tenant, CALLS);
    let (answered, ()) = tokio::join!(calls, fail(&mut progress, &mut redis));
    let more = fleet.settle(&tenant, &format!("{QUOTA}/{QUOTA}")).await;
    fleet.stop();
    let dropped = answered.ids.len() + more - QUOTA;
    assert_eq!(fleet.counts(&tenant).await, [signed(QUOTA), signed(dropped), 0]);
    assert_eq!(fleet.reconcile()["ledger_agrees"], 1);
}

#[tokio::test]
async fn processes_that_are_killed_lose_and_repeat_no_log_whoever_ships_what_they_left() {
    let redis = RedisServer::start();
    let mut fleet = fleet(&redis, QUOTA);
    let (limited, unlimited) = (fleet.org("developer"), fleet.org("enterprise"));
    let (_, calls) = load(&fleet.addrs(), &limited, CALLS);
    let (mut progress, others) = load(&fleet.addrs(), &unlimited, CALLS);
    let killing = async {
        progress.reached(CALLS / 3).await;
        fleet.kill(0);
        progress.reached(CALLS / 2).await;
        fleet.kill(1);
    };
    let (calls, others, ()) = tokio::join!(calls, others, killing);
    fleet.restart(0);
    let drained = fleet.drain(1);
    assert_eq!(drained["damaged"], 0, "{drained}");
    fleet.stop();

    let logs = fleet.logs().await;
    let there: HashSet<&String> = logs.iter().collect();
    assert_eq!(there.len(), logs.len(), "a call is logged twice");
    let missing: Vec<_> = others.ids.iter().filter(|id| !there.contains(id)).collect();
    assert!(missing.is_empty(), "answered, and not logged: {missing:?}");
    // A call that the kill cut may have its log, or have been dropped; it may also never have begun.
    let [used, dropped, unrecorded] = fleet.counts(&unlimited).await;
    assert_eq!((dropped, unrecorded), (0, 0));
    assert!((signed(CALLS)..=signed(CALLS + others.cut)).contains(&used), "{used} of {CALLS}");
    let [used, dropped, unrecorded] = fleet.counts(&limited).await;
    assert_eq!((used, unrecorded), (signed(QUOTA), 0));
    let past = CALLS - QUOTA;
    assert!((signed(past)..=signed(past + calls.cut)).contains(&dropped), "{dropped} of {past}");
    assert_eq!(fleet.reconcile()["logs"], logs.len());
}
