//! Limits that hold for several processes together, whatever becomes of Redis and of one of them.

use std::sync::atomic::Ordering;
use std::time::Duration;

use clock::Clock;
use futures_util::future::join_all;
use plans::Plan;
use redis_server::RedisServer;
use reqwest::RequestBuilder;
use serde_json::json;
use tempfile::TempDir;
use tokio::task::JoinHandle;

use super::{ask, budget, key, most, secret, shown, small, status, used};
use crate::harness::{Caller, Fleet, MASTER_KEY, TestApp, Upstream, until};

/// A server in this process that has time as processes of their own have, on a database and a Redis for both.
async fn beside_processes(redis: &RedisServer) -> TestApp {
    let dir = TempDir::new().unwrap();
    let mut settings = TestApp::settings(dir.path());
    settings.redis_url = Some(redis.url().into());
    settings.redis.timeout = Duration::from_millis(500);
    settings.master_key = Some(MASTER_KEY.into());
    TestApp::start_at(Clock::system(), dir, settings).await
}

fn fleet_beside(app: &TestApp, size: usize, redis: &RedisServer, env: &[(&str, &str)]) -> Fleet {
    use secrecy::ExposeSecret as _;
    let url = match &app.running.settings.database_url {
        Some(url) => url.expose_secret().to_owned(),
        None => format!("sqlite://{}", app.data_dir().join("turnpike.db").display()),
    };
    let mut all = vec![("TURNPIKE_DATABASE_URL", url.as_str())];
    all.extend(env);
    Fleet::start(size, redis, &all)
}

