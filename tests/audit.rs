//! Whatever is changed is written down once: who changed what, from where, what it was and what it is, and no secret.

mod filters;

use std::collections::BTreeSet;

use plans::Plan;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::harness::{Caller, Org, TestApp};

/// The client, as the proxy before the server tells it.
const CLIENT: &str = "192.0.2.7";
const AGENT: &str = "audited/1.0";

/// What must not be in an entry.
const SECRET: &str = "kanari-7b1d";

/// All there is, in time.
const EVER: &str = "start_time=2026-01-01T00:00:00Z&end_time=2027-01-01T00:00:00Z";

async fn start() -> TestApp {
    TestApp::with(|settings| settings.auth.trust_forwarded_for = true).await
}

/// A change, as it is asked for.
async fn change(request: RequestBuilder, body: &Value) -> (String, Value) {
    let request =
        request.header("user-agent", AGENT).header("x-forwarded-for", format!("10.0.0.1, {CLIENT}"));
    let request = if body.is_null() { request } else { request.json(body) };
    let response = request.send().await.unwrap();
    let (status, id) = (response.status(), response.headers()["x-turnpike-request-id"].clone());
    let answer: Value = response.json().await.unwrap();
    assert_eq!(status, 200, "{answer}");
    (id.to_str().unwrap().to_owned(), answer)
}

/// What an organisation's key finds in the audit log.
async fn records(org: &Org<'_>, query: &str) -> Vec<Value> {
    let page = list(&org.admin(), &format!("{EVER}&{query}")).await;
    let records = page["records"].as_array().unwrap().clone();
    assert_eq!(page["total"], records.len(), "{query}");
    records
}

async fn list(caller: &Caller<'_>, query: &str) -> Value {
    let response = caller.request(Method::GET, &format!("/v1/audit-logs?{query}")).send().await.unwrap();
    let status = response.status();
    let page: Value = response.json().await.unwrap();
    assert_eq!(status, 200, "{query}: {page}");
    page
}

/// What is asked for, and what its entry says.
struct Change<'a> {
    by: &'a Caller<'a>,
    method: Method,
    path: String,
    body: Value,
    /// As `config.create`.
    action: &'static str,
    /// Whether something is noted of how it was, and of how it is.
    sides: (bool, bool),
}

/// Makes it and gives the answer, once its one entry was looked at.
async fn made(org: &Org<'_>, who: (&str, &str), workspace: Option<&str>, it: Change<'_>) -> Value {
    let (id, answer) = change(it.by.request(it.method.clone(), &it.path), &it.body).await;
    let records = records(org, &format!("request_id={id}")).await;
    let what = format!("{} {}: {records:?}", it.method, it.path);
    assert_eq!(records.len(), 1, "{what}");
    let record = &records[0];
    let (resource, action) = it.action.split_once('.').unwrap();
    let path = it.path.split('?').next().unwrap();
    for (field, value) in [
        ("method", json!(it.method.as_str())),
        ("uri", json!(path)),
        ("request_id", json!(id)),
        ("client_ip", json!(CLIENT)),
        ("request_headers", json!(json!({"user-agent": AGENT}).to_string())),
        ("response_status_code", json!(200)),
        ("user_type", json!(who.0)),
        ("user_id", json!(who.1)),
        ("organisation_id", json!(org.id)),
        ("workspace_id", json!(workspace)),
        ("resource_type", json!(resource)),
        ("action", json!(action)),
        ("country", Value::Null),
    ] {
        assert_eq!(record[field], value, "{field} of {what}");
    }
    let noted = |side: &str| !record[side].is_null();
    assert_eq!((noted("before"), noted("after")), it.sides, "{what}");
    assert_ne!(record["before"], record["after"], "{what}");
    let body: Value = serde_json::from_str(record["request_body"].as_str().unwrap()).unwrap();
    assert!(body.is_object(), "{what}");
    answer
}

