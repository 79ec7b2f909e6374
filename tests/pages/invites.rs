//! What comes by mail and is opened in a browser: an invite, and a link for a new password.

use std::time::Duration;

use plans::Plan;
use reqwest::Method;
use serde_json::{Value, json};

use super::Browser;
use crate::harness::{Org, TestApp, ask};
use crate::invites::mails::{mail_server, send, start_mailing, token_in};
use crate::users::call;

const PASSWORD: &str = "correct horse battery staple";
const INVITES: &str = "/v1/admin/users/invites";

/// An invite: its id, and the path of its link.
async fn invite(org: &Org<'_>, email: &str, more: Value) -> (String, String) {
    let new =
        json!({"email": email, "role": "member", "workspaces": [{"id": org.workspace, "role": "manager"}]});
    let (status, made) =
        ask(&org.owner().await, Method::POST, INVITES, Some(&crate::harness::with(new, more))).await;
    assert_eq!(status, 200, "{made}");
    let link = made["invite_link"].as_str().unwrap();
    let path = link.strip_prefix("http://turnpike.example").unwrap().to_owned();
    (made["id"].as_str().unwrap().to_owned(), path)
}

async fn start() -> TestApp {
    TestApp::with(|settings| settings.public_url = Some("http://turnpike.example".to_owned())).await
}

#[tokio::test]
async fn who_is_invited_sees_by_whom_makes_an_account_and_is_signed_in() {
    let app = start().await;
    let org = app.org(Plan::Developer).await;
    let (_, path) = invite(&org, "kim@example.com", json!({})).await;
    let browser = Browser::of(&app);
    let page = browser.get(&path).await;
    assert_eq!(page.status, 200);
    page.assert_is_a_page("invite");
    for said in [
        "Join Acme",
        "as a member",
        "kim@example.com",
        "2026-11-22 12:",
        "name=\"first_name\"",
        "new-password",
    ] {
        page.assert_says(said);
    }
    for (fields, says) in [
        (&[("first_name", "Kim")][..], "Password: missing"),
        (&[("first_name", "<b>"), ("password", "short")], "too short"),
        (&[("password", "kim@example.com")], "the same as the e-mail address"),
        (&[("password", PASSWORD), ("email", "another@example.com")], "Email: no such field"),
    ] {
        let seen = browser.post(&path, fields).await;
        assert_eq!(seen.status, 400, "{fields:?}");
        seen.assert_says(says);
        assert!(!seen.text.contains("<b>") && !seen.text.contains(PASSWORD), "{}", seen.text);
    }
    let fields = [("first_name", "Kim"), ("last_name", "Example"), ("password", PASSWORD)];
    assert_eq!(browser.post(&path, &fields).await.to(), "/account");
    browser.get("/account").await.assert_says("Signed in as Kim Example, kim@example.com");

    let again = Browser::of(&app);
    for seen in [again.get(&path).await, again.post(&path, &fields).await] {
        assert_eq!(seen.status, 404, "it works once");
        seen.assert_is_a_page("used");
        seen.assert_says("This invite is no longer good");
        seen.assert_says("ask whoever invited you to send another");
    }
    // What the link works by is in no line of the audit log.
    let token = path.rsplit('/').next().unwrap();
    let audited = "SELECT count(*) FROM audit_entry WHERE action = 'invite.accept' AND ";
    assert_eq!(app.count(&format!("{audited}uri = '/invites/{{token}}'")).await, 1);
    assert_eq!(app.count(&format!("{audited}uri LIKE '%{token}%'")).await, 0);
}

#[tokio::test]
async fn who_has_an_account_shows_that_it_is_theirs() {
    let app = start().await;
    let (org, other) = (app.org(Plan::Developer).await, app.org(Plan::Developer).await);
    let person = other.person("member", &[]).await;
    let (_, path) = invite(&org, &person.email, json!({})).await;
    let browser = Browser::of(&app);
    let page = browser.get(&path).await;
    page.assert_says("There is an account with this address");
    assert!(!page.text.contains("first_name"), "{}", page.text);
    let seen = browser.post(&path, &[("password", "wrong")]).await;
    assert_eq!(seen.status, 401);
    seen.assert_says("It is not the password of the account that has the address.");
    let somebody = Browser::owner_of(&other).await;
    assert_eq!(somebody.post(&path, &[]).await.status, 400, "signed in as somebody else");
    assert_eq!(browser.post(&path, &[("password", &person.password)]).await.to(), "/account");

    let (_, path) = invite(&app.org(Plan::Developer).await, &person.email, json!({})).await;
    browser.get(&path).await.assert_says("nothing more is needed");
    assert_eq!(browser.post(&path, &[]).await.to(), "/account", "they are signed in with that address");
    assert_eq!(browser.get("/account").await.text.matches("<td>member</td>").count(), 3);
}

