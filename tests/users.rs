//! The people of an organisation: who they are, what they are made, and that who is removed is out of all of it at once.

use futures_util::future::join;
use plans::Plan;
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::{Caller, Org, TestApp, ask, chat};

pub async fn get(caller: &Caller<'_>, path: &str) -> (u16, Value) {
    ask(caller, Method::GET, path, None).await
}

fn path(id: Uuid) -> String {
    format!("/v1/admin/users/{id}")
}

async fn make(caller: &Caller<'_>, id: Uuid, role: &str) -> (u16, Value) {
    ask(caller, Method::PUT, &path(id), Some(&json!({"role": role}))).await
}

async fn remove(caller: &Caller<'_>, id: Uuid) -> (u16, Value) {
    ask(caller, Method::DELETE, &path(id), None).await
}

/// The owner that the organisation began with.
pub async fn owner_id(org: &Org<'_>) -> Uuid {
    let (_, found) = get(&org.admin(), &format!("/v1/admin/users?email={}", org.email)).await;
    found["data"][0]["id"].as_str().unwrap().parse().unwrap()
}

fn names(list: &Value) -> Vec<&str> {
    list["data"].as_array().unwrap().iter().map(|row| row["email"].as_str().unwrap()).collect()
}

/// A key of the person's own to the organisation's workspace; its secret.
pub async fn own_key(org: &Org<'_>, user: Uuid) -> String {
    let scopes = ["completions.write", "logs.list"];
    let body = json!({"name": "own", "scopes": scopes, "user_id": user, "workspace_id": org.workspace});
    let (status, made) = ask(&org.admin(), Method::POST, "/v1/api-keys/workspace/user", Some(&body)).await;
    assert_eq!(status, 200, "{made}");
    made["key"].as_str().unwrap().to_owned()
}

/// The status of a call with the key.
pub async fn call(org: &Org<'_>, key: &str) -> u16 {
    let caller = org.with_key(key);
    let request = caller.request(Method::POST, "/v1/chat/completions").header("x-portkey-provider", "echo");
    request.json(&chat("hi")).send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn people_are_listed_by_role_and_address_and_each_has_a_page() {
    let app = TestApp::start().await;
    let (org, other) = (app.org(Plan::Developer).await, app.org(Plan::Developer).await);
    let workspace = org.workspace_id(&org.workspace).await;
    let admin = org.person("admin", &[]).await;
    let member = org.person("member", &[(workspace, "manager")]).await;
    let list = async |query: &str| get(&org.admin(), &format!("/v1/admin/users{query}")).await.1;

    let all = list("").await;
    assert_eq!((&all["object"], &all["total"]), (&json!("list"), &json!(3)), "{all}");
    let expected = json!({
        "object": "user", "id": member.id, "first_name": "Robin", "last_name": "Example", "role": "member",
        "email": member.email, "created_at": "2026-11-15T12:00:00.000Z",
        "last_updated_at": "2026-11-15T12:00:00.000Z", "workspace_ids": [org.workspace]
    });
    let shown = all["data"].as_array().unwrap().iter().find(|row| row["email"] == member.email.as_str());
    let mut shown = shown.unwrap().clone();
    // The clock goes on while the test runs.
    for time in ["created_at", "last_updated_at"] {
        assert!(shown[time].as_str().unwrap().starts_with("2026-11-15T12:0"), "{shown}");
        shown[time] = expected[time].clone();
    }
    assert_eq!(shown, expected);
    assert_eq!(names(&list("?role=admin").await), [admin.email.as_str()]);
    assert_eq!(names(&list("?role=owner").await), [org.email.as_str()]);
    assert_eq!(
        names(&list(&format!("?email={}", member.email.to_uppercase())).await),
        [member.email.as_str()]
    );
    assert_eq!(list(&format!("?email={}", other.email)).await["total"], 0, "another organisation's");
    for page in ["?pageSize=2&currentPage=1", "?page_size=2&current_page=1"] {
        let page = list(page).await;
        assert_eq!((&page["total"], names(&page)), (&json!(3), vec![names(&all)[2]]), "{page}");
    }
    let (status, one) = get(&org.admin(), &path(member.id)).await;
    assert_eq!(
        (status, &one["email"], &one["workspace_ids"]),
        (200, &json!(member.email), &json!([org.workspace]))
    );
    let theirs = owner_id(&other).await;
    assert_eq!(get(&org.admin(), &path(theirs)).await.0, 404);

    assert_eq!(get(&admin.caller, "/v1/admin/users").await.0, 200);
    for caller in [&member.caller, &org.with_key(&org.key)] {
        let (status, refused) = get(caller, "/v1/admin/users").await;
        assert_eq!((status, &refused["data"]["errorCode"]), (403, &json!("AB03")), "{refused}");
    }
}

#[tokio::test]
async fn another_role_holds_at_once_and_no_role_is_above_who_gives_it() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let person = org.person("member", &[]).await;
    let sees = async || get(&person.caller, "/v1/admin/users").await.0;
    assert_eq!(sees().await, 403);
    for (role, status) in [("admin", 200), ("admin", 200), ("member", 403)] {
        assert_eq!(make(&org.admin(), person.id, role).await, (200, json!({})));
        assert_eq!(sees().await, status, "{role}");
    }
    let audited = "SELECT count(*) FROM audit_entry WHERE action = 'user.update'";
    assert_eq!(app.count(audited).await, 3);
    let (status, refused) = make(&org.owner().await, person.id, "owner").await;
    assert_eq!(status, 400, "{refused}");
    assert!(refused["data"]["message"].as_str().unwrap().starts_with("role: found `owner`"), "{refused}");
    assert_eq!(make(&org.admin(), app.running.ids.fresh(), "admin").await.0, 404);

    // An admin in person does not take an owner's place away.
    let second = org.person("owner", &[]).await;
    assert_eq!(make(&org.admin(), person.id, "admin").await.0, 200);
    assert_eq!(make(&person.caller, second.id, "member").await.0, 403);
    assert_eq!(remove(&person.caller, second.id).await.0, 403);
    assert_eq!(get(&second.caller, "/v1/billing/plan").await.0, 200, "they are what they were");
    assert_eq!(make(&org.owner().await, second.id, "member").await.0, 200);
    assert_eq!(get(&second.caller, "/v1/billing/plan").await.0, 403);
}

