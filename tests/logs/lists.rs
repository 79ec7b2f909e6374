//! Lists in other orders, what is thought of the logs in them, and what there is to filter them by.

use std::time::Duration;

use plans::Plan;
use reqwest::Method;
use serde_json::{Value, json};

use super::{a_log, ids, inserted};
use crate::harness::{Org, TestApp};

/// A log of a trace with as many tokens, in and out, that took so many milliseconds.
fn log(trace: &str, tokens: Option<[u64; 2]>, ms: u64) -> Value {
    let mut log = a_log();
    log["response"]["response_time"] = json!(ms);
    log["response"]["body"] = match tokens {
        Some([input, output]) => json!({"model": "gpt-4o-mini", "usage":
            {"prompt_tokens": input, "completion_tokens": output, "total_tokens": input + output}}),
        None => json!("nothing that can be counted"),
    };
    log["metadata"] = json!({"traceId": trace});
    log
}

/// Inserts one after the other, a second apart; the ids.
async fn in_turn(org: &Org<'_>, logs: &[Value]) -> Vec<String> {
    let mut ids = Vec::new();
    for log in logs {
        ids.extend(inserted(org, log).await);
        org.app.clock.advance(Duration::from_secs(1));
    }
    org.rows("", logs.len()).await;
    ids
}

fn traces(rows: &[Value]) -> String {
    rows.iter().map(|row| row["trace_id"].as_str().unwrap()).collect()
}

async fn page(org: &Org<'_>, query: &str) -> Value {
    let response = org.get(&format!("/v1/logs?{query}")).await;
    assert_eq!(response.status(), 200, "{query}");
    response.json().await.unwrap()
}

#[tokio::test]
async fn a_list_is_read_page_by_page_in_each_order() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let mut unknown = log("c", None, 10);
    unknown["request"]["url"] = json!("https://example.com/v1/whatever");
    unknown["request"]["body"] = json!({});
    unknown["response"]["body"] = json!({});
    let logs = [
        log("a", Some([100, 50]), 30),
        log("b", Some([1000, 500]), 20),
        unknown,
        log("d", Some([10, 5]), 40),
        log("e", Some([1000, 500]), 20),
    ];
    in_turn(&org, &logs).await;
    for (query, expected) in [
        ("", "edcba"),
        ("sort=created_at&order=desc", "edcba"),
        ("sort=created_at&order=asc", "abcde"),
        ("order=asc", "abcde"),
        ("sort=cost", "ebadc"),
        ("sort=cost&order=asc", "dabec"),
        ("sort=total_tokens", "ebadc"),
        ("sort=total_tokens&order=asc", "dabec"),
        ("sort=response_time", "daebc"),
        ("sort=response_time&order=asc", "cbead"),
        ("sort=response_time&response_time_min=20&order=asc", "bead"),
    ] {
        let (mut rows, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = page(&org, &format!("limit=2&{query}{cursor}")).await;
            rows.extend(page["data"].as_array().unwrap().iter().cloned());
            let Some(next) = page["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        assert_eq!(traces(&rows), expected, "{query}");
    }
    let of_cost = page(&org, "limit=2&sort=cost").await;
    let cursor = of_cost["next_cursor"].as_str().unwrap();
    for query in ["", "sort=cost&order=asc", "sort=total_tokens"] {
        let response = org.get(&format!("/v1/logs?cursor={cursor}&{query}")).await;
        assert_eq!(response.status(), 400, "{query}");
        let said = response.text().await.unwrap();
        assert!(said.contains("cursor: it is of a page in another order"), "{said}");
    }
}

#[tokio::test]
async fn rows_and_logs_have_what_is_thought_of_their_trace() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let (next_door, _) = org.neighbour().await;
    let logs = ["a", "a", "b", "c"].map(|trace| log(trace, None, 1));
    let made = in_turn(&org, &logs).await;
    let rate = async |key: &str, body: Value| {
        let request = org.with_key(key).request(Method::POST, "/v1/feedback").json(&body);
        assert_eq!(request.send().await.unwrap().status(), 200);
        app.clock.advance(Duration::from_secs(1));
    };
    let first = json!({"trace_id": "a", "value": 10, "weight": 0.5, "metadata": {"text": "ok"}});
    rate(&org.key, first).await;
    rate(&org.key, json!({"trace_id": "a", "value": -1})).await;
    for _ in 0..12 {
        rate(&org.key, json!({"trace_id": "b", "value": -10})).await;
    }
    // Another workspace's trace of that name.
    rate(&next_door, json!({"trace_id": "c", "value": 10})).await;

    let rows = org.list("").await;
    let nothing = json!({"count": 0, "weighted_avg": null, "items": []});
    let of_a = json!({"count": 2, "weighted_avg": 2.0,
        "items": [{"value": -1, "weight": 1.0}, {"value": 10, "weight": 0.5}]});
    let of_b =
        json!({"count": 12, "weighted_avg": -10.0, "items": vec![json!({"value": -10, "weight": 1.0}); 10]});
    for (row, expected) in rows.iter().zip([nothing, of_b, of_a.clone(), of_a]) {
        assert_eq!(row["feedback"], expected, "{row}");
    }
    let log = org.log(&made[0]).await;
    let feedback = log["feedback"].as_array().unwrap();
    assert_eq!((feedback.len(), &feedback[1]["value"]), (2, &json!(10)), "{log}");
    assert_eq!((&feedback[1]["weight"], &feedback[1]["metadata"]), (&json!(0.5), &json!({"text": "ok"})));
    assert_eq!(org.log(&made[3]).await["feedback"], json!([]));

    for (query, expected) in [
        ("weighted_feedback_min=2", "aa"),
        ("weighted_feedback_min=2.5", ""),
        ("weighted_feedback_max=2", "baa"),
        ("weighted_feedback_min=-10&weighted_feedback_max=0", "b"),
        ("weighted_feedback_min=-10&trace_id=a,c", "aa"),
    ] {
        assert_eq!(traces(&org.list(query).await), expected, "{query}");
    }
}

