//! What feedback comes to: over time, by score and by model.

use std::time::Duration;

use plans::Plan;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Org, TestApp, answer, chat};

async fn post(org: &Org<'_>, key: &str, path: &str, body: &Value) {
    let request = org.with_key(key).request(Method::POST, path).json(body);
    assert_eq!(request.send().await.unwrap().status(), 200, "{path}");
}

fn log(trace: &str, model: &str) -> Value {
    let mut answer = answer("hello");
    answer["model"] = json!(model);
    json!({
        "request": {"url": "https://api.openai.com/v1/chat/completions", "provider": "openai", "body": chat("hi")},
        "response": {"status": 200, "body": answer},
        "metadata": {"traceId": trace}
    })
}

/// The hour from the first feedback on.
const HOUR: &str = "time_of_generation_min=2026-11-15T12:00:00Z&time_of_generation_max=2026-11-15T12:59:59Z";

async fn graph(org: &Org<'_>, key: &str, query: &str) -> Value {
    let path = format!("/v1/analytics/graphs/feedbacks{query}");
    let response = org.with_key(key).request(Method::GET, &path).send().await.unwrap();
    assert_eq!(response.status(), 200, "{path}");
    let graph: Value = response.json().await.unwrap();
    assert_eq!(graph["object"], "analytics-graph");
    graph
}

/// The points that say something, by the minute.
fn points(graph: &Value, what: &str) -> Vec<(String, f64)> {
    let points = graph["data_points"].as_array().unwrap().iter();
    let said = points.map(|point| {
        (point["timestamp"].as_str().unwrap()[14..16].to_owned(), point[what].as_f64().unwrap())
    });
    said.filter(|(_, value)| *value != 0.0).collect()
}

#[tokio::test]
async fn feedback_is_summed_over_time_by_score_and_by_model() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let (next_door, slug) = org.neighbour().await;
    let key = org.key.clone();
    let logs =
        json!([log("a", "gpt-4o"), log("a", "gpt-4o-mini"), log("a", "gpt-4o"), log("b", "gpt-4o-mini")]);
    post(&org, &key, "/v1/logs", &logs).await;
    let given = json!([{"trace_id": "a", "value": 10, "weight": 0.5}, {"trace_id": "b", "value": -1}]);
    post(&org, &key, "/v1/feedback", &given).await;
    post(&org, &next_door, "/v1/feedback", &json!({"trace_id": "a", "value": -7})).await;
    app.clock.advance(Duration::from_mins(20));
    let later = json!([{"trace_id": "a", "value": 10}, {"trace_id": "nobodys", "value": 10}]);
    post(&org, &key, "/v1/feedback", &later).await;
    org.rows("", 4).await;

    let total = graph(&org, &key, &format!("?{HOUR}")).await;
    assert_eq!(total["summary"], json!({"total": 4}));
    assert_eq!(total["data_points"].as_array().unwrap().len(), 60);
    assert_eq!(points(&total, "total"), [("00".to_owned(), 2.0), ("20".to_owned(), 2.0)]);
    let weighted = graph(&org, &key, &format!("/weighted?{HOUR}")).await;
    assert_eq!(weighted["summary"], json!({"avg": 6.0}));
    assert_eq!(points(&weighted, "avg"), [("00".to_owned(), 2.0), ("20".to_owned(), 10.0)]);
    let scores = graph(&org, &key, &format!("/scores?{HOUR}")).await;
    assert_eq!(scores["summary"], json!({"total": 4}));
    assert_eq!(scores["data_points"], json!([{"score": -1, "total": 1}, {"score": 10, "total": 3}]));
    let models = graph(&org, &key, &format!("/ai-models?{HOUR}")).await;
    let of = |model: &str, total: i64, avg: f64| json!({"ai_model": model, "total": total, "avg_weighted_feedback": avg});
    assert_eq!(models["summary"], json!({}));
    assert_eq!(models["data_points"][1], of("gpt-4o", 2, 7.5));
    let mini = &models["data_points"][0];
    assert_eq!((&mini["ai_model"], &mini["total"]), (&json!("gpt-4o-mini"), &json!(3)), "{models}");

    // Narrowed: by the logs of the traces, by the traces' means, by time.
    for (query, expected) in [
        ("ai_model=gpt-4o", json!([{"score": 10, "total": 2}])),
        ("trace_id=b,nobodys", json!([{"score": -1, "total": 1}])),
        ("weighted_feedback_max=0", json!([{"score": -1, "total": 1}])),
        ("ai_model=nobodys", json!([])),
    ] {
        let scores = graph(&org, &key, &format!("/scores?{HOUR}&{query}")).await;
        assert_eq!(scores["data_points"], expected, "{query}");
    }
    let mini = graph(&org, &key, &format!("/ai-models?{HOUR}&ai_model=gpt-4o")).await;
    assert_eq!(mini["data_points"], json!([of("gpt-4o", 2, 7.5)]));
    let first = HOUR.replace("12:59:59", "12:10:00");
    assert_eq!(graph(&org, &key, &format!("?{first}")).await["summary"], json!({"total": 2}));

    // A workspace's own, and for the organisation's key all or one.
    let theirs = json!([{"score": -7, "total": 1}]);
    assert_eq!(graph(&org, &next_door, &format!("/scores?{HOUR}")).await["data_points"], theirs);
    let admin = org.admin_key.clone();
    assert_eq!(graph(&org, &admin, &format!("?{HOUR}")).await["summary"], json!({"total": 5}));
    let one = format!("/scores?{HOUR}&workspace_slug={slug}");
    assert_eq!(graph(&org, &admin, &one).await["data_points"], theirs);
}
