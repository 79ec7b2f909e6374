//! PostgreSQL is away for a while: who is known goes on, who is not is told so, and nothing is lost or there twice.
//! What is the same on SQLite is in `shipping`.

use redis_server::RedisServer;

use crate::harness::{Fleet, Proxy, Tenant, chat, load, until};

const CALLS: usize = 240;

async fn status(fleet: &Fleet, key: &str) -> u16 {
    let url = format!("http://{}/v1/chat/completions", fleet.addrs()[0]);
    let request = reqwest::Client::new().post(url).json(&chat("hi")).header("x-portkey-api-key", key);
    let response = request.header("x-portkey-provider", "echo").send().await.unwrap();
    let status = response.status().as_u16();
    response.bytes().await.unwrap();
    status
}

/// Two servers that reach PostgreSQL through a proxy, and two organisations of which they know the first.
async fn behind_a_proxy(redis: &RedisServer) -> (Fleet, Proxy, [Tenant; 2]) {
    let mut fleet = Fleet::new(redis, &[("TURNPIKE_GATEWAY__KEY_CACHE_TTL_MS", "50")]);
    let tenants = [fleet.org("enterprise"), fleet.org("production")];
    let proxy = fleet.behind_proxy().await;
    fleet.grow(2);
    let (_, calls) = load(&fleet.addrs(), &tenants[0], 4);
    calls.await;
    (fleet, proxy, tenants)
}

// The proxy runs on while a process is waited for.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn known_keys_go_on_without_postgresql_and_no_log_is_lost_or_doubled() {
    if !scratch::on_postgres() {
        return;
    }
    let redis = RedisServer::start();
    let (mut fleet, proxy, [known, unknown]) = behind_a_proxy(&redis).await;
    let (mut progress, calls) = load(&fleet.addrs(), &known, CALLS);
    let outages = async {
        progress.reached(CALLS / 4).await;
        proxy.cut();
        assert_eq!(status(&fleet, &unknown.key).await, 503);
        assert_eq!(status(&fleet, "tpk_of_nobody").await, 503);
        progress.reached(CALLS / 2).await;
        proxy.restore();
        progress.reached(CALLS * 3 / 4).await;
        // In the middle of what waited for it.
        proxy.cut();
        proxy.restore();
    };
    let (answered, ()) = tokio::join!(calls, outages);
    until("the unknown one is known", || async { (status(&fleet, &unknown.key).await == 200).then_some(()) })
        .await;
    fleet.stop();
    assert_eq!((answered.ids.len(), answered.cut), (CALLS, 0));
    let logs = fleet.logs().await;
    let missing: Vec<_> = answered.ids.iter().filter(|id| logs.binary_search(id).is_err()).collect();
    assert!(missing.is_empty(), "answered, and not logged: {missing:?}");
    assert_eq!(fleet.counts(&known).await, [i64::try_from(CALLS + 4).unwrap(), 0, 0]);
    assert_eq!(fleet.counts(&unknown).await[0], 1);
    assert_eq!(fleet.reconcile()["logs"], CALLS + 5);
}
