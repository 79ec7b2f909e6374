//! What is thought of calls: said by trace, changed, and kept within its workspace.

use plans::Plan;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::TestApp;

#[tokio::test]
async fn feedback_is_given_one_by_one_or_many_at_once_and_changed() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let send = async |method, path: &str, body: Value| {
        let response = org.request(method, path).json(&body).send().await.unwrap();
        assert_eq!(response.status(), 200);
        let answer: Value = response.json().await.unwrap();
        assert_eq!(answer["status"], "success");
        let ids = answer["feedback_ids"].as_array().unwrap();
        ids.iter().map(|id| id.as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let one = json!({"trace_id": "t1", "value": 5, "weight": 0.5, "metadata": {"text": "ok", "_user": "u1"}});
    let ids = send(Method::POST, "/v1/feedback", one).await;
    let many =
        json!([{"trace_id": "t1", "value": -10}, {"trace_id": "t2", "value": 0, "metadata": "{\"a\": 1}"}]);
    assert_eq!(send(Method::POST, "/v1/feedback", many).await.len(), 2);

    let path = format!("/v1/feedback/{}", ids[0]);
    assert_eq!(send(Method::PUT, &path, json!({"value": -1})).await, ids);
    let kept = |what: &str| format!("SELECT count(*) FROM feedback WHERE {what}");
    assert_eq!(
        app.count(&kept("trace_id = 't1' AND value = -1 AND weight = 0.5 AND metadata IS NOT NULL")).await,
        1
    );
    assert_eq!(send(Method::PUT, &path, json!({"value": 2, "weight": 1, "metadata": {}})).await, ids);
    assert_eq!(app.count(&kept("trace_id = 't1' AND value = 2 AND weight = 1")).await, 1);
    assert_eq!(
        app.count(&kept("trace_id = 't1' AND value = -10 AND weight = 1 AND metadata IS NULL")).await,
        1
    );
    assert_eq!(app.count(&kept("trace_id = 't2' AND value = 0")).await, 1);
}

#[tokio::test]
async fn feedback_that_is_wrong_is_refused_by_the_name_of_the_field_and_nothing_is_kept() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let with = |field: &str, value: Value| {
        let mut feedback = json!({"trace_id": "t", "value": 1});
        feedback[field] = value;
        feedback
    };
    let given =
        org.request(Method::POST, "/v1/feedback").json(&with("value", json!(1))).send().await.unwrap();
    let id = given.json::<Value>().await.unwrap()["feedback_ids"][0].as_str().unwrap().to_owned();
    let nothing = "00000000-0000-0000-0000-000000000000";
    let cases = [
        (Method::POST, "", json!({"value": 1}), "trace_id"),
        (Method::POST, "", with("trace_id", json!("x".repeat(257))), "trace_id"),
        (Method::POST, "", json!({"trace_id": "t"}), "value"),
        (Method::POST, "", with("value", json!(11)), "value"),
        (Method::POST, "", with("value", json!(-11)), "value"),
        (Method::POST, "", with("value", json!(1.5)), "value"),
        (Method::POST, "", with("value", json!("5")), "value"),
        (Method::POST, "", with("weight", json!(1.01)), "weight"),
        (Method::POST, "", with("weight", json!(-0.1)), "weight"),
        (Method::POST, "", with("metadata", json!("no object")), "metadata"),
        (Method::POST, "", with("metadata", json!([1])), "metadata"),
        (Method::POST, "", with("metadata", json!({"a": "\0"})), "metadata"),
        (Method::POST, "", with("metadata", json!({"a": "x".repeat(17_000)})), "metadata"),
        (Method::POST, "", with("comment", json!("hm")), "comment"),
        (Method::POST, "", json!([]), "body"),
        (Method::POST, "", json!([with("value", json!(1)), with("value", json!(99))]), "[1].value"),
        (Method::POST, "", Value::Array(vec![with("value", json!(1)); 101]), "body"),
        (Method::PUT, "/x", json!({"value": 1}), "id"),
        (Method::PUT, &id, with("value", json!(1)), "trace_id"),
        (Method::PUT, &id, json!({"weight": 1}), "value"),
    ];
    for (method, id, body, field) in cases {
        let path =
            format!("/v1/feedback{}{}", if id.is_empty() { "" } else { "/" }, id.trim_start_matches('/'));
        let response = org.request(method, &path).json(&body).send().await.unwrap();
        assert_eq!(response.status(), 400, "{body}");
        let answer: Value = response.json().await.unwrap();
        assert!(answer["data"]["message"].as_str().unwrap_or_default().contains(field), "{field}: {answer}");
    }
    let gone = org.request(Method::PUT, &format!("/v1/feedback/{nothing}")).json(&json!({"value": 1}));
    assert_eq!(gone.send().await.unwrap().status(), 404);
    let of_organisation = org.admin().request(Method::POST, "/v1/feedback").json(&with("value", json!(1)));
    assert_eq!(of_organisation.send().await.unwrap().status(), 403);
    assert_eq!(app.count("SELECT count(*) FROM feedback").await, 1);
}
