//! The mail that an invite comes by.

use std::time::Duration;

use ::workers::{Job, Parts, Report};
use plans::Plan;
use reqwest::Method;
use serde_json::{Value, json};

use super::{INVITES, accepting, answer, ask, invite};
use crate::alerts::MailServer;
use crate::harness::{NEVER, TestApp};

const OF_THE_SERVER: &str = "of-the-mail-server";

/// A server that sends mail when the test says so.
pub async fn start_mailing(server: &MailServer) -> TestApp {
    TestApp::with(|settings| {
        settings.smtp.url = Some(server.url(OF_THE_SERVER).into());
        settings.smtp.from = Some("Turnpike <mail@turnpike.example>".to_owned());
        NEVER.clone_into(&mut settings.jobs.mails_cron);
    })
    .await
}

pub async fn mail_server() -> MailServer {
    MailServer::start(OF_THE_SERVER).await
}

/// Sends what is due: how many were taken, and how many were not.
pub async fn send(app: &TestApp) -> [Option<u64>; 2] {
    let report: Report = ::workers::run_now(Job::Mails, &Parts::over(&app.running)).await.unwrap();
    ["sent", "failed"].map(|counted| report.count(counted))
}

/// The token that a mail has after this.
pub fn token_in(mail: &Value, after: &str) -> String {
    let text = mail["text"].as_str().unwrap();
    let (_, rest) = text.split_once(after).unwrap_or_else(|| panic!("{text}"));
    rest.split_whitespace().next().unwrap().to_owned()
}

#[tokio::test]
async fn the_mail_has_the_link_which_is_kept_nowhere_and_comes_until_it_is_taken() {
    let mut server = mail_server().await;
    let app = start_mailing(&server).await;
    let org = app.org(Plan::Developer).await;
    let (_, link_token) = invite(&org, "busy@example.com").await;
    assert_eq!(app.count("SELECT count(*) FROM mail WHERE sealed IS NOT NULL").await, 1);
    assert_eq!(send(&app).await, [Some(0), Some(1)], "it is busy");
    assert_eq!(send(&app).await, [Some(0), Some(0)], "it waits");
    app.clock.advance(Duration::from_secs(6));
    assert_eq!(send(&app).await, [Some(1), Some(0)]);
    let mail = server.mail().await;
    assert_eq!((&mail["from"], &mail["to"]), (&json!("mail@turnpike.example"), &json!(["busy@example.com"])));
    assert_eq!(mail["headers"]["subject"], "[Turnpike] Acme invites you");
    let token = token_in(&mail, "/invites/");
    assert_eq!(token, link_token);
    assert_eq!(app.count("SELECT count(*) FROM mail WHERE state = 'sent' AND sealed IS NULL").await, 1);
    assert_eq!(answer(accepting(&app, &token)).await.0, 200);
}

#[tokio::test]
async fn what_a_mail_says_that_no_longer_holds_is_not_sent() {
    let mut server = mail_server().await;
    let app = start_mailing(&server).await;
    let org = app.org(Plan::Developer).await;
    let (cancelled, _) = invite(&org, "one@example.com").await;
    let cancelled = format!("{INVITES}/{cancelled}");
    assert_eq!(ask(&org.admin(), Method::DELETE, &cancelled, None).await.0, 200);
    let (resent, _) = invite(&org, "two@example.com").await;
    let (_, made) = ask(&org.admin(), Method::POST, &format!("{INVITES}/{resent}/resend"), None).await;
    invite(&org, "gone@example.com").await;
    assert_eq!(send(&app).await, [Some(1), Some(1)]);
    assert_eq!(token_in(&server.mail().await, "/invites/"), super::token(&made["inviteLink"]));
    app.clock.advance(super::WEEK);
    assert_eq!(send(&app).await, [Some(0), Some(0)], "after a week it is of no use");
    assert!(server.another().is_none());
    assert_eq!(app.count("SELECT count(*) FROM mail WHERE state = 'withdrawn'").await, 2);
    assert_eq!(app.count("SELECT count(*) FROM mail WHERE state = 'expired'").await, 1);
    assert_eq!(app.count("SELECT count(*) FROM mail WHERE sealed IS NOT NULL").await, 0);
}
