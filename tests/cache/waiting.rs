//! Calls that wait for an equal one: for as long as its answer may be theirs, and no longer.

use futures_util::future::join_all;
use plans::Plan;
use redis_server::RedisServer;
use serde_json::json;

use super::{cache_status, config, heard, simple, under};
use crate::harness::{Fleet, Org, TestApp, Upstream, Wire, answer, chat, log_id, until};

/// Waits until so many calls have not ended.
async fn under_way(app: &TestApp, count: usize) {
    let line = format!("\nturnpike_calls_in_flight {count}\n");
    until(&format!("{count} calls are under way"), || async {
        let numbers = app.http.get(app.url("/metrics")).send().await.unwrap().text().await.unwrap();
        numbers.contains(&line).then_some(())
    })
    .await;
}

/// A call whose client can leave.
async fn wired(org: &Org<'_>, config: &str) -> Wire {
    let mut wire = Wire::connect(org.app.running.addr).await;
    let headers = [("x-portkey-api-key", org.key.as_str()), ("x-portkey-config", config)];
    wire.post("/v1/chat/completions", &headers, &chat("hi").to_string()).await;
    wire
}

#[tokio::test]
async fn where_the_call_that_asks_fails_all_that_wait_ask_at_once() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let caller = org.with_key(&org.key);
    let mut upstream = Upstream::start().await;
    let config = config(&upstream.url(), &simple());
    let send = || tokio::spawn(under(&caller, &config).json(&chat("hi")).send());
    let first = send();
    let exchange = upstream.asked().await;
    let others = [send(), send(), send()];
    under_way(&app, 4).await;
    exchange.json(503, &json!({"error": {"message": "busy"}})).await;
    assert_eq!(first.await.unwrap().unwrap().status(), 503);
    // None of them waits for another's end: all have asked before one is answered.
    let exchanges = [upstream.asked().await, upstream.asked().await, upstream.asked().await];
    for exchange in exchanges {
        exchange.json(200, &answer("hello")).await;
    }
    for other in others {
        let response = other.await.unwrap().unwrap();
        assert_eq!((response.status().as_u16(), cache_status(&response).as_str()), (200, "MISS"));
    }
}

#[tokio::test]
async fn who_waits_for_an_answer_that_gets_too_long_to_be_kept_need_not_wait_for_its_end() {
    let app = TestApp::with(|settings| {
        settings.cache.max_entry_bytes = 10_000;
        settings.log.max_payload_bytes = 10_000;
    })
    .await;
    let org = app.org(Plan::Developer).await;
    let caller = org.with_key(&org.key);
    let mut upstream = Upstream::start().await;
    let config = config(&upstream.url(), &simple());
    let send = || tokio::spawn(under(&caller, &config).json(&chat("hi")).send());
    let first = send();
    let mut long = upstream.asked().await;
    let second = send();
    under_way(&app, 2).await;
    long.head(200, &[("content-type", "application/json")]).await;
    let text = answer(&"x".repeat(30_000)).to_string();
    let (beginning, rest) = text.split_at(20_000);
    long.send(beginning).await;
    upstream.asked().await.json(200, &answer("short")).await;
    assert_eq!(second.await.unwrap().unwrap().text().await.unwrap(), answer("short").to_string());
    long.send(rest).await;
    long.end().await;
    assert_eq!(first.await.unwrap().unwrap().text().await.unwrap(), text);
}

#[tokio::test]
async fn one_that_waits_may_leave_and_holds_up_nobody() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let caller = org.with_key(&org.key);
    let mut upstream = Upstream::start().await;
    let config = config(&upstream.url(), &simple());
    let first = tokio::spawn(under(&caller, &config).json(&chat("hi")).send());
    let exchange = upstream.asked().await;
    let leaving = wired(&org, &config).await;
    under_way(&app, 2).await;
    leaving.reset();
    let gone = org.rows("", 1).await.remove(0);
    assert_eq!(gone["outcome"], "client_gone");
    exchange.json(200, &answer("hello")).await;
    assert_eq!(first.await.unwrap().unwrap().status(), 200);
    assert_eq!(heard(under(&caller, &config).json(&chat("hi"))).await.1, "HIT");
}