#[tokio::test]
async fn of_the_last_two_owners_who_go_at_once_one_stays() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let mut owner = owner_id(&org).await;
    for (status, refused) in [make(&org.admin(), owner, "member").await, remove(&org.admin(), owner).await] {
        assert_eq!((status, &refused["data"]["errorCode"]), (400, &json!("AB01")), "{refused}");
        assert!(refused.to_string().contains("last owner"), "{refused}");
    }
    for round in 0..6 {
        let second = org.person("owner", &[]).await.id;
        let admin = org.admin();
        let go = async |id: Uuid| match round % 2 {
            0 => make(&admin, id, "admin").await.0,
            _ => remove(&admin, id).await.0,
        };
        let (first_went, second_went) = join(go(owner), go(second)).await;
        let mut went = [first_went, second_went];
        went.sort_unstable();
        assert_eq!(went, [200, 400], "round {round}");
        if first_went == 200 {
            owner = second;
        }
        let (_, owners) = get(&admin, "/v1/admin/users?role=owner").await;
        assert_eq!((&owners["total"], &owners["data"][0]["id"]), (&json!(1), &json!(owner)), "round {round}");
    }
}

#[tokio::test]
async fn who_is_removed_is_out_of_all_of_it_at_once_and_of_nothing_else() {
    let app = TestApp::start().await;
    let (org, other) = (app.org(Plan::Developer).await, app.org(Plan::Developer).await);
    let workspace = org.workspace_id(&org.workspace).await;
    let person = org.person("member", &[(workspace, "member")]).await;
    let there = other.workspace_id(&other.workspace).await;
    other.join(person.id, "member", &[(there, "member")]).await;
    let body = json!({"email": person.email, "password": person.password, "organisation_id": other.id});
    let elsewhere = app.http.post(app.url("/v1/auth/login")).json(&body).send().await.unwrap();
    let elsewhere: Value = elsewhere.json().await.unwrap();
    let elsewhere = other.with_access_token(elsewhere["access_token"].as_str().unwrap());
    let (key, key_elsewhere) = (own_key(&org, person.id).await, own_key(&other, person.id).await);
    // As one that was open when they came in by another way.
    let invited = json!({"email": "late@example.com", "role": "admin", "workspaces": []});
    let place = "/v1/admin/users/invites";
    let (status, invite) = ask(&org.admin(), Method::POST, place, Some(&invited)).await;
    assert_eq!(status, 200, "{invite}");
    app.execute(&format!("UPDATE invite SET email = '{}'", person.email)).await;
    assert_eq!((get(&person.caller, "/v1/logs").await.0, call(&org, &key).await), (200, 200));

    assert_eq!(remove(&org.admin(), person.id).await, (200, json!({})));
    assert_eq!((get(&person.caller, "/v1/logs").await.0, call(&org, &key).await), (401, 401));
    let refresh = json!({"refresh_token": person.tokens["refresh_token"]});
    let refreshed = app.http.post(app.url("/v1/auth/refresh")).json(&refresh).send().await.unwrap();
    assert_eq!(refreshed.status(), 401);
    assert_eq!(get(&org.admin(), &path(person.id)).await.0, 404);
    assert_eq!(remove(&org.admin(), person.id).await.0, 404, "once");
    let id = invite["id"].as_str().unwrap();
    assert_eq!(get(&org.admin(), &format!("{place}/{id}")).await.1["status"], "cancelled");
    assert_eq!(app.count("SELECT count(*) FROM workspace_member").await, 1, "that of the other organisation");
    assert_eq!(app.count("SELECT count(*) FROM audit_entry WHERE action = 'user.delete'").await, 1);
    assert_eq!((get(&elsewhere, "/v1/logs").await.0, call(&other, &key_elsewhere).await), (200, 200));

    // Who comes back begins anew.
    org.join(person.id, "member", &[(workspace, "member")]).await;
    app.clock.advance(app.running.settings.gateway.key_cache_ttl);
    assert_eq!((get(&person.caller, "/v1/logs").await.0, call(&org, &key).await), (401, 401));
}
