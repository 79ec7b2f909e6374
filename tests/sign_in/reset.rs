//! A new password for who has forgotten theirs.

use std::time::Duration;

use plans::Plan;
use serde_json::json;

use super::{answer, assert_refused, post, reads, refresh};
use crate::harness::TestApp;
use crate::invites::mails::{mail_server, send, start_mailing, token_in};

const NEW: &str = "staple battery horse correct";

#[tokio::test]
async fn a_forgotten_password_is_reset_by_mail_once_and_all_sessions_end() {
    let mut server = mail_server().await;
    let app = start_mailing(&server).await;
    let org = app.org(Plan::Developer).await;
    let tokens = org.sign_in().await;
    assert_eq!(reads(&org, &tokens).await, 200);
    let ask = async |email: &str| {
        answer(post(&app, "/v1/auth/password/reset", &json!({"email": email})).await).await
    };
    let confirm = async |token: &str, new: &str| {
        let body = json!({"token": token, "new_password": new});
        answer(post(&app, "/v1/auth/password/reset/confirm", &body).await).await
    };
    let login = async |password: &str| {
        let body = json!({"email": org.email, "password": password});
        post(&app, "/v1/auth/login", &body).await.status().as_u16()
    };
    assert_eq!(ask("nobody@example.com").await, (200, json!({})));
    assert_eq!(send(&app).await, [Some(0), Some(0)]);
    assert_eq!(ask(&org.email.to_uppercase()).await, (200, json!({})), "the same as for nobody");
    assert_eq!(send(&app).await, [Some(1), Some(0)]);
    let mail = server.mail().await;
    assert_eq!(mail["to"], json!([org.email]));
    let first = token_in(&mail, "/reset/");
    ask(&org.email).await;
    send(&app).await;
    let token = token_in(&server.mail().await, "/reset/");

    // Somebody has kept the account waiting.
    for _ in 0..5 {
        assert_eq!(login("wrong").await, 401);
    }
    app.clock.advance(Duration::from_secs(1));
    assert_eq!((login("wrong").await, login(&org.password).await), (401, 429));
    assert_refused(&confirm(&first, NEW).await, 400, "AB01", "token: does not work");
    for (weak, says) in
        [("short", "too short"), ("qwertyuiop123", "one of those"), (&*org.email, "the same as the e-mail")]
    {
        assert_refused(&confirm(&token, weak).await, 400, "AB01", &format!("new_password: {says}"));
    }
    assert_eq!(confirm(&token, NEW).await, (200, json!({})));
    assert_refused(&confirm(&token, NEW).await, 400, "AB01", "token: does not work");
    assert_eq!((reads(&org, &tokens).await, refresh(&app, &tokens).await.0), (401, 401));
    assert_eq!((login(NEW).await, login(&org.password).await), (200, 401), "and none waits");
    assert_eq!(app.count("SELECT count(*) FROM audit_entry WHERE action = 'password.update'").await, 1);
}

#[tokio::test]
async fn a_token_is_over_after_an_hour_and_when_the_password_is_another() {
    let mut server = mail_server().await;
    let app = start_mailing(&server).await;
    let org = app.org(Plan::Developer).await;
    let token = async |server: &mut crate::alerts::MailServer| {
        let body = json!({"email": org.email});
        assert_eq!(post(&app, "/v1/auth/password/reset", &body).await.status(), 200);
        send(&app).await;
        token_in(&server.mail().await, "/reset/")
    };
    let confirm = async |token: &str| {
        let body = json!({"token": token, "new_password": NEW});
        post(&app, "/v1/auth/password/reset/confirm", &body).await.status().as_u16()
    };
    let late = token(&mut server).await;
    app.clock.advance(Duration::from_hours(1));
    assert_eq!(confirm(&late).await, 400);

    let asked_before = token(&mut server).await;
    let body = json!({"current_password": org.password, "new_password": "a password of one's own"});
    let owner = org.owner().await;
    let changed = owner.request(reqwest::Method::POST, "/v1/auth/password").json(&body).send().await.unwrap();
    assert_eq!(changed.status(), 200);
    assert_eq!(confirm(&asked_before).await, 400);
}

#[tokio::test]
async fn who_asks_again_and_again_waits_whoever_it_is_and_nobody_else_does() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    for email in [org.email.as_str(), "nobody@example.com"] {
        let ask = async || post(&app, "/v1/auth/password/reset", &json!({"email": email})).await;
        for _ in 0..5 {
            assert_eq!(ask().await.status(), 200, "{email}");
        }
        app.clock.advance(Duration::from_secs(1));
        assert_eq!(ask().await.status(), 200, "{email}");
        let waits = ask().await;
        assert!(waits.headers().contains_key("retry-after"), "{email}");
        assert_refused(&answer(waits).await, 429, "AB06", "try again in");
    }
    org.sign_in().await;
    let nothing = "SELECT (SELECT count(*) FROM mail) + (SELECT count(*) FROM password_reset)";
    assert_eq!(app.count(nothing).await, 0, "without a mail server there is no way to tell a token");
}