/// The same call as [`ask`], to another server.
fn ask_at(app: &TestApp, addr: std::net::SocketAddr, secret: &str, url: &str) -> RequestBuilder {
    let request = app.http.post(format!("http://{addr}/v1/chat/completions"));
    let request = request.header("x-portkey-api-key", secret).header("x-portkey-provider", "openai");
    request.header("x-portkey-custom-host", url).json(&small())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_at_several_processes_cannot_pass_a_budget_together() {
    const FIT: u64 = 7;
    let redis = RedisServer::start();
    let app = beside_processes(&redis).await;
    let org = app.org(Plan::Enterprise).await;
    let fleet = fleet_beside(&app, 3, &redis, &[]);
    let addrs = fleet.addrs();
    let mut upstream = Upstream::start().await;
    let url = upstream.url();
    let (secret, id) = secret(&org, budget("tokens", FIT * most() + most() / 2)).await;
    let path = format!("/v1/api-keys/{id}");
    // None is answered before all have asked: so many as fit are under way together, and no more.
    let calls: Vec<_> =
        (0..40).map(|at| tokio::spawn(ask_at(&app, addrs[at % addrs.len()], &secret, &url).send())).collect();
    let mut under_way = Vec::new();
    for _ in 0..FIT {
        under_way.push(upstream.asked().await);
    }
    until("all others are refused", || async {
        (calls.iter().filter(|call| call.is_finished()).count() as u64 == 40 - FIT).then_some(())
    })
    .await;
    // What is used is less than what was reserved: there is room for more, never for more than there is.
    for exchange in under_way {
        exchange.json(200, &used(most() - 10)).await;
    }
    let mut refused = 0;
    for call in calls {
        refused += u64::from(call.await.unwrap().unwrap().status() == 412);
    }
    assert_eq!(refused, 40 - FIT);
    until("what was used is in the rows", || async {
        let key = shown(&org, &path).await;
        (key["usage_limits"]["current_usage"] == FIT * (most() - 10)).then_some(())
    })
    .await;
    let asked = upstream.answer_all(used(most() - 10));
    until("what was reserved and not used is free again", || async {
        (status(ask_at(&app, addrs[0], &secret, &url)).await == 200).then_some(())
    })
    .await;
    // Until nothing fits any more, at all of them at once.
    loop {
        let calls = (0..12).map(|at| status(ask_at(&app, addrs[at % addrs.len()], &secret, &url)));
        if join_all(calls).await.iter().all(|status| *status == 412) {
            break;
        }
    }
    let passed = FIT + asked.load(Ordering::SeqCst) as u64;
    until("all is in the rows", || async {
        let spent = shown(&org, &path).await["usage_limits"]["current_usage"].as_u64().unwrap();
        assert!(spent <= FIT * most() + most() / 2, "{spent}");
        (spent == passed * (most() - 10)).then_some(())
    })
    .await;
    assert!(passed > FIT, "{passed}");
}

/// What a process that was killed had reserved is taken for so long, and no longer.
async fn is_free_after(deadline: Duration, app: &TestApp, caller: &Caller<'_>, upstream: Upstream) {
    let url = upstream.url();
    assert_eq!(status(ask(caller, &url)).await, 412, "nobody knows that it was killed");
    upstream.answer_all(used(10));
    app.clock.advance(deadline);
    assert_eq!(status(ask(caller, &url)).await, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_killed_process_had_reserved_is_free_after_its_deadline() {
    let redis = RedisServer::start();
    let app = beside_processes(&redis).await;
    let org = app.org(Plan::Enterprise).await;
    let mut fleet = fleet_beside(&app, 1, &redis, &[]);
    let mut upstream = Upstream::start().await;
    let url = upstream.url();
    assert_eq!(100 / most(), 1, "one call fits, two do not");
    let (secret, _) = secret(&org, budget("tokens", 100)).await;
    let caller = org.with_key(&secret);
    let calls = [0, 1].map(|_| tokio::spawn(ask_at(&app, fleet.addrs()[0], &secret, &url).send()));
    let _held = upstream.asked().await;
    until("the other is refused", || async { calls.iter().any(JoinHandle::is_finished).then_some(()) }).await;
    fleet.kill(0);
    for call in calls {
        let ended = call.await.unwrap();
        assert!(ended.is_err() || ended.unwrap().status() == 412);
    }
    // 10 minutes for the head of an answer, 5 of a pause in it, one for its log.
    is_free_after(Duration::from_mins(17), &app, &caller, upstream).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_process_that_is_killed_between_attempts_had_reserved_is_free_after_their_deadline() {
    let redis = RedisServer::start();
    let app = beside_processes(&redis).await;
    let org = app.org(Plan::Enterprise).await;
    // A retry that is waited for longer than any test takes.
    let mut fleet = fleet_beside(&app, 1, &redis, &[("TURNPIKE_GATEWAY__RETRY_BASE_MS", "60000")]);
    let mut upstream = Upstream::start().await;
    let url = upstream.url();
    let (secret, _) = secret(&org, budget("tokens", 100)).await;
    let caller = org.with_key(&secret);
    let config = json!({"retry": {"attempts": 2}, "request_timeout": 60_000}).to_string();
    let calling = ask_at(&app, fleet.addrs()[0], &secret, &url).header("x-portkey-config", config);
    let calling = tokio::spawn(calling.send());
    upstream.asked().await.json(503, &json!({"error": {"message": "busy"}})).await;
    assert_eq!(status(ask(&caller, &url)).await, 412, "it is reserved while the next attempt is waited for");
    fleet.kill(0);
    assert!(calling.await.unwrap().is_err());
    // Three attempts of a minute each and the pauses between them, 5 of a pause in an answer, one for its log.
    is_free_after(Duration::from_mins(15), &app, &caller, upstream).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_is_flushed_is_told_what_was_spent() {
    let redis = RedisServer::start();
    let app = beside_processes(&redis).await;
    let org = app.org(Plan::Enterprise).await;
    let upstream = Upstream::start().await;
    let url = upstream.url();
    upstream.answer_all(used(400));
    let (caller, id) = key(&org, budget("tokens", 1_000)).await;
    for spent in [400, 800, 1_200] {
        assert_eq!(status(ask(&caller, &url)).await, 200, "{spent}");
        until("it is spent", || async {
            let key = shown(&org, &format!("/v1/api-keys/{id}")).await;
            (key["usage_limits"]["current_usage"] == spent).then_some(())
        })
        .await;
        assert!(redis.command("FLUSHALL").starts_with("+OK"));
    }
    assert_eq!(status(ask(&caller, &url)).await, 412);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_redis_is_away_calls_with_limits_pass_or_are_refused_by_setting_and_others_pass() {
    for (on_redis_away, expected) in
        [(settings::OnRedisAway::Pass, 200), (settings::OnRedisAway::Refuse, 503)]
    {
        let mut redis = RedisServer::start();
        let app = TestApp::with(|settings| {
            settings.redis_url = Some(redis.url().into());
            settings.redis.timeout = Duration::from_millis(500);
            settings.limits.on_redis_away = on_redis_away;
        })
        .await;
        let org = app.org(Plan::Enterprise).await;
        let upstream = Upstream::start().await;
        let url = upstream.url();
        upstream.answer_all(used(400));
        let (caller, id) = key(&org, budget("tokens", 1_000)).await;
        let free = org.with_key(&org.key);
        assert_eq!(status(ask(&caller, &url)).await, 200);
        redis.kill();
        until("Redis is missed", || async { (status(ask(&caller, &url)).await == expected).then_some(()) })
            .await;
        assert_eq!(status(ask(&free, &url)).await, 200);
        let response = ask(&caller, &url).send().await.unwrap();
        assert_eq!(response.status().as_u16(), expected);
        assert_eq!(response.headers().contains_key("retry-after"), expected == 503);
        if expected == 200 {
            // What passed is spent all the same.
            until("it is spent", || async {
                (shown(&org, &format!("/v1/api-keys/{id}")).await["status"] == "exhausted").then_some(())
            })
            .await;
        }
        redis.restart();
        let after = if expected == 200 { 412 } else { 200 };
        until("limits hold again", || async { (status(ask(&caller, &url)).await == after).then_some(()) })
            .await;
    }
}
