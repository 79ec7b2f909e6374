//! SIGTERM: calls under way end within the grace period, the spool is shipped, and the process ends with 0.

use std::net::TcpStream;

use redis_server::RedisServer;
use sea_orm::EntityTrait as _;
use serde_json::json;

use super::kills::answer_as_asked;
use super::{Chaos, signed, size};
use crate::harness::{
    Ask, DONE, Exchange, Fleet, Tenant, Upstream, Wire, answer, chat, delta, load_of, soon, until,
};

/// A call under way.
struct Open {
    wire: Wire,
    exchange: Exchange,
}

async fn open(fleet: &Fleet, tenant: &Tenant, upstream: &mut Upstream, stream: bool) -> Open {
    let url = upstream.url();
    let headers = [
        ("x-portkey-api-key", tenant.key.as_str()),
        ("x-portkey-provider", "openai"),
        ("x-portkey-custom-host", &url),
    ];
    let mut body = chat("hi");
    body["stream"] = json!(stream);
    let mut wire = Wire::connect(fleet.addrs()[0]).await;
    wire.post("/v1/chat/completions", &headers, &body.to_string()).await;
    let mut exchange = upstream.asked().await;
    if stream {
        exchange.event_stream().await;
        exchange.send(delta("first")).await;
        wire.until("first").await;
    }
    Open { wire, exchange }
}

/// A gateway with nothing to do, and whom it knows.
fn one(redis: &RedisServer, stop_within_s: &str) -> (Fleet, Tenant) {
    let fleet = Fleet::start(1, redis, &[("TURNPIKE_STOP_WITHIN_S", stop_within_s)]);
    let tenant = fleet.org("enterprise");
    (fleet, tenant)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_sigterm_open_calls_end_whole_and_their_logs_are_in_the_database() {
    let chaos = Chaos::begin("sigterm");
    let redis = RedisServer::start();
    let (mut fleet, tenant) = one(&redis, "120");
    let mut upstream = Upstream::start().await;
    let calls = size(6, 60);
    let mut calls_open = Vec::new();
    for n in 0..calls {
        calls_open.push(open(&fleet, &tenant, &mut upstream, n % 3 != 0).await);
    }
    let addr = fleet.addrs()[0];
    fleet.process(0).ask_to_stop();
    until("nobody new is let in", || async { TcpStream::connect(addr).is_err().then_some(()) }).await;
    for Open { wire, exchange } in &mut calls_open {
        if wire.has("first") {
            exchange.send(delta("second")).await;
            wire.until("second").await;
        }
    }
    for Open { mut wire, mut exchange } in calls_open {
        if wire.has("first") {
            exchange.send(DONE).await;
            exchange.end().await;
            wire.until("[DONE]").await;
        } else {
            exchange.json(200, &answer("whole")).await;
            wire.until("1200}}").await;
        }
    }
    let status = fleet.ended(0).await;
    assert!(status.success(), "{status}");
    assert_eq!(fleet.counts(&tenant).await, [signed(calls), 0, 0]);
    let left = fleet.drain(0);
    assert_eq!((&left["batches"], &left["damaged"]), (&json!(0), &json!(0)), "{left}");
    assert_eq!(fleet.reconcile()["logs"], calls);
    chaos.tell(format_args!("over: {calls} calls were open, {calls} ended whole, {calls} logs; {status}"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_outlasts_the_grace_period_is_cut_and_logged_and_the_end_is_clean() {
    let chaos = Chaos::begin("grace");
    let redis = RedisServer::start();
    let (mut fleet, tenant) = one(&redis, "1");
    let mut upstream = Upstream::start().await;
    let calls = size(4, 40);
    let mut calls_open = Vec::new();
    for n in 0..calls {
        calls_open.push(open(&fleet, &tenant, &mut upstream, n % 2 == 0).await);
    }
    let status = soon(fleet.terminate(0), "the gateway ends").await;
    assert!(status.success(), "{status}");
    for Open { mut wire, .. } in calls_open {
        wire.until_closed().await;
        assert!(!wire.has("[DONE]"), "{}", wire.text());
    }
    let db = fleet.database().await;
    let logs = entity::log::Entity::find().all(&db).await.unwrap();
    db.close().await.unwrap();
    assert_eq!(logs.len(), calls);
    assert!(logs.iter().all(|log| log.outcome == "client_gone"), "{logs:?}");
    assert_eq!(fleet.drain(0)["batches"], 0);
    assert_eq!(fleet.reconcile()["logs"], calls);
    chaos.tell(format_args!("over: {calls} calls were open and cut, {calls} logs; {status}"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gateways_that_are_stopped_one_after_the_other_under_load_leave_nothing_behind() {
    let mut chaos = Chaos::begin("rolling");
    let redis = RedisServer::start();
    let mut fleet = Fleet::start(2, &redis, &[]);
    let tenant = fleet.org("enterprise");
    let provider = Upstream::start().await;
    let url = provider.url();
    provider.answer_each(answer_as_asked);
    let asks = vec![Ask::Echo("hi".to_owned()), Ask::Json(url.clone()), Ask::Stream(url)];
    let (mut progress, answering) = load_of(&fleet.addrs, &tenant, usize::MAX, asks);
    for stop in 1..=size(2, 10) {
        let after = chaos.up_to(size(40, 400));
        let calls = progress.more(after).await;
        let member = fleet.any(&mut chaos.chance);
        let status = fleet.terminate(member).await;
        assert!(status.success(), "{status}");
        let left = fleet.drain(member);
        assert_eq!(left["batches"], 0, "{left}");
        chaos.tell(format_args!("stop {stop}: gateway {member} after {calls} calls; {status}, nothing left"));
        fleet.restart(member);
    }
    progress.more(20).await;
    progress.finish();
    let answered = answering.await;
    fleet.stop();
    let logs = chaos.prove(&fleet, &answered).await;
    assert!(logs <= answered.ids.len() + answered.cut, "{logs} logs");
}
