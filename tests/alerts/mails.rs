//! Alerts by e-mail.

use std::collections::BTreeSet;
use std::time::Duration;

use alerts::Kind;
use entity::{membership, user};
use plans::Plan;
use reqwest::Method;
use sea_orm::{EntityTrait as _, IntoActiveModel as _};
use serde_json::{Value, json};

use super::clients::MailServer;
use super::{counts, deliver, get, raise, start, start_with, text};
use crate::harness::{Org, Process, TestApp};

const PASSWORD: &str = "of-the-mail-server";

async fn start_mailing(url: String) -> TestApp {
    start_with(|settings| {
        settings.smtp.url = Some(url.into());
        settings.smtp.from = Some("Turnpike <alerts@turnpike.example>".to_owned());
    })
    .await
}

/// Another person of the organisation.
async fn add(org: &Org<'_>, email: &str, role: &str) {
    let (db, id) = (&org.app.running.db, org.app.running.ids.fresh());
    let person = user::Model {
        id,
        email: email.to_owned(),
        first_name: String::new(),
        last_name: String::new(),
        password_hash: String::new(),
        created_at: 0,
    };
    user::Entity::insert(person.into_active_model()).exec_without_returning(db).await.unwrap();
    let role = role.to_owned();
    let row =
        membership::Model { organisation_id: org.id, user_id: id, role, created_at: 0, last_updated_at: 0 };
    membership::Entity::insert(row.into_active_model()).exec_without_returning(db).await.unwrap();
}

/// The deliveries of the newest alert, by recipient.
async fn deliveries(org: &Org<'_>) -> Vec<Value> {
    let told = get(org, "/v1/billing/alerts").await;
    told["data"][0]["deliveries"].as_array().unwrap().clone()
}

#[tokio::test]
async fn each_owner_gets_a_mail_of_their_own_that_says_what_happened_and_what_may_be_done() {
    let mut server = MailServer::start(PASSWORD).await;
    let app = start_mailing(server.url(PASSWORD)).await;
    let (org, other) = (app.org(Plan::Production).await, app.org(Plan::Production).await);
    add(&org, "busy@example.com", "owner").await;
    add(&org, "gone@example.com", "owner").await;
    add(&org, "admin@example.com", "admin").await;
    add(&other, "not-theirs@example.com", "owner").await;
    raise(&org, Kind::Allowance, 80).await;
    assert_eq!(counts(&deliver(&app).await), [Some(1), Some(1), Some(2)]);
    let mail = server.mail().await;
    assert_eq!((&mail["from"], &mail["to"]), (&json!("alerts@turnpike.example"), &json!([org.email])));
    let headers = &mail["headers"];
    assert_eq!(headers["subject"], "[Turnpike] Acme: 80 % of the logs included in 2026-11 are used");
    assert_eq!((&headers["to"], &headers["auto-submitted"]), (&json!(org.email), &json!("auto-generated")));
    assert_eq!(headers["from"], "Turnpike <alerts@turnpike.example>");
    assert!(text(&headers["date"]).starts_with("Sun, 15 Nov 2026 12:0"), "by the given clock: {headers}");
    let body = text(&mail["text"]);
    for said in [
        "Acme: 80 % of the logs included in 2026-11 are used.",
        "PUT /v1/billing/plan",
        "used logs: 80000",
        &org.id.to_string(),
    ] {
        assert!(body.contains(said), "{said}: {body}");
    }

    let seen = deliveries(&org).await;
    let of = |email: &str| seen.iter().find(|it| it["recipient"] == email).unwrap_or(&Value::Null).clone();
    let delivered = of(&org.email);
    assert_eq!((&delivered["state"], &delivered["last_status"]), (&json!("delivered"), &json!(250)));
    assert_eq!(headers["message-id"], format!("<{}@turnpike.example>", text(&delivered["id"])));
    let busy = of("busy@example.com");
    assert_eq!(
        (&busy["state"], &busy["last_error"]),
        (&json!("pending"), &json!("the mail server answered 451"))
    );
    assert_eq!(of("gone@example.com")["last_status"], 550);
    assert_eq!(seen.len(), 3, "{seen:?}");

    app.clock.advance(Duration::from_secs(6));
    assert_eq!(counts(&deliver(&app).await), [Some(0), Some(1), Some(1)]);
    assert_eq!(server.mail().await["to"], json!(["busy@example.com"]));
    assert_eq!(counts(&deliver(&app).await), [Some(0); 3]);
    assert!(server.another().is_none());
}

