//! The session of a browser: one of the person's like the others, and over when they say so or are gone, at once and everywhere.

use std::time::Duration;

use futures_util::future::join_all;
use plans::Plan;
use reqwest::Method;
use serde_json::{Value, json};

use super::{Browser, logged};
use crate::harness::{TestApp, ask};
use crate::several::Pair;
use crate::users::get;

#[tokio::test]
async fn a_browsers_session_is_listed_and_ended_like_any_other() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let browser = Browser::owner_of(&org).await;
    let another = Browser::owner_of(&org).await;
    let owner = org.owner().await;
    let sessions = async || {
        let (_, list) = get(&owner, "/v1/auth/sessions").await;
        list["data"].as_array().unwrap().clone()
    };
    assert_eq!(sessions().await.len(), 3);
    let page = another.get("/account").await;
    page.assert_is_a_page("account");
    page.assert_says(&format!("Signed in as {}", org.email));
    page.assert_says("<td>owner</td>");
    assert_eq!(page.text.matches("action=\"/account/sessions/").count(), 2, "all but this one");

    // By its page, by REST, by itself.
    let all: Vec<String> =
        sessions().await.iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect();
    let before = all.iter().filter(|id| page.text.contains(&format!("/account/sessions/{id}\"")));
    let not_current = sessions()
        .await
        .into_iter()
        .find(|row| row["current"] == false && before.clone().any(|id| row["id"] == id.as_str()));
    let id = not_current.unwrap()["id"].as_str().unwrap().to_owned();
    assert_eq!(another.post(&format!("/account/sessions/{id}"), &[]).await.to(), "/account");
    assert!(!browser.is_in().await && another.is_in().await);
    for gone in [id.as_str(), "no-id", "01900000-0000-7000-8000-000000000001"] {
        assert_eq!(another.post(&format!("/account/sessions/{gone}"), &[]).await.status, 404, "{gone}");
    }
    let last = sessions().await.into_iter().find(|row| row["current"] == false).unwrap();
    let path = format!("/v1/auth/sessions/{}", last["id"].as_str().unwrap());
    assert_eq!(ask(&owner, Method::DELETE, &path, None).await.0, 200);
    assert!(!another.is_in().await);

    let third = Browser::owner_of(&org).await;
    let copy = third.at(&app);
    let seen = third.post("/sign-out", &[]).await;
    assert_eq!(seen.to(), "/sign-in");
    assert!(seen.header("set-cookie").contains("turnpike=; Path=/; Max-Age=0"), "{:?}", seen.headers);
    assert!(!copy.is_in().await, "not by a cookie that somebody has kept either");
    assert_eq!(third.post("/sign-out", &[]).await.to(), "/sign-in", "safe to repeat");
}

#[tokio::test]
async fn many_tabs_at_once_stay_signed_in_until_thirty_days_are_over() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let browser = Browser::owner_of(&org).await;
    app.clock.advance(Duration::from_hours(29 * 24));
    assert!(join_all((0..16).map(|_| browser.is_in())).await.into_iter().all(|is_in| is_in));
    app.clock.advance(Duration::from_hours(24));
    assert!(!browser.is_in().await);
}

#[tokio::test]
async fn who_signs_in_again_in_one_browser_has_one_session_there() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let browser = Browser::owner_of(&org).await;
    let before = browser.at(&app);
    let fields = [("email", org.email.as_str()), ("password", &org.password)];
    assert_eq!(browser.post("/sign-in", &fields).await.to(), "/account");
    assert!(browser.is_in().await && !before.is_in().await);
    assert_eq!(app.count("SELECT count(*) FROM session WHERE revoked_at IS NULL").await, 1);
}

#[tokio::test]
async fn another_password_ends_it() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let browser = Browser::owner_of(&org).await;
    let change = json!({"current_password": org.password, "new_password": "staple battery horse correct"});
    let (status, _) = ask(&org.owner().await, Method::POST, "/v1/auth/password", Some(&change)).await;
    assert_eq!(status, 200);
    assert!(!browser.is_in().await);
}

#[tokio::test]
async fn who_is_removed_is_out_at_once_at_every_server() {
    let pair = Pair::start().await;
    let org = pair.first.org(Plan::Enterprise).await;
    let id = logged(&org, "hi").await;
    let workspace = org.workspace_id(&org.workspace).await;
    let person = org.person("member", &[(workspace, "member")]).await;
    let here = Browser::signed_in(&pair.first, &person.email, &person.password).await;
    let there = here.at(&pair.second);
    let path = format!("/logs/{id}");
    for browser in [&here, &there] {
        assert_eq!(browser.get(&path).await.status, 200);
    }
    let place = format!("/v1/admin/workspaces/{}/users/{}", org.workspace, person.id);
    assert_eq!(ask(&org.admin(), Method::DELETE, &place, None).await.0, 200);
    for browser in [&there, &here] {
        assert_eq!(browser.get(&path).await.status, 404, "the workspace is theirs no more");
        assert!(browser.is_in().await);
    }
    let (status, said) =
        ask(&org.admin(), Method::DELETE, &format!("/v1/admin/users/{}", person.id), None).await;
    assert_eq!((status, said), (200, Value::Object(serde_json::Map::new())));
    for browser in [&there, &here] {
        assert!(!browser.is_in().await, "without a moment's wait");
    }
}
