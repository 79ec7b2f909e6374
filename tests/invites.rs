//! Invites: by mail or by their link, for a week, and once.

pub mod mails;

use std::time::Duration;

use futures_util::future::join_all;
use plans::Plan;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::harness::{Caller, Org, TestApp, ask};
use crate::users::{call, get, owner_id};

const INVITES: &str = "/v1/admin/users/invites";
const PASSWORD: &str = "correct horse battery staple";
const WEEK: Duration = Duration::from_hours(7 * 24);

/// The token of a link.
pub fn token(link: &Value) -> String {
    link.as_str().unwrap().rsplit('/').next().unwrap().to_owned()
}

/// Somebody to come into the organisation's workspace.
fn somebody(org: &Org<'_>, email: &str) -> Value {
    json!({"email": email, "role": "member", "workspaces": [{"id": org.workspace, "role": "manager"}]})
}

/// An invite of theirs: its id and its token.
async fn invite(org: &Org<'_>, email: &str) -> (String, String) {
    let (status, made) = ask(&org.admin(), Method::POST, INVITES, Some(&somebody(org, email))).await;
    assert_eq!(status, 200, "{made}");
    (made["id"].as_str().unwrap().to_owned(), token(&made["invite_link"]))
}

fn accepting(app: &TestApp, token: &str) -> RequestBuilder {
    let body = json!({"token": token, "first_name": "Kim", "last_name": "Example", "password": PASSWORD});
    app.http.post(app.url("/v1/auth/invites/accept")).json(&body)
}