async fn made_in(org: &Org<'_>, user: &str, workspace: &str, it: Change<'_>) {
    made(org, ("user", user), Some(workspace), it).await;
}

/// The id of the key that has this secret, which its masked form tells.
async fn id_of(org: &Org<'_>, secret: &str) -> String {
    let response = org.admin().request(Method::GET, "/v1/api-keys").send().await.unwrap();
    let keys: Value = response.json().await.unwrap();
    let hint = tenancy::secret::hint(secret);
    let mut all = keys["data"].as_array().unwrap().iter();
    all.find(|key| key["key"] == hint.as_str()).unwrap()["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn each_change_of_a_workspaces_things_has_one_entry() {
    let app = start().await;
    let org = app.org(Plan::Enterprise).await;
    let (admin, key) = (org.admin(), org.with_key(&org.key));
    let (admin_id, key_id) = (id_of(&org, &org.admin_key).await, id_of(&org, &org.key).await);
    let workspace = Some(org.workspace.as_str());
    // An organisation's key names the workspace, and its entry is the workspace's too.
    for (by, who) in [(&key, ("api_key", key_id.as_str())), (&admin, ("api_key", admin_id.as_str()))] {
        let ask = async |method: Method, path: &str, body: Value, action, sides| {
            let mut it = Change { by, method, path: path.to_owned(), body, action, sides };
            if it.body.is_null() {
                it.path = format!("{path}?workspace_id={}", org.workspace);
            } else {
                it.body["workspace_id"] = json!(org.workspace);
            }
            made(&org, who, workspace, it).await
        };
        let (post, put, delete) = (Method::POST, Method::PUT, Method::DELETE);
        let text = |answer: &Value, at: &str| answer.pointer(at).unwrap().as_str().unwrap().to_owned();

        let new = json!({"name": "a key", "scopes": ["logs.list"]});
        let new =
            ask(post.clone(), "/v1/api-keys/workspace/service", new, "api_key.create", (false, true)).await;
        let path = format!("/v1/api-keys/{}", text(&new, "/id"));
        ask(put.clone(), &path, json!({"name": "renamed"}), "api_key.update", (true, true)).await;
        let limits = json!({"rate_limits": [{"type": "requests", "unit": "rpm", "value": 5}]});
        ask(put.clone(), &path, limits, "limits.update", (true, true)).await;
        let rotate = format!("{path}/rotate");
        ask(post.clone(), &rotate, json!({}), "api_key.rotate", (true, true)).await;
        ask(delete.clone(), &rotate, Value::Null, "api_key.update", (true, true)).await;
        ask(delete.clone(), &path, Value::Null, "api_key.delete", (true, true)).await;

        let new = json!({"name": "x", "provider": "openai", "key": format!("{SECRET}-of-a-virtual-key")});
        let new = ask(post.clone(), "/v1/virtual-keys", new, "virtual_key.create", (false, true)).await;
        let path = format!("/v1/virtual-keys/{}", text(&new, "/data/slug"));
        let new = json!({"key": format!("{SECRET}-of-another-one")});
        ask(put.clone(), &path, new, "virtual_key.update", (true, true)).await;
        ask(delete.clone(), &path, Value::Null, "virtual_key.delete", (true, false)).await;

        let config = |name: &str| {
            let key = format!("{SECRET}-of-a-config");
            json!({"name": name, "config": {"provider": "openai", "api_key": key}})
        };
        let new = ask(post.clone(), "/v1/configs", config("x"), "config.create", (false, true)).await;
        let path = format!("/v1/configs/{}", text(&new, "/data/slug"));
        ask(put.clone(), &path, config("y"), "config.update", (true, true)).await;
        ask(delete.clone(), &path, Value::Null, "config.delete", (true, true)).await;

        let guardrail =
            |name: &str| json!({"name": name, "checks": [{"id": "default.notNull"}], "actions": {}});
        let new =
            ask(post.clone(), "/v1/guardrails", guardrail("x"), "guardrail.create", (false, true)).await;
        let path = format!("/v1/guardrails/{}", text(&new, "/slug"));
        ask(put, &path, guardrail("y"), "guardrail.update", (true, true)).await;
        ask(delete, &path, Value::Null, "guardrail.delete", (true, true)).await;
    }
    let all = records(&org, "").await;
    assert_eq!(all.len(), 2 * 15);
    let ids: BTreeSet<&str> = all.iter().map(|record| record["request_id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), all.len(), "each request has an id of its own");
    assert!(!json!(all).to_string().contains(SECRET), "a secret is in the audit log");
    for secret in [&org.key, &org.admin_key] {
        assert!(!json!(all).to_string().contains(secret.as_str()));
    }
}

#[tokio::test]
async fn each_change_of_the_organisation_and_of_a_person_has_one_entry() {
    let app = start().await;
    let org = app.org(Plan::Developer).await;
    let tokens = org.sign_in().await;
    let owner = org.with_access_token(tokens["access_token"].as_str().unwrap());
    let user = tokens["user"]["id"].as_str().unwrap();
    let ask = async |method: Method, path: &str, body: Value, action, sides| {
        let it = Change { by: &owner, method, path: path.to_owned(), body, action, sides };
        made(&org, ("user", user), None, it).await
    };
    let (post, put, delete) = (Method::POST, Method::PUT, Method::DELETE);
    ask(put.clone(), "/v1/billing/caps", json!({"cap_blocks": 3}), "caps.update", (true, true)).await;
    ask(put.clone(), "/v1/billing/plan", json!({"plan": "production"}), "plan.update", (true, true)).await;
    let hooks = "/v1/billing/alerts/webhooks";
    let new = json!({"url": "https://hooks.example.com/x"});
    let hook = ask(post.clone(), hooks, new, "webhook.create", (false, true)).await;
    let path = format!("{hooks}/{}", hook["id"].as_str().unwrap());
    ask(put.clone(), &path, json!({"status": "paused"}), "webhook.update", (true, true)).await;
    ask(post.clone(), &format!("{path}/rotate"), Value::Null, "webhook.rotate", (false, true)).await;
    ask(delete.clone(), &path, Value::Null, "webhook.delete", (true, false)).await;
    let tools = "/v1/otel/destinations";
    let headers = json!({"authorization": format!("Bearer {SECRET}-of-a-tool")});
    let new = json!({"name": "x", "endpoint": "https://otlp.example.com", "headers": headers});
    let tool = ask(post.clone(), tools, new, "otel_destination.create", (false, true)).await;
    let path = format!("{tools}/{}", tool["id"].as_str().unwrap());
    ask(put, &path, json!({"name": "y"}), "otel_destination.update", (true, true)).await;
    ask(delete, &path, Value::Null, "otel_destination.delete", (true, false)).await;
    let new = json!({"name": "an admin's", "scopes": ["audit_logs.list"]});
    ask(post.clone(), "/v1/api-keys/organisation/service", new, "api_key.create", (false, true)).await;

    let new = format!("{SECRET}-the-password");
    let body = json!({"current_password": org.password, "new_password": new});
    ask(post.clone(), "/v1/auth/password", body, "password.update", (false, true)).await;
    assert!(!json!(records(&org, "").await).to_string().contains(SECRET), "a secret is in the audit log");

    // With another session there is one that is ended, which is a change of its own.
    let other = Org { password: new.clone(), ..org_again(&org) }.sign_in().await;
    let body = json!({"current_password": new, "new_password": format!("{SECRET}-another-password")});
    let (id, _) = change(owner.request(post, "/v1/auth/password"), &body).await;
    let entries = records(&org, &format!("request_id={id}")).await;
    let actions: BTreeSet<String> = entries
        .iter()
        .map(|it| format!("{}.{}", it["resource_type"], it["action"]).replace('"', ""))
        .collect();
    assert_eq!(actions, BTreeSet::from(["password.update".to_owned(), "session.delete".to_owned()]));
    let ended = entries.iter().find(|it| it["resource_type"] == "session").unwrap();
    assert_eq!(ended["before"]["sessions"].as_array().unwrap().len(), 1, "{ended}");
    assert_eq!(ended["subject"], format!("user:{user}"));

    // And so there is where somebody ends one by its id.
    let third = Org { password: format!("{SECRET}-another-password"), ..org_again(&org) }.sign_in().await;
    let sessions: Value =
        owner.request(Method::GET, "/v1/auth/sessions").send().await.unwrap().json().await.unwrap();
    let rows = sessions["data"].as_array().unwrap();
    let id = rows.iter().find(|row| row["current"] == false).unwrap()["id"].as_str().unwrap();
    ask(Method::DELETE, &format!("/v1/auth/sessions/{id}"), Value::Null, "session.delete", (true, false))
        .await;
    let refused = app.http.get(app.url("/v1/usage")).bearer_auth(third["access_token"].as_str().unwrap());
    assert_eq!(refused.send().await.unwrap().status(), 401);
    let refused = app.http.get(app.url("/v1/usage")).bearer_auth(other["access_token"].as_str().unwrap());
    assert_eq!(refused.send().await.unwrap().status(), 401);
}

#[tokio::test]
async fn each_change_of_a_workspace_and_its_members_has_one_entry() {
    let app = start().await;
    let org = app.org(Plan::Developer).await;
    let tokens = org.sign_in().await;
    let owner = org.with_access_token(tokens["access_token"].as_str().unwrap());
    let user = tokens["user"]["id"].as_str().unwrap();
    let (post, put, delete) = (Method::POST, Method::PUT, Method::DELETE);
    let new = json!({"name": "x", "users": [user]});
    let (id, made) = change(owner.request(post.clone(), "/v1/admin/workspaces"), &new).await;
    let entries = records(&org, &format!("request_id={id}")).await;
    assert_eq!((entries.len(), &entries[0]["workspace_id"]), (1, &made["slug"]), "{entries:?}");
    let slug = made["slug"].as_str().unwrap();
    let path = format!("/v1/admin/workspaces/{slug}");
    let in_it = async |method: Method, path: &str, body: Value, action, sides| {
        let it = Change { by: &owner, method, path: path.to_owned(), body, action, sides };
        made_in(&org, user, slug, it).await;
    };
    in_it(put.clone(), &path, json!({"name": "y"}), "workspace.update", (true, true)).await;
    let limits = json!({"rate_limits": [{"type": "requests", "unit": "rpm", "value": 5}]});
    in_it(put.clone(), &path, limits, "limits.update", (true, true)).await;
    let (users, member) = (format!("{path}/users"), format!("{path}/users/{user}"));
    in_it(delete.clone(), &member, Value::Null, "workspace_user.delete", (true, false)).await;
    let new = json!({"users": [{"id": user, "role": "member"}]});
    in_it(post.clone(), &users, new, "workspace_user.create", (false, true)).await;
    in_it(put.clone(), &member, json!({"role": "manager"}), "workspace_user.update", (true, true)).await;
    in_it(delete.clone(), &path, Value::Null, "workspace.delete", (true, true)).await;
    // All of it is found by the workspace that is gone.
    assert_eq!(records(&org, &format!("workspace_id={slug}")).await.len(), 7);
}

fn org_again<'a>(org: &Org<'a>) -> Org<'a> {
    let (workspace, key, admin_key) = (org.workspace.clone(), org.key.clone(), org.admin_key.clone());
    let (email, password) = (org.email.clone(), org.password.clone());
    Org { app: org.app, id: org.id, workspace, key, admin_key, email, password }
}

#[tokio::test]
async fn a_persons_password_is_of_all_organisations_that_they_are_in() {
    let app = start().await;
    let (org, other) = (app.org(Plan::Developer).await, app.org(Plan::Developer).await);
    let stranger = app.org(Plan::Developer).await;
    let tokens = org.sign_in().await;
    let user: uuid::Uuid = tokens["user"]["id"].as_str().unwrap().parse().unwrap();
    app.execute(&format!(
        "INSERT INTO membership (organisation_id, user_id, role, created_at)
         SELECT m.organisation_id, u.id, 'member', 0 FROM membership m, users u
         WHERE {} AND {}",
        app.is("m.organisation_id", other.id),
        app.is("u.id", user),
    ))
    .await;
    let owner = org.with_access_token(tokens["access_token"].as_str().unwrap());
    let body = json!({"current_password": org.password, "new_password": "correct horse battery staple"});
    let (id, _) = change(owner.request(Method::POST, "/v1/auth/password"), &body).await;
    for (org, entries) in [(&org, 1), (&other, 1), (&stranger, 0)] {
        assert_eq!(records(org, &format!("request_id={id}")).await.len(), entries);
    }
}

#[tokio::test]
async fn what_was_refused_or_only_read_has_no_entry() {
    let app = start().await;
    let org = app.org(Plan::Developer).await;
    let key = org.with_key(&org.key);
    for (method, path, body, status) in [
        (Method::GET, "/v1/api-keys", Value::Null, 200),
        (Method::POST, "/v1/configs", json!({"name": "x", "config": {"provider": "nobody"}}), 400),
        (Method::DELETE, "/v1/configs/pc-nobody", Value::Null, 404),
        (Method::PUT, "/v1/billing/caps", json!({"cap_blocks": 1}), 403),
        (Method::POST, "/v1/api-keys/workspace/service", json!({"name": "x"}), 400),
    ] {
        let request = key.request(method, path);
        let request = if body.is_null() { request } else { request.json(&body) };
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), status, "{path}");
        let id = response.headers()["x-turnpike-request-id"].to_str().unwrap();
        assert!(id.parse::<uuid::Uuid>().is_ok(), "{path}: what is refused has an id too");
    }
    assert_eq!(records(&org, "").await, Vec::<Value>::new());
}

