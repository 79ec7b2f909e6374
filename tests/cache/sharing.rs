//! Who gets whose kept answers, and what of them is anywhere.

use std::net::SocketAddr;
use std::sync::atomic::Ordering;

use futures_util::future::join_all;
use plans::Plan;
use redis_server::RedisServer;
use reqwest::RequestBuilder;
use serde_json::json;

use super::{config, heard, limited, simple, statuses, under};
use crate::harness::{Fleet, Tenant, TestApp, Upstream, answer, chat, until};

#[tokio::test]
async fn answers_are_shared_by_the_keys_of_a_workspace_and_by_no_other() {
    let app = TestApp::start().await;
    let (ours, theirs) = (app.org(Plan::Developer).await, app.org(Plan::Developer).await);
    let upstream = Upstream::start().await;
    let config = config(&upstream.url(), &simple());
    upstream.answer_all(answer("hello"));
    let other = limited(&ours, json!({})).await;
    let other_virtual_key = config.replace("sk-1", "sk-2");
    let ask = |key: &str, config: &str| under(&ours.with_key(key), config).json(&chat("hi"));
    assert_eq!(heard(ask(&ours.key, &config)).await.1, "MISS");
    assert_eq!(heard(ask(other["key"].as_str().unwrap(), &config)).await.1, "HIT", "another key");
    assert_eq!(heard(ask(&ours.key, &other_virtual_key)).await.1, "HIT", "another credential");
    assert_eq!(heard(ask(&theirs.key, &config)).await.1, "MISS", "another organisation");
    assert_eq!(heard(ask(&theirs.key, &config)).await.1, "HIT");
    let (next_door, _) = ours.neighbour().await;
    assert_eq!(heard(ask(&next_door, &config)).await.1, "MISS", "another workspace of the organisation");
    assert_eq!(heard(ask(&next_door, &config)).await.1, "HIT");
}

#[tokio::test]
async fn under_do_not_track_nothing_is_read_or_kept() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let upstream = Upstream::start().await;
    let (caller, config) = (org.with_key(&org.key), config(&upstream.url(), &simple()));
    let asked = upstream.answer_all(answer("hello"));
    let plain = || under(&caller, &config).json(&chat("hi"));
    let untracked = || plain().header("x-portkey-debug", "false");
    assert_eq!(statuses(untracked).await, ["DISABLED", "DISABLED"]);
    assert_eq!(statuses(plain).await, ["MISS", "HIT"], "nothing was kept");
    assert_eq!(statuses(untracked).await, ["DISABLED", "DISABLED"], "nothing is read");
    assert_eq!(asked.load(Ordering::SeqCst), 5);
}

#[tokio::test]
async fn of_equal_calls_at_once_one_is_made_upstream() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let mut upstream = Upstream::start().await;
    let (caller, config) = (org.with_key(&org.key), config(&upstream.url(), &simple()));
    let calls: Vec<_> =
        (0..20).map(|_| tokio::spawn(heard(under(&caller, &config).json(&chat("hi"))))).collect();
    upstream.asked().await.json(200, &answer("hello")).await;
    let asked = upstream.answer_all(answer("again"));
    let heard: Vec<_> = join_all(calls).await.into_iter().map(Result::unwrap).collect();
    let of = |status: &str| heard.iter().filter(|(_, cache, _)| cache == status).count();
    assert_eq!((of("MISS"), of("HIT")), (1, 19));
    assert!(heard.iter().all(|(status, _, body)| *status == 200 && body == &heard[0].2));
    assert_eq!(asked.load(Ordering::SeqCst), 0);
    assert_eq!(org.rows("limit=50", 20).await.len(), 20, "each has its log");
    app.reconcile();
}

fn at(http: &reqwest::Client, addr: SocketAddr, tenant: &Tenant, config: &str) -> RequestBuilder {
    let request = http.post(format!("http://{addr}/v1/chat/completions"));
    let request = request.header("x-portkey-api-key", &tenant.key).header("x-portkey-config", config);
    request.json(&chat("hi"))
}

#[tokio::test]
async fn processes_share_answers_through_redis_and_go_on_without_it() {
    let mut redis = RedisServer::start();
    let fleet = Fleet::start(2, &redis, &[]);
    let (ours, theirs) = (fleet.org("developer"), fleet.org("enterprise"));
    let upstream = Upstream::start().await;
    let config = config(&upstream.url(), &simple());
    let asked = upstream.answer_all(answer("hello"));
    let (http, addrs) = (reqwest::Client::new(), fleet.addrs());
    let kept = |redis: &RedisServer| redis.command("KEYS *:answer:*");

    let untracked = at(&http, addrs[0], &ours, &config).header("x-portkey-debug", "false");
    assert_eq!(heard(untracked).await.1, "DISABLED");
    assert!(kept(&redis).starts_with("*0"), "{}", kept(&redis));

    assert_eq!(heard(at(&http, addrs[0], &ours, &config)).await.1, "MISS");
    until("the answer is in Redis", || async { kept(&redis).starts_with("*1").then_some(()) }).await;
    assert!(kept(&redis).contains(&format!("turnpike:{{{}}}:answer:", ours.id)), "{}", kept(&redis));
    assert_eq!(heard(at(&http, addrs[1], &ours, &config)).await.1, "HIT");
    assert_eq!(heard(at(&http, addrs[1], &theirs, &config)).await.1, "MISS");
    assert_eq!(asked.load(Ordering::SeqCst), 3);

    redis.kill();
    for addr in addrs {
        let (status, cache, _) = heard(at(&http, addr, &ours, &config)).await;
        assert_eq!((status, cache.as_str()), (200, "MISS"), "without Redis nothing is kept");
    }
    redis.restart();
    until("answers are kept again", || async {
        (heard(at(&http, fleet.addrs()[0], &ours, &config)).await.1 == "HIT").then_some(())
    })
    .await;
}
