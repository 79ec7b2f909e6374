//! Streams that are given again, byte for byte.

use plans::Plan;
use serde_json::{Value, json};

use super::{cache_status, config, heard, simple, under};
use crate::harness::{DONE, Exchange, TestApp, Upstream, Wire, chat, delta, usage_chunk};

fn streamed(text: &str) -> Value {
    let mut body = chat(text);
    body["stream"] = json!(true);
    body
}

/// How a stream ends that is not whole.
#[derive(Clone, Copy, Debug)]
enum Broken {
    Cut,
    NoTerminator,
    ErrorEvent,
}

async fn break_off(mut exchange: Exchange, how: Broken) {
    exchange.event_stream().await;
    exchange.send(delta("half")).await;
    match how {
        Broken::Cut => return exchange.die(),
        Broken::NoTerminator => {}
        Broken::ErrorEvent => {
            exchange.send("data: {\"error\":{\"message\":\"overloaded\"}}\n\n").await;
            exchange.send(DONE).await;
        }
    }
    exchange.end().await;
}

#[tokio::test]
async fn a_stream_is_given_again_as_it_was_and_not_to_who_wants_none() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let mut upstream = Upstream::start().await;
    let (caller, config) = (org.with_key(&org.key), config(&upstream.url(), &simple()));
    let ask = |body: &Value| under(&caller, &config).json(body);
    let events =
        [delta("alpha"), ": a comment\n\n".to_owned(), delta("beta"), usage_chunk(), DONE.to_owned()];

    let first = tokio::spawn(ask(&streamed("hi")).send());
    let mut exchange = upstream.asked().await;
    exchange.event_stream().await;
    for event in &events {
        exchange.send(event).await;
    }
    exchange.end().await;
    let first = first.await.unwrap().unwrap();
    assert_eq!(cache_status(&first), "MISS");
    assert_eq!(first.text().await.unwrap(), events.concat());

    let again = ask(&streamed("hi")).send().await.unwrap();
    assert_eq!(cache_status(&again), "HIT");
    assert_eq!(again.headers()["content-type"], "text/event-stream");
    assert_eq!(again.text().await.unwrap(), events.concat());
    let row = org.rows("cache_status=HIT", 1).await.remove(0);
    assert_eq!((&row["total_tokens"], &row["cost"]), (&json!(1200), &json!(0.0)));
    let log = org.log(row["id"].as_str().unwrap()).await;
    assert_eq!(log["response"]["body"], events.concat());

    let whole = tokio::spawn(heard(ask(&chat("hi"))));
    upstream.asked().await.json(200, &crate::harness::answer("whole")).await;
    assert_eq!(whole.await.unwrap().1, "MISS", "the same without a stream is another question");
}

#[tokio::test]
async fn a_stream_that_is_not_whole_is_not_given_again() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let upstream = Upstream::start().await;
    let (caller, config) = (org.with_key(&org.key), config(&upstream.url(), &simple()));
    upstream.answer_each(async |exchange| {
        let body = String::from_utf8_lossy(&exchange.body).into_owned();
        let how = [Broken::Cut, Broken::NoTerminator, Broken::ErrorEvent];
        let how = how.into_iter().find(|how| body.contains(&format!("{how:?}"))).unwrap();
        break_off(exchange, how).await;
    });
    for how in [Broken::Cut, Broken::NoTerminator, Broken::ErrorEvent] {
        for _ in 0..2 {
            let response = under(&caller, &config).json(&streamed(&format!("{how:?}"))).send().await.unwrap();
            assert_eq!(cache_status(&response), "MISS", "{how:?}");
            // The client of one that was cut sees that it was.
            let _ = response.text().await;
        }
    }
}

#[tokio::test]
async fn who_waits_for_a_call_whose_client_goes_away_asks_instead() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let mut upstream = Upstream::start().await;
    let (caller, config) = (org.with_key(&org.key), config(&upstream.url(), &simple()));
    let headers = [("x-portkey-api-key", org.key.as_str()), ("x-portkey-config", config.as_str())];
    let mut leader = Wire::connect(app.running.addr).await;
    leader.post("/v1/chat/completions", &headers, &streamed("hi").to_string()).await;
    let mut exchange = upstream.asked().await;
    exchange.event_stream().await;
    exchange.send(delta("alpha")).await;
    leader.until("alpha").await;

    let follower = tokio::spawn(heard(under(&caller, &config).json(&streamed("hi"))));
    leader.reset();
    exchange.given_up().await;
    let mut exchange = upstream.asked().await;
    exchange.event_stream().await;
    exchange.send(delta("beta")).await;
    exchange.send(DONE).await;
    exchange.end().await;
    let (status, cache, body) = follower.await.unwrap();
    assert_eq!((status, cache.as_str()), (200, "MISS"));
    assert_eq!(body, [delta("beta"), DONE.to_owned()].concat());
    assert_eq!(heard(under(&caller, &config).json(&streamed("hi"))).await.1, "HIT");
}