#[tokio::test]
async fn lists_are_narrowed_by_spans_people_and_what_became_of_calls() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let with = |trace: &str, span: &str, user: &str| {
        let mut log = log(trace, None, 1);
        log["metadata"] = json!({"traceId": trace, "spanId": span, "_user": user});
        log
    };
    let made = in_turn(&org, &[with("a", "s1", "u1"), with("b", "s2", "u2"), with("a", "s3", "u2")]).await;
    super::echo(&org, "d", "hi").await;
    org.rows("", 4).await;
    for (query, expected) in [
        ("trace_id=a,b", "aba"),
        ("span_id=s1", "a"),
        ("span_id=s2,s3", "ab"),
        ("user=u2", "ab"),
        ("user=u1,u2&trace_id=a", "aa"),
        ("user=u", ""),
        ("source=gateway", "d"),
        ("source=insert,otlp", "aba"),
        ("mode=single", "daba"),
        ("mode=fallback,loadbalance,conditional", ""),
        ("outcome=answered", "daba"),
        ("outcome=timed_out,panicked", ""),
    ] {
        assert_eq!(traces(&org.list(query).await), expected, "{query}");
    }
    let row = &org.list("span_id=s1").await[0];
    assert_eq!((&row["id"], &row["user"]), (&json!(made[0]), &json!("u1")));
    assert_eq!(ids(&org.list("trace_id=d").await).len(), 1);
}

#[tokio::test]
async fn the_values_to_choose_from_are_those_of_the_logs_in_reach() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let (next_door, slug) = org.neighbour().await;
    let with = |provider: &str, model: &str, status: u16, metadata: Value| {
        let mut log = log("t", Some([1, 1]), 1);
        log["request"]["provider"] = json!(provider);
        log["response"]["body"]["model"] = json!(model);
        log["response"]["status"] = json!(status);
        log["metadata"] = metadata;
        log
    };
    let logs = json!([
        with("openai", "gpt-4o", 200, json!({"env": "prod", "_user": "u1"})),
        with("openai", "gpt-4o-mini", 429, json!({"env": "prod"})),
        with("anthropic", "claude", 200, json!({"env": "Test_1"})),
    ]);
    inserted(&org, &logs).await;
    org.rows("", 3).await;
    let theirs = json!([with("groq", "llama", 500, json!({"secret": "x"}))]);
    let request = org.with_key(&next_door).request(Method::POST, "/v1/logs").json(&theirs);
    assert_eq!(request.send().await.unwrap().status(), 200);
    org.usage_of(4).await;
    let values = async |caller: &crate::harness::Caller<'_>, query: &str| {
        let response = caller.request(Method::GET, &format!("/v1/logs/values?{query}")).send().await.unwrap();
        assert_eq!(response.status(), 200, "{query}");
        let found: Value = response.json().await.unwrap();
        let found = found["data"].as_array().unwrap().clone();
        let one = |value: &Value| format!("{} {}", value["value"].as_str().unwrap(), value["logs"]);
        found.iter().map(one).collect::<Vec<_>>().join(", ")
    };
    let own = org.with_key(&org.key);
    for (query, expected) in [
        ("field=provider", "openai 2, anthropic 1"),
        ("field=provider&q=THRO", "anthropic 1"),
        ("field=provider&limit=1", "openai 2"),
        ("field=model", "claude 1, gpt-4o 1, gpt-4o-mini 1"),
        ("field=status_code", "200 2, 429 1"),
        ("field=status_code&time_of_generation_max=2020-01-01T00:00:00Z", ""),
        ("field=virtual_key", ""),
        ("field=config", ""),
        ("field=user", "u1 1"),
        ("field=metadata_key", "env 3, _user 1"),
        ("field=metadata_value&key=env", "prod 2, Test_1 1"),
        ("field=metadata_value&key=env&q=test_", "Test_1 1"),
        ("field=metadata_value&key=env&q=%25", ""),
        ("field=metadata_value&key=secret", ""),
    ] {
        assert_eq!(values(&own, query).await, expected, "{query}");
    }
    assert_eq!(values(&own, "field=workspace").await, format!("{} 3", org.workspace));
    let all = format!("{} 3, {slug} 1", org.workspace);
    assert_eq!(values(&org.admin(), "field=workspace").await, all);
    let narrowed = format!("field=provider&workspace_slug={slug}");
    assert_eq!(values(&org.admin(), &narrowed).await, "groq 1");

    let keys: Value = org.get("/v1/logs/values?field=api_key").await.json().await.unwrap();
    let key = &keys["data"][0];
    assert_eq!((&key["logs"], keys["data"].as_array().unwrap().len()), (&json!(3), 1));
    let (id, label) = (key["value"].as_str().unwrap(), key["label"].as_str().unwrap());
    assert_eq!(values(&own, &format!("field=api_key&q={}", &label[..3])).await, format!("{id} 3"));
    assert_eq!(org.list(&format!("api_key_ids={id}")).await.len(), 3);
}
