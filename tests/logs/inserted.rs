//! Logs that clients hand in.

use std::collections::HashSet;
use std::time::Duration;

use futures_util::future::join_all;
use plans::Plan;
use reqwest::{Method, Response};
use serde_json::{Value, json};

use super::{a_log, insert, inserted};
use crate::harness::{Org, TestApp, answer, chat, until};

#[tokio::test]
async fn an_inserted_log_is_measured_priced_and_shown_as_a_call_of_our_own() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let id = inserted(&org, &a_log()).await.remove(0);
    let log = org.log(&id).await;
    assert_eq!(log["request"]["body"], chat("hi"));
    assert_eq!(log["response"]["body"], answer("hello"));
    assert!(!log.to_string().contains("sk-secret"), "{log}");
    let row = &org.rows("trace_id=1729", 1).await[0];
    assert_eq!(row["source"], "insert");
    assert_eq!((&row["provider"], &row["request_type"]), (&json!("openai"), &json!("chatComplete")));
    assert_eq!((&row["response_time"], &row["total_tokens"]), (&json!(820), &json!(1200)));
    assert_eq!(row["cost"], 0.027);
    assert_eq!(row["metadata"], json!({"_user": "u1"}));
    assert_eq!(
        [&row["span_id"], &row["span_name"], &row["parent_span_id"]],
        [&json!("11"), &json!("LLM"), &json!("0")]
    );
    assert_eq!(org.usage_of(1).await["used"], 1);
}

#[tokio::test]
async fn an_inserted_logs_trace_is_read_in_both_spellings_and_made_where_there_is_none() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let with = |metadata: Value| {
        let mut log = a_log();
        log["metadata"] = metadata;
        log
    };
    let logs = json!([
        with(json!({"traceId": "t1", "spanId": "s1", "spanName": "n1", "parentSpanId": "p1"})),
        with(json!({"trace_id": "t2", "span_id": "s2", "span_name": "n2", "parent_span_id": "p2"})),
        with(json!({})),
        with(json!({"k": "v"})),
    ]);
    let ids = inserted(&org, &logs).await;
    let rows = org.rows("", 4).await;
    let of = |id: &String| rows.iter().find(|row| row["id"] == id.as_str()).unwrap();
    for (at, n) in [(0, 1), (1, 2)] {
        let row = of(&ids[at]);
        let trace =
            ["trace_id", "span_id", "span_name", "parent_span_id"].map(|name| row[name].as_str().unwrap());
        let expected = ["t", "s", "n", "p"].map(|letter| format!("{letter}{n}"));
        assert_eq!(trace.map(str::to_owned), expected);
        assert_eq!(row["metadata"], json!({}), "trace keys are not metadata");
    }
    assert!(!of(&ids[2])["trace_id"].as_str().unwrap().is_empty());
    assert_eq!(of(&ids[3])["metadata"], json!({"k": "v"}));
}

#[tokio::test]
async fn as_many_logs_as_are_allowed_go_in_at_once_in_their_order_and_no_more() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let many = |n: usize| Value::Array((0..n).map(|_| a_log()).collect());
    let ids = inserted(&org, &many(1_000)).await;
    assert_eq!(ids.iter().collect::<HashSet<_>>().len(), 1_000);
    for refused in [many(1_001), many(0)] {
        let response = insert(&org, &refused).await;
        assert_eq!(response.status(), 400);
        let body: Value = response.json().await.unwrap();
        assert!(body["data"]["message"].as_str().unwrap().starts_with("body: "), "{body}");
    }
    // One that is wrong keeps all others out.
    let mut one_wrong = many(3);
    one_wrong[2]["response"]["status"] = json!("ok");
    let response = insert(&org, &one_wrong).await;
    assert_eq!(response.status(), 400);
    let body: Value = response.json().await.unwrap();
    assert!(body["data"]["message"].as_str().unwrap().starts_with("[2].response.status: "), "{body}");
    assert_eq!(org.usage_of(1_000).await["used"], 1_000);
    assert_eq!(org.list("limit=1000").await.len(), 1_000);
}