#[tokio::test]
async fn keys_that_come_with_an_invite_are_shown_once() {
    let app = start().await;
    let org = app.org(Plan::Developer).await;
    let keys = json!({"workspace_api_key_details": {"scopes": ["completions.write"]}});
    let (_, path) = invite(&org, "kim@example.com", keys).await;
    let browser = Browser::of(&app);
    let seen = browser.post(&path, &[("password", PASSWORD)]).await;
    assert_eq!(seen.status, 200, "{}", seen.text);
    seen.assert_is_a_page("keys");
    let (_, rest) = seen.text.split_once(&format!("<dt>{}</dt><dd class=\"id\">", org.workspace)).unwrap();
    let key = rest.split('<').next().unwrap();
    assert_eq!(call(&org, key).await, 200);
    assert!(browser.is_in().await);
}

#[tokio::test]
async fn an_invite_that_is_over_is_told_in_one_way() {
    let app = start().await;
    let org = app.org(Plan::Developer).await;
    let (cancelled, cancelled_path) = invite(&org, "one@example.com", json!({})).await;
    let (_, expired_path) = invite(&org, "two@example.com", json!({})).await;
    let path = format!("{INVITES}/{cancelled}");
    assert_eq!(ask(&org.admin(), Method::DELETE, &path, None).await.0, 200);
    let browser = Browser::of(&app);
    let over = browser.get(&cancelled_path).await;
    assert_eq!(over.status, 404);
    assert_eq!(browser.get(&expired_path).await.status, 200);
    app.clock.advance(Duration::from_hours(7 * 24));
    let unknown = format!("/invites/tpi_{}", "0".repeat(48));
    for path in [
        &expired_path,
        &unknown,
        "/invites/x",
        "/invites/%3Cscript%3E",
        &cancelled_path.replace("tpi_", "tpw_"),
    ] {
        let seen = browser.get(path).await;
        assert_eq!((seen.status, &seen.text), (404, &over.text), "{path}");
        assert_eq!(browser.post(path, &[("password", PASSWORD)]).await.text, over.text, "{path}");
    }
}

#[tokio::test]
async fn a_forgotten_password_is_reset_by_a_link() {
    let mut server = mail_server().await;
    let app = start_mailing(&server).await;
    let org = app.org(Plan::Developer).await;
    let signed_in = Browser::owner_of(&org).await;
    let browser = Browser::of(&app);
    browser.get("/sign-in").await.assert_says("href=\"/forgot-password\"");
    assert_eq!(browser.get("/forgot-password").await.status, 200);
    let known = browser.post("/forgot-password", &[("email", &org.email)]).await;
    let nobody = browser.post("/forgot-password", &[("email", "nobody@example.com")]).await;
    known.assert_is_a_page("forgot");
    assert_eq!((known.status, &known.text), (200, &nobody.text), "always the same");
    known.assert_says("If there is an account with this address");
    let seen = browser.post("/forgot-password", &[("email", "no address")]).await;
    assert_eq!(seen.status, 400);
    seen.assert_says("Email: ");

    send(&app).await;
    let path = format!("/reset/{}", token_in(&server.mail().await, "/reset/"));
    let page = browser.get(&path).await;
    assert_eq!(page.status, 200);
    page.assert_is_a_page("reset");
    for (new, says) in
        [("", "password: missing"), ("short", "too short"), (&*org.email, "the same as the e-mail")]
    {
        let seen = browser.post(&path, &[("new_password", new)]).await;
        assert_eq!(seen.status, 400, "{new}");
        seen.assert_says(says);
    }
    assert_eq!(browser.post(&path, &[("new_password", PASSWORD)]).await.to(), "/sign-in?new-password");
    browser.get("/sign-in?new-password").await.assert_says("Your password is set");
    assert!(!signed_in.is_in().await, "all sessions have ended");
    for seen in [browser.get(&path).await, browser.post(&path, &[("new_password", PASSWORD)]).await] {
        assert_eq!(seen.status, 404);
        seen.assert_says("This link is no longer good");
    }
    Browser::signed_in(&app, &org.email, PASSWORD).await;
    let audited =
        "SELECT count(*) FROM audit_entry WHERE action = 'password.update' AND uri = '/reset/{token}'";
    assert_eq!(app.count(audited).await, 1);
}

#[tokio::test]
async fn where_no_mail_is_sent_the_page_says_so() {
    let app = TestApp::start().await;
    let page = Browser::of(&app).get("/forgot-password").await;
    page.assert_says("This server sends no mail");
    assert!(!page.text.contains("<form"), "{}", page.text);
}