/// Who was to get the newest alert.
async fn recipients(org: &Org<'_>) -> BTreeSet<String> {
    deliveries(org).await.iter().map(|it| it["recipient"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn of_a_key_those_are_told_whom_it_names_too_and_of_its_budget_the_admins() {
    // Nobody has to take them.
    let app = start_mailing("smtp://127.0.0.1:1".to_owned()).await;
    let (org, other) = (app.org(Plan::Production).await, app.org(Plan::Production).await);
    for (email, role) in
        [("admin@example.com", "admin"), ("maker@example.com", "member"), ("user@example.com", "member")]
    {
        add(&org, email, role).await;
    }
    add(&other, "not-theirs@example.com", "owner").await;
    let user = |email: &str| format!("(SELECT id FROM users WHERE email = '{email}')");
    let new = json!({"name": "k", "scopes": ["logs.list"], "alert_emails": ["Named@example.com", org.email]});
    let made = org.request(Method::POST, "/v1/api-keys/workspace/service").json(&new).send().await.unwrap();
    let made: Value = made.json().await.unwrap();
    let (maker, holder) = (user("maker@example.com"), user("user@example.com"));
    let this = app.is("id", text(&made["id"]).parse().unwrap());
    app.execute(&format!("UPDATE api_key SET created_by = {maker}, user_id = {holder} WHERE {this}")).await;
    let told = async |kind, period: &str| {
        let alert = alerts::Alert {
            organisation_id: org.id,
            kind,
            subject: format!("key:{}", text(&made["id"])),
            period: period.to_owned(),
            threshold: 80,
            data: json!({}),
        };
        // So that each is newer than the one before.
        app.clock.advance(Duration::from_millis(1));
        let (db, ids) = (&app.running.db, &app.running.ids);
        assert!(alerts::raise(db, ids, app.clock.now_ms(), alert).await.unwrap());
        deliver(&app).await;
        recipients(&org).await
    };
    let all = |emails: &[&str]| emails.iter().map(|email| (*email).to_owned()).collect::<BTreeSet<_>>();
    let key = ["named@example.com", "maker@example.com", "user@example.com", org.email.as_str()];
    assert_eq!(told(Kind::Budget, "1").await, all(&[&key[..], &["admin@example.com"]].concat()));
    assert_eq!(told(Kind::Rotation, "1").await, all(&key));
    assert_eq!(told(Kind::Standing, "1").await, all(&key), "whatever is of a key");
    // Who has left is told no more.
    app.execute(&format!("DELETE FROM membership WHERE user_id IN ({maker}, {holder})")).await;
    assert_eq!(told(Kind::Rotation, "2").await, all(&["named@example.com", &org.email]));
    app.execute(&format!("UPDATE api_key SET status = 'archived' WHERE {this}")).await;
    assert_eq!(told(Kind::Budget, "2").await, all(&["admin@example.com", &org.email]));
}

#[tokio::test]
async fn without_a_mail_server_there_is_no_mail_and_one_that_does_not_answer_is_tried_again() {
    let app = start().await;
    let org = app.org(Plan::Developer).await;
    raise(&org, Kind::Limit, 100).await;
    assert_eq!(counts(&deliver(&app).await), [Some(1), Some(0), Some(0)]);
    assert_eq!(deliveries(&org).await.len(), 0);

    let server = MailServer::start(PASSWORD).await;
    let app = start_mailing(server.url("another-password")).await;
    let org = app.org(Plan::Developer).await;
    raise(&org, Kind::Limit, 100).await;
    assert_eq!(counts(&deliver(&app).await), [Some(1), Some(0), Some(1)]);
    assert_eq!(deliveries(&org).await[0]["last_error"], "the mail server answered 535");
    drop(server);
    app.clock.advance(Duration::from_secs(6));
    assert_eq!(counts(&deliver(&app).await), [Some(0), Some(0), Some(1)]);
    let seen = &deliveries(&org).await[0];
    assert_eq!(
        (&seen["last_error"], &seen["attempts"]),
        (&json!("the mail server could not be reached"), &json!(2))
    );
}

#[test]
fn a_start_with_settings_that_no_mail_can_be_sent_with_says_which() {
    let dir = tempfile::tempdir().unwrap();
    let url = ("TURNPIKE_SMTP__URL", "smtp://u:hush@mail.example.com");
    for (env, says) in [
        (vec![url], "smtp.from is missing"),
        (vec![url, ("TURNPIKE_SMTP__FROM", "nobody")], "smtp.from is missing, or no address"),
        (
            vec![("TURNPIKE_SMTP__URL", "http://u:hush@x"), ("TURNPIKE_SMTP__FROM", "a@b.example")],
            "smtp.url is no URL",
        ),
    ] {
        let output = Process::run(dir.path(), &env, &["serve"]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && said.contains(says) && !said.contains("hush"), "{said}");
    }
}