async fn answer(request: RequestBuilder) -> (u16, Value) {
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

async fn status_of(admin: &Caller<'_>, id: &str) -> String {
    get(admin, &format!("{INVITES}/{id}")).await.1["status"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn who_is_invited_makes_an_account_is_in_and_has_keys() {
    let app =
        TestApp::with(|settings| settings.public_url = Some("https://turnpike.example".to_owned())).await;
    let org = app.org(Plan::Developer).await;
    let mut new = somebody(&org, "Kim@Example.com");
    new["workspace_api_key_details"] = json!({"scopes": ["completions.write"]});
    let (status, made) = ask(&org.owner().await, Method::POST, INVITES, Some(&new)).await;
    assert_eq!(status, 200, "{made}");
    assert!(
        made["invite_link"].as_str().unwrap().starts_with("https://turnpike.example/invites/tpi_"),
        "{made}"
    );
    assert_eq!(app.count("SELECT count(*) FROM mail").await, 0, "there is no mail server");
    let path = format!("{INVITES}/{}", made["id"].as_str().unwrap());
    let (_, mut shown) = get(&org.admin(), &path).await;
    for (time, at) in [("created_at", "2026-11-15T12:0"), ("expires_at", "2026-11-22T12:0")] {
        assert!(shown[time].as_str().unwrap().starts_with(at), "{shown}");
        shown.as_object_mut().unwrap().remove(time);
    }
    let expected = json!({
        "object": "invite", "id": made["id"], "email": "kim@example.com", "role": "member", "accepted_at": null,
        "status": "pending", "invited_by": owner_id(&org).await,
        "workspaces": [{"workspace_id": org.workspace, "role": "manager"}]
    });
    assert_eq!(shown, expected);

    let token = token(&made["invite_link"]);
    let accept =
        async |body: Value| answer(app.http.post(app.url("/v1/auth/invites/accept")).json(&body)).await;
    for (body, says) in [
        (json!({"token": token}), "password: missing"),
        (json!({"token": token, "password": "short"}), "password: too short"),
        (json!({"token": token, "password": "Password1234"}), "password: one of those"),
        (json!({"token": token, "password": "kim@example.com"}), "password: the same as the e-mail address"),
        (json!({"token": "tpi_x", "password": PASSWORD}), "token: does not work"),
        (json!({"token": token.replace("tpi_", "tpw_"), "password": PASSWORD}), "token: does not work"),
    ] {
        let (status, refused) = accept(body).await;
        assert_eq!(status, 400, "{refused}");
        assert!(refused["data"]["message"].as_str().unwrap().starts_with(says), "{says}: {refused}");
    }
    let (status, tokens) = answer(accepting(&app, &token)).await;
    assert_eq!((status, &tokens["role"]), (200, &json!("member")), "{tokens}");
    assert_eq!(
        (&tokens["user"]["name"], &tokens["user"]["email"]),
        (&json!("Kim Example"), &json!("kim@example.com"))
    );
    let kim = org.with_access_token(tokens["access_token"].as_str().unwrap());
    assert_eq!(get(&kim, "/v1/logs").await.0, 200);
    let config = json!({"name": "x", "config": {"provider": "echo"}});
    assert_eq!(ask(&kim, Method::POST, "/v1/configs", Some(&config)).await.0, 200, "a manager");
    let keys = tokens["api_keys"].as_array().unwrap();
    assert_eq!((keys.len(), &keys[0]["workspace_id"]), (1, &json!(org.workspace)));
    assert_eq!(call(&org, keys[0]["key"].as_str().unwrap()).await, 200);

    let (status, refused) = answer(accepting(&app, &token)).await;
    assert_eq!(status, 400, "it works once: {refused}");
    let (_, shown) = get(&org.admin(), &path).await;
    assert!(shown["status"] == "accepted" && shown["accepted_at"].is_string(), "{shown}");
    let (status, refused) = ask(&org.admin(), Method::POST, INVITES, Some(&new)).await;
    assert_eq!((status, &refused["data"]["errorCode"]), (409, &json!("AB07")), "a member: {refused}");
    let audited = "SELECT count(*) FROM audit_entry WHERE action IN ('invite.create', 'invite.accept')";
    assert_eq!(app.count(audited).await, 2);
    assert_eq!(
        app.count(
            "SELECT count(*) FROM users WHERE email = 'kim@example.com' AND password_hash LIKE '$argon2id$%'"
        )
        .await,
        1
    );
}

#[tokio::test]
async fn of_many_who_accept_at_once_one_is_in() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let (_, token) = invite(&org, "kim@example.com").await;
    let answers = join_all((0..8).map(|_| answer(accepting(&app, &token)))).await;
    let in_now = answers.iter().filter(|(status, _)| *status == 200).count();
    assert_eq!(in_now, 1, "{answers:?}");
    assert!(answers.iter().all(|(status, _)| [200, 400, 401].contains(status)), "{answers:?}");
    assert_eq!(app.count("SELECT count(*) FROM users").await, 2);
    assert_eq!(app.count("SELECT count(*) FROM session").await, 1);
}

#[tokio::test]
async fn an_account_that_is_there_shows_its_password_or_is_signed_in() {
    let app = TestApp::start().await;
    let (org, other, third) =
        (app.org(Plan::Developer).await, app.org(Plan::Developer).await, app.org(Plan::Developer).await);
    let body = |token: &str, password: Option<&str>| {
        let mut body = json!({"token": token});
        if let Some(password) = password {
            body["password"] = json!(password);
        }
        app.http.post(app.url("/v1/auth/invites/accept")).json(&body)
    };
    let (_, token) = invite(&org, &other.email).await;
    assert_eq!(answer(body(&token, None)).await.0, 400);
    assert_eq!(answer(body(&token, Some("not their password"))).await.0, 401);
    // Somebody else's session shows nothing.
    let stranger = third.sign_in().await["access_token"].as_str().unwrap().to_owned();
    assert_eq!(answer(body(&token, None).bearer_auth(stranger)).await.0, 400);
    let (status, tokens) = answer(body(&token, Some(&other.password))).await;
    assert_eq!((status, &tokens["organisation_id"]), (200, &json!(org.id)), "{tokens}");

    let (_, token) = invite(&third, &other.email).await;
    let signed_in = tokens["access_token"].as_str().unwrap();
    let (status, tokens) = answer(body(&token, None).bearer_auth(signed_in)).await;
    assert_eq!((status, &tokens["organisation_id"]), (200, &json!(third.id)), "{tokens}");
    assert_eq!(app.count("SELECT count(*) FROM users").await, 3, "no account was made");
}

#[tokio::test]
async fn an_invite_is_sent_again_cancelled_and_over_after_a_week() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let admin = org.admin();
    let again = async |id: &str| ask(&admin, Method::POST, &format!("{INVITES}/{id}/resend"), None).await;
    let (id, first) = invite(&org, "kim@example.com").await;
    let (status, refused) =
        ask(&admin, Method::POST, INVITES, Some(&somebody(&org, "KIM@example.com"))).await;
    assert_eq!((status, &refused["data"]["errorCode"]), (409, &json!("AB07")), "{refused}");
    let (status, resent) = again(&id).await;
    assert_eq!(status, 200, "{resent}");
    let second = token(&resent["inviteLink"]);
    assert_eq!(answer(accepting(&app, &first)).await.0, 400, "another is in its place");

    app.clock.advance(WEEK);
    assert_eq!(status_of(&admin, &id).await, "expired");
    assert_eq!(answer(accepting(&app, &second)).await.0, 400);
    let (newer, _) = invite(&org, "kim@example.com").await;
    assert_eq!(again(&id).await.0, 409, "of two one is open");
    assert_eq!(ask(&admin, Method::DELETE, &format!("{INVITES}/{newer}"), None).await, (200, json!({})));
    let (status, resent) = again(&id).await;
    assert_eq!(status, 200, "{resent}");
    let third = token(&resent["inviteLink"]);

    for (filter, ids) in [
        ("?status=pending", vec![&id]),
        ("?status=cancelled", vec![&newer]),
        ("?status=expired", vec![]),
        ("?email=Kim@example.com&role=member", vec![&newer, &id]),
        ("?role=admin", vec![]),
        ("?pageSize=1&currentPage=1", vec![&id]),
    ] {
        let (_, list) = get(&admin, &format!("{INVITES}{filter}")).await;
        let rows = list["data"].as_array().unwrap().iter();
        let found: Vec<&str> = rows.map(|row| row["id"].as_str().unwrap()).collect();
        assert_eq!(found, ids, "{filter}: {list}");
    }
    for _ in 0..2 {
        assert_eq!(ask(&admin, Method::DELETE, &format!("{INVITES}/{id}"), None).await, (200, json!({})));
    }
    assert_eq!(status_of(&admin, &id).await, "cancelled");
    assert_eq!(answer(accepting(&app, &third)).await.0, 400);
    assert_eq!(again(&id).await.0, 400);
    assert_eq!(app.count("SELECT count(*) FROM membership").await, 1);
}
