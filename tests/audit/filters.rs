//! How a list of the audit log is narrowed, and who may have one.

use std::time::Duration;

use plans::Plan;
use reqwest::Method;
use serde_json::{Value, json};

use super::{EVER, change, id_of, list, records, start};
use crate::harness::TestApp;

/// Of a list that is refused: its status and what it says.
async fn refusal(app: &TestApp, key: &str, query: &str) -> (u16, String) {
    let request = app.http.get(app.url(&format!("/v1/audit-logs?{query}")));
    let response = request.header("x-portkey-api-key", key).send().await.unwrap();
    let status = response.status().as_u16();
    let body: Value = response.json().await.unwrap();
    (status, body["data"]["message"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn each_filter_finds_what_it_is_for_and_no_more() {
    let app = start().await;
    let org = app.org(Plan::Enterprise).await;
    let (_, next_door) = org.neighbour().await;
    // What the neighbour's key was made by is out of sight.
    app.clock.advance(Duration::from_mins(1));
    let (admin_id, key_id) = (id_of(&org, &org.admin_key).await, id_of(&org, &org.key).await);
    let user = org.sign_in().await;
    let owner = org.with_access_token(user["access_token"].as_str().unwrap());
    let user = user["user"]["id"].as_str().unwrap().to_owned();

    let config = json!({"name": "x", "config": {"provider": "echo"}});
    let (first, made) = change(org.request(Method::POST, "/v1/configs"), &config).await;
    app.clock.advance(Duration::from_mins(1));
    let path = format!("/v1/configs/{}", made["data"]["slug"].as_str().unwrap());
    let (second, _) = change(org.request(Method::DELETE, &path), &Value::Null).await;
    app.clock.advance(Duration::from_mins(1));
    let there = json!({"name": "x", "provider": "echo", "workspace_id": next_door});
    let request = org.admin().request(Method::POST, "/v1/virtual-keys");
    let request = app.http.execute(
        request
            .header("user-agent", "other")
            .header("x-forwarded-for", "2001:db8::1")
            .json(&there)
            .build()
            .unwrap(),
    );
    let third = request.await.unwrap().headers()["x-turnpike-request-id"].to_str().unwrap().to_owned();
    app.clock.advance(Duration::from_mins(1));
    let caps = json!({"cap_blocks": 1});
    let (fourth, _) = change(owner.request(Method::PUT, "/v1/billing/caps"), &caps).await;

    let ids = [&first, &second, &third, &fourth];
    let since = "start_time=2026-11-15T12:01:00Z&end_time=2027-01-01T00:00:00Z";
    for (query, found) in [
        ("", vec![3, 2, 1, 0]),
        ("method=POST", vec![2, 0]),
        ("method=DELETE", vec![1]),
        ("uri=/v1/configs", vec![0]),
        (&format!("uri={path}"), vec![1]),
        ("uri=/v1/conf", vec![]),
        (&format!("request_id={third}"), vec![2]),
        ("request_id=no%25thing", vec![]),
        (&format!("user_id={key_id}"), vec![1, 0]),
        (&format!("user_id={admin_id}"), vec![2]),
        (&format!("user_id={user}"), vec![3]),
        ("user_type=user", vec![3]),
        ("user_type=api_key", vec![2, 1, 0]),
        ("user_type=turnpike", vec![]),
        (&format!("workspace_id={}", org.workspace), vec![1, 0]),
        (&format!("workspace_id={next_door}"), vec![2]),
        ("response_status_code=200", vec![3, 2, 1, 0]),
        ("response_status_code=400", vec![]),
        ("resource_type=config", vec![1, 0]),
        ("resource_type=virtual_key", vec![2]),
        ("resource_type=virtual", vec![]),
        ("action=create", vec![2, 0]),
        ("action=delete", vec![1]),
        ("action=update", vec![3]),
        ("action=publish", vec![]),
        ("client_ip=192.0.2.7", vec![3, 1, 0]),
        ("client_ip=2001:db8:0::1", vec![2]),
        ("country=DE", vec![]),
        (&format!("organisation_id={}", org.id), vec![3, 2, 1, 0]),
        ("resource_type=config&action=create", vec![0]),
        ("page_size=2", vec![3, 2]),
        ("page_size=2&current_page=1", vec![1, 0]),
        ("page_size=2&current_page=2", vec![]),
    ] {
        let page = list(&org.admin(), &format!("{since}&{query}")).await;
        let seen: Vec<&Value> =
            page["records"].as_array().unwrap().iter().map(|record| &record["request_id"]).collect();
        let expected: Vec<Value> = found.iter().map(|at: &usize| json!(ids[*at])).collect();
        assert_eq!(seen, expected.iter().collect::<Vec<_>>(), "{query}");
        assert_eq!(page["object"], "analytics-graph");
        let total = if query.contains("page") { 4 } else { found.len() };
        assert_eq!(page["total"], total, "{query}");
    }
    // Of time both ends are within.
    let all = list(&org.admin(), since).await["records"].as_array().unwrap().clone();
    let at = |index: usize| all[index]["timestamp"].as_str().unwrap();
    for (from, until, count) in [(at(2), at(2), 1), (at(3), at(1), 3), (at(0), at(0), 1)] {
        let query = format!("start_time={from}&end_time={until}");
        assert_eq!(list(&org.admin(), &query).await["total"], count, "{query}");
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_list_is_named() {
    let app = start().await;
    let org = app.org(Plan::Developer).await;
    for (query, says) in [
        ("", "start_time: missing"),
        ("start_time=2026-01-01T00:00:00Z", "end_time: missing"),
        ("end_time=2026-01-01T00:00:00Z", "start_time: missing"),
        ("start_time=soon&end_time=2026-01-01T00:00:00Z", "start_time: found `soon`"),
        ("start_time=2026-01-02T00:00:00Z&end_time=2026-01-01T00:00:00Z", "end_time: before start_time"),
        (&format!("{EVER}&page_size=101"), "page_size: found `101`"),
        (&format!("{EVER}&current_page=-1"), "current_page: found `-1`"),
        (&format!("{EVER}&method=GET"), "method: found `GET`"),
        (&format!("{EVER}&user_id=me"), "user_id: found `me`"),
        (&format!("{EVER}&user_type=person"), "user_type: found `person`"),
        (&format!("{EVER}&response_status_code=20"), "response_status_code: found `20`"),
        (&format!("{EVER}&resource_type=a%25"), "resource_type: found `a%`"),
        (&format!("{EVER}&action=change"), "action: found `change`"),
        (&format!("{EVER}&client_ip=localhost"), "client_ip: found `localhost`"),
        (&format!("{EVER}&uri={}", "x".repeat(2049)), "uri: too long"),
        (&format!("{EVER}&x=1"), "x: no such parameter"),
    ] {
        let (status, message) = refusal(&app, &org.admin_key, query).await;
        assert_eq!(status, 400, "{query}: {message}");
        assert!(message.starts_with(says), "{query}: {message}");
    }
    let elsewhere = format!("{EVER}&workspace_id=ws-nobody");
    assert_eq!(refusal(&app, &org.admin_key, &elsewhere).await.0, 404);
}

#[tokio::test]
async fn nobody_sees_what_another_organisation_did_and_a_workspaces_key_sees_nothing() {
    let app = start().await;
    let (org, other) = (app.org(Plan::Developer).await, app.org(Plan::Developer).await);
    let config = json!({"name": "x", "config": {"provider": "echo"}});
    let (id, _) = change(other.request(Method::POST, "/v1/configs"), &config).await;
    assert_eq!(records(&other, "").await.len(), 1);
    let key_id = id_of(&other, &other.key).await;
    for query in [String::new(), format!("request_id={id}"), format!("user_id={key_id}")] {
        assert_eq!(records(&org, &query).await, Vec::<Value>::new(), "{query}");
    }
    for query in [format!("organisation_id={}", other.id), format!("workspace_id={}", other.workspace)] {
        assert_eq!(refusal(&app, &org.admin_key, &format!("{EVER}&{query}")).await.0, 404, "{query}");
    }
    assert_eq!(refusal(&app, &other.key, EVER).await.0, 403);
    // Who owns the organisation sees it in person.
    assert_eq!(list(&other.owner().await, EVER).await["total"], 1);
}
