//! A person's own sessions.

use plans::Plan;
use reqwest::Method;
use serde_json::{Value, json};

use super::{reads, text};
use crate::harness::{TestApp, ask};
use crate::users::get;

#[tokio::test]
async fn a_person_sees_where_they_are_signed_in_and_ends_it_there() {
    let app = TestApp::start().await;
    let (org, other) = (app.org(Plan::Developer).await, app.org(Plan::Developer).await);
    let login = json!({"email": org.email, "password": org.password});
    let elsewhere = app.http.post(app.url("/v1/auth/login")).header("user-agent", "a phone").json(&login);
    let elsewhere: Value = elsewhere.send().await.unwrap().json().await.unwrap();
    let here = org.owner().await;
    let (status, list) = get(&here, "/v1/auth/sessions").await;
    assert_eq!((status, &list["object"], &list["total"]), (200, &json!("list"), &json!(2)), "{list}");
    let rows = list["data"].as_array().unwrap();
    let current = rows.iter().find(|row| row["current"] == true).unwrap();
    let phone = rows.iter().find(|row| row["user_agent"] == "a phone").unwrap();
    assert_eq!((&phone["current"], &phone["address"]), (&json!(false), &json!("127.0.0.1")), "{list}");
    assert_eq!((&phone["object"], &phone["organisation_id"]), (&json!("session"), &json!(org.id)));
    assert_eq!(reads(&org, &elsewhere).await, 200);

    let path = |row: &Value| format!("/v1/auth/sessions/{}", text(&row["id"]));
    let stranger = other.owner().await;
    assert_eq!(ask(&stranger, Method::DELETE, &path(phone), None).await.0, 404, "it is not theirs");
    assert_eq!(reads(&org, &elsewhere).await, 200);
    assert_eq!(ask(&here, Method::DELETE, &path(phone), None).await, (200, json!({})));
    assert_eq!(reads(&org, &elsewhere).await, 401, "at once");
    assert_eq!(ask(&here, Method::DELETE, &path(phone), None).await.0, 404);
    assert_eq!(get(&here, "/v1/auth/sessions").await.1["total"], 1);
    assert_eq!(ask(&here, Method::DELETE, &path(current), None).await.0, 200, "one's own too");
    assert_eq!(get(&here, "/v1/auth/sessions").await.0, 401);
    assert_eq!(get(&org.admin(), "/v1/auth/sessions").await.0, 403, "a key has none");
}