#[tokio::test]
async fn the_address_is_the_connections_where_no_proxy_is_trusted_and_the_id_is_ours() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let body = json!({"name": "x", "provider": "echo"});
    let request = org.request(Method::POST, "/v1/virtual-keys").header("x-turnpike-request-id", "mine");
    let (id, _) = change(request.header("x-request-id", "mine"), &body).await;
    assert_ne!(id, "mine");
    let entries = records(&org, "").await;
    assert_eq!((&entries[0]["client_ip"], &entries[0]["request_id"]), (&json!("127.0.0.1"), &json!(id)));
}

#[tokio::test]
async fn what_is_not_asked_for_over_http_says_who_did_it_and_nothing_of_a_request() {
    let app = start().await;
    let org = app.org(Plan::Developer).await;
    let (db, ids, now_ms) = (&app.running.db, &app.running.ids, app.clock.now_ms());
    tenancy::organisation::set_plan(db, ids, org.id, Plan::Production, now_ms).await.unwrap();
    let entries = records(&org, "user_type=operator").await;
    let [entry] = entries.as_slice() else { panic!("{entries:?}") };
    assert_eq!((&entry["resource_type"], &entry["action"]), (&json!("plan"), &json!("update")));
    assert_eq!(
        (&entry["before"]["plan"], &entry["after"]["plan"]),
        (&json!("developer"), &json!("production"))
    );
    for field in ["method", "uri", "request_id", "client_ip", "user_id", "response_status_code"] {
        assert_eq!(entry[field], Value::Null, "{field}");
    }
    assert_eq!(entry["request_headers"], "{}");
}