#[tokio::test]
async fn a_log_under_a_clients_own_id_is_there_once_however_often_and_wherever_it_is_sent() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let other = app.org(Plan::Developer).await;
    let mut log = a_log();
    log["id"] = json!("mine-1");
    let sent = join_all((0..16).map(|_| inserted(&org, &log))).await;
    let first = sent[0].clone();
    assert!(sent.iter().all(|ids| *ids == first), "{sent:?}");
    let others = inserted(&other, &log).await;
    assert_ne!(others, first, "another organisation's id is another");
    // Twice in one request, beside one that is new.
    let mut new = a_log();
    new["id"] = json!("mine-2");
    let ids = inserted(&org, &json!([log, new, log])).await;
    assert_eq!((&ids[0], &ids[2]), (&first[0], &first[0]));
    assert_ne!(ids[1], ids[0]);
    assert_eq!(org.usage_of(2).await["used"], 2);
    assert_eq!(other.usage_of(1).await["used"], 1);
    assert_eq!(org.log(&first[0]).await["external_id"], "mine-1");

    let (key, url) = (org.key.clone(), "/v1/logs");
    drop((org, other));
    let dir = app.stop().await;
    let settings = TestApp::settings(dir.path());
    let app = TestApp::start_in(dir, settings).await;
    let again =
        app.http.post(app.url(url)).header("x-portkey-api-key", &key).json(&log).send().await.unwrap();
    let again: Value = again.json().await.unwrap();
    assert_eq!(again["ids"], json!(first), "the next start knows it");
    until("the spool is shipped", || async {
        (app.count("SELECT count(*) FROM log").await == 3).then_some(())
    })
    .await;
    assert_eq!(app.count("SELECT sum(used) FROM usage").await, 3);
}

#[tokio::test]
async fn a_repeat_that_comes_before_the_store_has_the_first_is_counted_once() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let mut log = a_log();
    log["id"] = json!("mine");
    app.break_store().await;
    let first = inserted(&org, &log).await.remove(0);
    let key = org.key.clone();
    drop(org);
    // Accepted, and not in the store when the process ends: the next one does not know of it yet.
    let dir = app.stop().await;
    let settings = TestApp::settings(dir.path());
    let app = TestApp::start_in(dir, settings).await;
    let send = || app.http.post(app.url("/v1/logs")).header("x-portkey-api-key", &key).json(&log).send();
    assert_eq!(send().await.unwrap().status(), 200);
    app.mend_store().await;
    let marks = "SELECT count(*) FROM spool_mark WHERE next > 0";
    until("both are shipped", || async { (app.count(marks).await == 2).then_some(()) }).await;
    assert_eq!(app.count("SELECT count(*) FROM log").await, 1);
    assert_eq!(app.count("SELECT used FROM usage").await, 1);
    // From the store's word on it is the first log's id that is given.
    app.clock.advance(Duration::from_secs(601));
    let again: Value = send().await.unwrap().json().await.unwrap();
    assert_eq!(again["ids"], json!([first]));
}

async fn insert_lines(org: &Org<'_>, content_type: &str, lines: String) -> Response {
    let request = org.request(Method::POST, "/v1/logs").header("content-type", content_type);
    request.body(lines).send().await.unwrap()
}

#[tokio::test]
async fn many_logs_go_in_as_lines_and_are_safe_to_repeat() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let line = |n: usize| {
        let mut log = a_log();
        log["id"] = format!("line-{n}").into();
        log.to_string()
    };
    let lines: String = (0..1_000).map(|n| line(n) + "\n").collect();
    let mut first = Vec::new();
    // In each of its names, and with what other tools' lines end in.
    for (content_type, lines) in [
        ("application/x-ndjson", lines.clone()),
        ("application/ndjson; charset=utf-8", lines.replace('\n', "\r\n\r\n")),
        ("application/jsonl", lines.trim_end().to_owned()),
    ] {
        let response = insert_lines(&org, content_type, lines).await;
        assert_eq!(response.status(), 200, "{content_type}");
        let answer: Value = response.json().await.unwrap();
        let ids = answer["ids"].as_array().unwrap().clone();
        assert_eq!(ids.len(), 1_000, "{content_type}");
        first = if first.is_empty() { ids.clone() } else { first };
        assert_eq!(ids, first, "{content_type}");
    }
    assert_eq!(org.usage_of(1_000).await["used"], 1_000);
    assert_eq!(org.rows("limit=1000", 1_000).await.len(), 1_000);
}

#[tokio::test]
async fn one_line_that_is_wrong_keeps_all_of_them_out() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let good = a_log().to_string();
    for (lines, says) in [
        (format!("{good}\n\n{{\"request\":\n{good}"), "body: line 3: EOF while parsing"),
        (format!("{good} {good}"), "body: line 1: trailing characters"),
        (format!("{good}\n[]\n"), "[1]: found an array; expected an object"),
        (format!("{good}\n{{}}\n"), "[1].request: missing"),
        ("\n \n".to_owned(), "body: no logs; expected 1 to 1000 logs"),
        (format!("{good}\n").repeat(1_001), "body: more than 1000 logs"),
    ] {
        let response = insert_lines(&org, "application/x-ndjson", lines).await;
        assert_eq!(response.status(), 400, "{says}");
        let answer: Value = response.json().await.unwrap();
        let message = answer["data"]["message"].as_str().unwrap();
        assert!(message.starts_with(says), "{message}");
    }
    // What was refused would have come before this.
    inserted(&org, &a_log()).await;
    assert_eq!(org.usage_of(1).await["used"], 1);
    assert_eq!(org.rows("", 1).await.len(), 1);
}