#[tokio::test]
async fn where_the_one_that_asks_leaves_one_that_waits_asks_in_its_place() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let caller = org.with_key(&org.key);
    let mut upstream = Upstream::start().await;
    let config = config(&upstream.url(), &simple());
    let leaving = wired(&org, &config).await;
    let given_up = upstream.asked().await;
    let others = [(); 3].map(|()| tokio::spawn(heard(under(&caller, &config).json(&chat("hi")))));
    under_way(&app, 4).await;
    leaving.reset();
    upstream.asked().await.json(200, &answer("hello")).await;
    let mut seen = Vec::new();
    for other in others {
        let (status, cache, body) = other.await.unwrap();
        assert_eq!((status, body), (200, answer("hello").to_string()));
        seen.push(cache);
    }
    seen.sort();
    assert_eq!(seen, ["HIT", "HIT", "MISS"], "one asked for all");
    given_up.given_up().await;
    assert_eq!(org.rows("", 4).await.len(), 4, "each has its log");
    app.reconcile();
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_process_that_asks_is_killed_calls_at_others_are_answered() {
    let redis = RedisServer::start();
    let mut fleet = Fleet::start(2, &redis, &[]);
    let tenant = fleet.org("enterprise");
    let mut upstream = Upstream::start().await;
    let config = config(&upstream.url(), &simple());
    let (http, addrs) = (reqwest::Client::new(), fleet.addrs());
    let ask = |member: usize| {
        let request = http.post(format!("http://{}/v1/chat/completions", addrs[member]));
        let request = request.header("x-portkey-api-key", &tenant.key).header("x-portkey-config", &config);
        request.json(&chat("hi"))
    };
    let killed = tokio::spawn(ask(0).send());
    let _held = upstream.asked().await;
    let waiting = tokio::spawn(heard(ask(1)));
    let beside = upstream.asked().await;
    fleet.kill(0);
    assert!(killed.await.unwrap().is_err());
    beside.json(200, &answer("hello")).await;
    assert_eq!(waiting.await.unwrap(), (200, "MISS".to_owned(), answer("hello").to_string()));
    until("the answer is kept", || async { (heard(ask(1)).await.1 == "HIT").then_some(()) }).await;
    fleet.stop();
    fleet.reconcile();
}

#[tokio::test]
async fn an_answer_that_is_longer_than_a_log_is_kept_whole() {
    let app = TestApp::with(|settings| {
        settings.log.max_payload_bytes = 100;
        settings.cache.max_entry_bytes = 100_000;
    })
    .await;
    let org = app.org(Plan::Developer).await;
    let caller = org.with_key(&org.key);
    let mut upstream = Upstream::start().await;
    let config = config(&upstream.url(), &simple());
    let text = answer(&"x".repeat(50_000)).to_string();
    let first = tokio::spawn(under(&caller, &config).json(&chat("hi")).send());
    let mut exchange = upstream.asked().await;
    exchange.head(200, &[("content-type", "application/json")]).await;
    for piece in text.as_bytes().chunks(7_000) {
        exchange.send(piece).await;
    }
    exchange.end().await;
    let first = first.await.unwrap().unwrap();
    let id = log_id(&first);
    assert_eq!(first.text().await.unwrap(), text);
    let (_, status, again) = heard(under(&caller, &config).json(&chat("hi"))).await;
    assert_eq!((status.as_str(), again.as_str()), ("HIT", text.as_str()));
    org.log(&id).await;
    for row in org.rows("", 2).await {
        assert_eq!((&row["payload"], &row["total_tokens"]), (&json!("cut"), &json!(1200)), "{row}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_on_one_redis_never_give_one_tenants_answer_to_another() {
    let redis = RedisServer::start();
    let mut fleet = Fleet::start(2, &redis, &[]);
    let tenants = [fleet.org("enterprise"), fleet.org("production")];
    let upstream = Upstream::start().await;
    let url = upstream.url();
    // Each answer says who asked.
    upstream.answer_each(async |exchange| {
        let whose = exchange.header("authorization").unwrap().to_owned();
        exchange.json(200, &answer(&whose)).await;
    });
    let (http, addrs) = (reqwest::Client::new(), fleet.addrs());
    let cache = json!({"cache": simple()}).to_string();
    let mut calls = Vec::new();
    for round in 0..10 {
        for tenant in &tenants {
            for addr in &addrs {
                let request = http
                    .post(format!("http://{addr}/v1/chat/completions"))
                    .header("x-portkey-api-key", &tenant.key)
                    .header("x-portkey-provider", "openai")
                    .header("x-portkey-custom-host", &url)
                    .header("authorization", format!("Bearer sk-{}", tenant.id))
                    .header("x-portkey-config", &cache)
                    .json(&chat(&format!("question {}", round % 3)));
                calls.push(async move {
                    let (status, _, body) = heard(request).await;
                    assert_eq!(status, 200, "{body}");
                    assert_eq!(body, answer(&format!("Bearer sk-{}", tenant.id)).to_string());
                });
            }
        }
    }
    let count = calls.len();
    join_all(calls).await;
    for tenant in &tenants {
        fleet.caught_up(tenant, count / 2).await;
    }
    fleet.stop();
    fleet.reconcile();
}
