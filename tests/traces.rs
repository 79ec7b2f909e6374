//! Traces over REST: which there are, what their logs come to, and how these hang together.

use std::time::Duration;

use plans::Plan;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Caller, Org, TestApp, chat};

/// A log of a span, 100 ms long, with 10 tokens in and 5 out.
fn span(trace: &str, id: &str, parent: &str) -> Value {
    let mut metadata = json!({"traceId": trace, "spanName": format!("does {id}")});
    for (name, value) in [("spanId", id), ("parentSpanId", parent)] {
        if !value.is_empty() {
            metadata[name] = json!(value);
        }
    }
    let usage = json!({"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15});
    json!({
        "request": {"url": "https://api.openai.com/v1/chat/completions", "provider": "openai", "body": chat("hi")},
        "response": {"status": 200, "response_time": 100, "body": {"model": "gpt-4o-mini", "usage": usage}},
        "metadata": metadata
    })
}

async fn insert(org: &Org<'_>, key: &str, logs: &Value) {
    let request = org.with_key(key).request(Method::POST, "/v1/logs").json(logs);
    assert_eq!(request.send().await.unwrap().status(), 200);
}

async fn get(caller: &Caller<'_>, path: &str) -> (u16, Value) {
    let response = caller.request(Method::GET, path).send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

/// The tree in words: each log by its span, `.` for each step below a root, and the span of the log above it.
fn drawn(trace: &Value) -> String {
    let logs = trace["data"].as_array().unwrap();
    let name = |id: &Value| {
        let log = logs.iter().find(|log| log["id"] == *id);
        log.and_then(|log| log["span_id"].as_str()).unwrap_or("-").to_owned()
    };
    let line = |log: &Value| {
        let depth = usize::try_from(log["depth"].as_u64().unwrap()).unwrap();
        format!("{}{}<{}", ".".repeat(depth), log["span_id"].as_str().unwrap_or("-"), name(&log["parent_id"]))
    };
    logs.iter().map(line).collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn a_trace_is_the_tree_of_its_logs_and_their_sums() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let own = org.with_key(&org.key);
    let trace = "of/several parts?&%2F";
    insert(&org, &org.key, &span(trace, "root", "")).await;
    org.rows("", 1).await;
    app.clock.advance(Duration::from_secs(2));
    let mut failed = span(trace, "tool", "root");
    failed["response"]["status"] = json!(500);
    failed["response"]["body"] = json!({});
    let rest = [
        span(trace, "sub", "tool"),
        failed,
        span(trace, "sub", "root"),
        span(trace, "orphan", "gone"),
        span(trace, "ying", "yang"),
        span(trace, "yang", "ying"),
        span("another", "root", ""),
    ];
    for log in &rest {
        insert(&org, &org.key, log).await;
        app.clock.advance(Duration::from_secs(1));
    }
    org.rows("", 8).await;
    for opinion in
        [json!({"trace_id": trace, "value": 4}), json!({"trace_id": trace, "value": 2, "weight": 0.5})]
    {
        let rated = own.request(Method::POST, "/v1/feedback").json(&opinion).send().await.unwrap();
        assert_eq!(rated.status(), 200);
        app.clock.advance(Duration::from_secs(1));
    }

    let path = "/v1/traces/of%2Fseveral%20parts%3F%26%252F";
    let (status, found) = get(&own, path).await;
    assert_eq!(status, 200, "{found}");
    assert_eq!(drawn(&found), "root<- .tool<root ..sub<tool .sub<root orphan<- ying<- .yang<ying");
    assert_eq!((&found["trace_id"], &found["workspace_id"]), (&json!(trace), &json!(org.workspace)));
    assert_eq!(
        (&found["logs"], &found["failed"], &found["truncated"]),
        (&json!(7), &json!(1), &json!(false))
    );
    let tokens =
        ["prompt_tokens", "completion_tokens", "total_tokens"].map(|name| found[name].as_i64().unwrap());
    let of_logs = |name: &str| {
        found["data"].as_array().unwrap().iter().filter_map(|log| log[name].as_f64()).sum::<f64>()
    };
    assert_eq!(tokens[2], tokens[0] + tokens[1]);
    #[expect(clippy::cast_precision_loss, reason = "they are few")]
    let total = tokens[2] as f64;
    assert!((of_logs("total_tokens") - total).abs() < 0.5 && total > 89.0, "{found}");
    let cost = found["cost"].as_f64().unwrap();
    assert!((of_logs("cost") - cost).abs() < 1e-9 && cost > 0.0, "{found}");
    // From the first call received to the end of the last answer, a tenth of a second after its call was received.
    let ms = |time: &Value| {
        chrono::DateTime::parse_from_rfc3339(time.as_str().unwrap()).unwrap().timestamp_millis()
    };
    let received: Vec<i64> =
        found["data"].as_array().unwrap().iter().map(|log| ms(&log["created_at"])).collect();
    let (first, last) = (*received.iter().min().unwrap(), *received.iter().max().unwrap() + 100);
    assert_eq!((ms(&found["started_at"]), ms(&found["ended_at"])), (first, last));
    assert_eq!(found["duration"], last - first);
    assert_eq!(
        found["feedback"],
        json!({"count": 2, "weighted_avg": 2.5,
        "items": [{"value": 2, "weight": 0.5}, {"value": 4, "weight": 1.0}]})
    );
    assert_eq!(found["span_name"], "does root");

    // The list has the same of each.
    let (_, all) = get(&own, "/v1/traces").await;
    let mut trace = found.clone();
    for name in ["data", "truncated"] {
        trace.as_object_mut().unwrap().remove(name);
    }
    assert_eq!((&all["data"][0]["trace_id"], &all["data"][1]), (&json!("another"), &trace));
    assert_eq!(get(&own, "/v1/traces/nobodys").await.0, 404);
    assert_eq!(get(&own, "/v1/traces/no%00bodys").await.0, 404);
}

#[tokio::test]
async fn traces_are_listed_by_when_they_began_whatever_comes_into_them_later() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let own = org.with_key(&org.key);
    for n in 1..=5 {
        let logs = ["a", "b"].map(|id| span(&format!("t{n}"), id, ""));
        insert(&org, &org.key, &json!(logs)).await;
        app.clock.advance(Duration::from_secs(1));
    }
    org.rows("limit=100", 10).await;
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let (status, page) = get(&own, &format!("/v1/traces?limit=2{cursor}")).await;
        assert_eq!(status, 200, "{page}");
        for trace in page["data"].as_array().unwrap() {
            seen.push((trace["trace_id"].as_str().unwrap().to_owned(), trace["logs"].as_i64().unwrap()));
        }
        if seen.len() == 2 {
            // The oldest goes on and a new one begins, between two pages.
            insert(&org, &org.key, &json!([span("t1", "c", "a"), span("t6", "a", "")])).await;
            org.rows("limit=100", 12).await;
        }
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    let expected = [("t5", 2), ("t4", 2), ("t3", 2), ("t2", 2), ("t1", 3)];
    assert_eq!(seen, expected.map(|(trace, logs)| (trace.to_owned(), logs)));

    let (_, none) = get(&own, "/v1/traces?time_of_generation_max=2020-01-01T00:00:00Z").await;
    assert_eq!(none["data"], json!([]));
    let (_, all) = get(&own, "/v1/traces?time_of_generation_min=2020-01-01T00:00:00Z").await;
    assert_eq!(all["data"].as_array().unwrap().len(), 6);
}

#[tokio::test]
async fn a_trace_is_of_one_workspace_and_shows_its_first_thousand_logs() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let (key, slug) = org.neighbour().await;
    insert(&org, &org.key, &span("long", "first", "")).await;
    app.clock.advance(Duration::from_secs(1));
    for batch in 0..10 {
        let logs: Vec<Value> = (0..100).map(|n| span("long", &format!("{batch}-{n}"), "first")).collect();
        insert(&org, &org.key, &json!(logs)).await;
    }
    insert(&org, &key, &span("long", "theirs", "first")).await;
    org.usage_of(1_002).await;
    let own = org.with_key(&org.key);
    let (_, found) = get(&own, "/v1/traces/long").await;
    let logs = found["data"].as_array().unwrap();
    assert_eq!((logs.len(), &found["logs"], &found["truncated"]), (1_000, &json!(1_001), &json!(true)));
    assert_eq!(
        (&logs[0]["span_id"], &logs[0]["depth"], &logs[999]["depth"]),
        (&json!("first"), &json!(0), &json!(1))
    );

    let (_, found) = get(&org.with_key(&key), "/v1/traces/long").await;
    assert_eq!(drawn(&found), "theirs<-");
    let (status, refused) = get(&org.admin(), "/v1/traces/long").await;
    assert_eq!(status, 400);
    assert!(refused["data"]["message"].as_str().unwrap().starts_with("workspace_id: missing"), "{refused}");
    let (_, found) = get(&org.admin(), &format!("/v1/traces/long?workspace_slug={slug}")).await;
    assert_eq!(drawn(&found), "theirs<-");
    let (_, all) = get(&org.admin(), "/v1/traces").await;
    let listed: Vec<&Value> = all["data"].as_array().unwrap().iter().map(|trace| &trace["logs"]).collect();
    assert_eq!(listed, [1, 1_001]);
}
