//! Alerts reach who is to know of them: once each, signed, again and again until they are taken, and nowhere that they may not go.

mod clients;
mod mails;
mod workers;

use std::time::Duration;

use ::workers::{Job, Parts, Report};
use alerts::{Alert, DELAYS_MS, Kind};
use clock::Clock;
use egress::Reach;
use plans::{Overrides, Plan};
use reqwest::{Method, Response};
use serde_json::{Value, json};
use settings::Settings;
use tempfile::TempDir;
use uuid::Uuid;

use crate::harness::{Exchange, NEVER, Org, TestApp, Upstream, chat};
pub use clients::MailServer;
use clients::verified;

const WEBHOOKS: &str = "/v1/billing/alerts/webhooks";

/// A server whose alerts go out when the test says so.
async fn start() -> TestApp {
    start_with(|_| {}).await
}

async fn start_with(change: impl FnOnce(&mut Settings)) -> TestApp {
    TestApp::with(|settings| {
        by_hand(settings);
        change(settings);
    })
    .await
}

fn by_hand(settings: &mut Settings) {
    NEVER.clone_into(&mut settings.jobs.alert_deliveries_cron);
}

/// Sends what is due.
async fn deliver(app: &TestApp) -> Report {
    ::workers::run_now(Job::AlertDeliveries, &Parts::over(&app.running)).await.unwrap()
}

/// Sends what is due to one receiver, which answers with this status; what it was asked.
async fn deliver_to(app: &TestApp, receiver: &mut Upstream, status: u16) -> (Report, Asked) {
    let answering = async {
        let exchange = receiver.asked().await;
        let asked = Asked::of(&exchange);
        exchange.bodiless(status, &[("content-length", "0"), ("location", "http://127.0.0.1:1/")]).await;
        asked
    };
    tokio::join!(deliver(app), answering)
}

/// What a receiver was sent.
struct Asked {
    line: String,
    id: String,
    signatures: usize,
    body: Value,
}

impl Asked {
    fn of(exchange: &Exchange) -> Self {
        let header = |name: &str| exchange.header(name).unwrap().to_owned();
        Self {
            line: exchange.head.lines().next().unwrap().to_owned(),
            id: header("webhook-id"),
            signatures: header("webhook-signature").split(' ').count(),
            body: exchange.json_body(),
        }
    }
}

async fn raise(org: &Org<'_>, kind: Kind, threshold: i32) {
    let alert = Alert {
        organisation_id: org.id,
        kind,
        subject: if kind == Kind::Budget { "key:7".to_owned() } else { String::new() },
        period: "2026-11".to_owned(),
        threshold,
        data: json!({"used_logs": 80_000, "kind": "not this"}),
    };
    let (db, ids) = (&org.app.running.db, &org.app.running.ids);
    // So that each is newer than the one before.
    org.app.clock.advance(Duration::from_millis(1));
    assert!(alerts::raise(db, ids, org.app.clock.now_ms(), alert).await.unwrap());
}

async fn send(org: &Org<'_>, method: Method, path: &str, body: Option<Value>) -> Response {
    let request = org.admin().request(method, path);
    let request = match body {
        Some(body) => request.json(&body),
        None => request,
    };
    request.send().await.unwrap()
}

async fn done(response: Response) -> Value {
    let status = response.status();
    let body: Value = response.json().await.unwrap();
    assert_eq!(status, 200, "{body}");
    body
}

async fn get(org: &Org<'_>, path: &str) -> Value {
    done(send(org, Method::GET, path, None).await).await
}

async fn post(org: &Org<'_>, path: &str, body: Option<Value>) -> Value {
    done(send(org, Method::POST, path, body).await).await
}

/// A webhook to a receiver; its id and its secret.
async fn webhook(org: &Org<'_>, receiver: &Upstream, events: Value) -> (String, String) {
    let url = format!("http://{}/hook", receiver.addr);
    let made = post(org, WEBHOOKS, Some(json!({"url": url, "events": events}))).await;
    (text(&made["id"]), text(&made["secret"]))
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// A moment on the wire, in Unix milliseconds.
fn millis(moment: &Value) -> i64 {
    chrono::DateTime::parse_from_rfc3339(moment.as_str().unwrap()).unwrap().timestamp_millis()
}

/// The one delivery of a webhook.
async fn delivery(org: &Org<'_>, webhook: &str) -> Value {
    let log = get(org, &format!("{WEBHOOKS}/{webhook}/deliveries")).await;
    assert_eq!(log["total"], 1, "{log}");
    log["data"][0].clone()
}

fn counts(report: &Report) -> [Option<u64>; 3] {
    ["announced", "delivered", "failed"].map(|what| report.count(what))
}

#[tokio::test]
async fn a_webhook_is_signed_as_standard_webhooks_has_it_with_both_secrets_for_a_day() {
    // By the machine's time, as the library that verifies goes by that.
    let dir = TempDir::new().unwrap();
    let mut settings = TestApp::settings(dir.path());
    by_hand(&mut settings);
    let now_ms = Clock::system().now_ms();
    let app = TestApp::start_at(Clock::starting_at(now_ms), dir, settings).await;
    let org = app.org(Plan::Production).await;
    let mut receiver = Upstream::start().await;
    let (id, secret) = webhook(&org, &receiver, Value::Null).await;
    raise(&org, Kind::Allowance, 80).await;
    let (report, exchange) = tokio::join!(deliver(&app), async {
        let exchange = receiver.asked().await;
        let payload = verified(&secret, &exchange).await.unwrap();
        assert!(verified("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", &exchange).await.is_none());
        assert!(exchange.head.starts_with("POST /hook HTTP/1.1\r\n"), "{}", exchange.head);
        assert_eq!(exchange.header("content-type"), Some("application/json"));
        let webhook_id = exchange.header("webhook-id").unwrap().to_owned();
        exchange.bodiless(204, &[]).await;
        (webhook_id, payload)
    });
    assert_eq!(counts(&report), [Some(1), Some(1), Some(0)]);
    let (webhook_id, payload) = exchange;
    let told = get(&org, "/v1/billing/alerts").await;
    let alert = &told["data"][0];
    assert_eq!(payload["type"], "usage.allowance_reached");
    assert_eq!(payload["timestamp"], alert["created_at"]);
    let expected = json!({
        "organisation_id": org.id, "alert_id": alert["id"], "kind": "allowance", "subject": null, "period": "2026-11",
        "threshold": 80, "used_logs": 80_000
    });
    assert_eq!(payload["data"], expected);
    let delivered = &alert["deliveries"][0];
    assert_eq!(delivered["id"], webhook_id.as_str(), "who gets one twice can tell by its id");
    assert_eq!(
        (&delivered["state"], &delivered["attempts"], &delivered["last_status"], &delivered["webhook_id"]),
        (&json!("delivered"), &json!(1), &json!(204), &json!(id))
    );

    let rotated = post(&org, &format!("{WEBHOOKS}/{id}/rotate"), None).await;
    let new = text(&rotated["secret"]);
    assert_ne!(new, secret);
    let test = post(&org, &format!("{WEBHOOKS}/{id}/test"), None).await;
    let again = post(&org, &format!("{WEBHOOKS}/{id}/test"), None).await;
    assert_eq!(test["id"], again["id"], "one test is on its way at a time");
    let (_, ()) = tokio::join!(deliver(&app), async {
        let exchange = receiver.asked().await;
        for secret in [&secret, &new] {
            assert_eq!(verified(secret, &exchange).await.unwrap()["type"], "webhook.test");
        }
        exchange.bodiless(200, &[("content-length", "0")]).await;
    });
    app.clock.advance(Duration::from_hours(24));
    post(&org, &format!("{WEBHOOKS}/{id}/test"), None).await;
    let (_, asked) = deliver_to(&app, &mut receiver, 200).await;
    assert_eq!(asked.signatures, 1, "the former secret signs for a day");
}

#[tokio::test]
async fn calls_that_use_the_allowance_up_are_told_of_at_80_and_at_100_per_cent() {
    let app = start_with(|settings| {
        let five = Overrides { included_logs: Some(5), max_logs: Some(5), ..Overrides::default() };
        settings.plans.insert(Plan::Developer, five);
    })
    .await;
    let org = app.org(Plan::Developer).await;
    let mut receiver = Upstream::start().await;
    webhook(&org, &receiver, json!(["usage.allowance_reached"])).await;
    let mut calls = 0;
    for (more, threshold) in [(4, 80), (1, 100)] {
        for _ in 0..more {
            let call = org.echo("/v1/chat/completions").json(&chat("hi")).send().await.unwrap();
            assert_eq!(call.status(), 200);
            calls += 1;
        }
        org.usage_of(calls).await;
        let (report, asked) = deliver_to(&app, &mut receiver, 200).await;
        assert_eq!(counts(&report), [Some(1), Some(1), Some(0)]);
        let data = &asked.body["data"];
        assert_eq!((&data["threshold"], &data["used"]), (&json!(threshold), &json!(calls)), "{data}");
    }
}

#[tokio::test]
async fn what_is_not_taken_is_tried_again_at_growing_distances_and_given_up_and_made_again_when_asked() {
    let app = start().await;
    let org = app.org(Plan::Developer).await;
    let mut receiver = Upstream::start().await;
    let (webhook, _) = webhook(&org, &receiver, json!(["usage.block_opened", "usage.limit_reached"])).await;
    raise(&org, Kind::Limit, 100).await;
    let mut first = None;
    for (n, (status, delay)) in [500, 302, 404, 410, 429, 503, 308].into_iter().zip(DELAYS_MS).enumerate() {
        let (report, asked) = deliver_to(&app, &mut receiver, status).await;
        assert_eq!(counts(&report)[1..], [Some(0), Some(1)]);
        assert_eq!(asked.line, "POST /hook HTTP/1.1");
        assert_eq!(first.get_or_insert(asked.id.clone()), &asked.id, "the same delivery");
        let seen = delivery(&org, &webhook).await;
        assert_eq!((&seen["state"], &seen["attempts"]), (&json!("pending"), &json!(n + 1)), "{seen}");
        assert_eq!((&seen["last_status"], &seen["event"]), (&json!(status), &json!("usage.limit_reached")));
        assert!(text(&seen["last_error"]).starts_with(&format!("answered {status}")), "{seen}");
        let waits = millis(&seen["next_attempt_at"]) - millis(&seen["last_attempt_at"]);
        assert!((delay..=delay + delay / 5).contains(&waits), "{seen}");
        app.clock.advance(Duration::from_millis(delay.unsigned_abs() / 2));
        // Half a minute or more, which the clock does not make up for by itself.
        if delay >= 60_000 {
            assert_eq!(counts(&deliver(&app).await), [Some(0); 3], "too early by half of {delay}");
        }
        app.clock.advance(Duration::from_millis(delay.unsigned_abs()));
    }
    // The last attempt is cut.
    let (report, ()) = tokio::join!(deliver(&app), async { receiver.asked().await.die() });
    assert_eq!(counts(&report), [Some(0), Some(0), Some(1)]);
    let seen = delivery(&org, &webhook).await;
    assert_eq!((&seen["state"], &seen["attempts"]), (&json!("failed"), &json!(8)), "{seen}");
    assert_eq!((&seen["next_attempt_at"], &seen["last_status"]), (&Value::Null, &Value::Null));
    assert_eq!(seen["last_error"], "the connection broke before there was an answer");
    app.clock.advance(Duration::from_hours(100));
    assert_eq!(counts(&deliver(&app).await), [Some(0); 3]);

    let path = format!("/v1/billing/alerts/deliveries/{}/redeliver", first.as_ref().unwrap());
    let again = post(&org, &path, None).await;
    assert_eq!((&again["state"], &again["attempts"]), (&json!("pending"), &json!(0)), "{again}");
    let (_, asked) = deliver_to(&app, &mut receiver, 500).await;
    assert_eq!(Some(asked.id), first);
    app.clock.advance(Duration::from_secs(6));
    let (report, asked) = deliver_to(&app, &mut receiver, 200).await;
    assert_eq!((counts(&report), Some(asked.id)), ([Some(0), Some(1), Some(0)], first));
    let seen = delivery(&org, &webhook).await;
    assert_eq!((&seen["state"], &seen["attempts"]), (&json!("delivered"), &json!(2)), "{seen}");
    assert_eq!((&seen["last_error"], seen["delivered_at"].is_string()), (&Value::Null, true));
}

#[tokio::test]
async fn an_alert_goes_to_each_webhook_that_is_for_it_and_what_is_on_its_way_waits_while_one_is_paused() {
    let app = start().await;
    let (org, other) = (app.org(Plan::Developer).await, app.org(Plan::Developer).await);
    let (mut all, mut some) = (Upstream::start().await, Upstream::start().await);
    let (to_all, _) = webhook(&org, &all, Value::Null).await;
    let (to_some, _) = webhook(&org, &some, json!(["budget.threshold_reached"])).await;
    raise(&other, Kind::Block, 1).await;
    raise(&org, Kind::Block, 1).await;
    raise(&org, Kind::Budget, 75).await;
    let receive = async |receiver: &mut Upstream, n: usize| {
        let mut events = Vec::new();
        for _ in 0..n {
            let exchange = receiver.asked().await;
            events.push(text(&exchange.json_body()["type"]));
            exchange.bodiless(204, &[]).await;
        }
        events.sort_unstable();
        events
    };
    let (report, of_all, of_some) = tokio::join!(deliver(&app), receive(&mut all, 2), receive(&mut some, 1));
    assert_eq!(counts(&report), [Some(3), Some(3), Some(0)]);
    assert_eq!(of_all, ["budget.threshold_reached", "usage.block_opened"]);
    assert_eq!(of_some, ["budget.threshold_reached"]);
    assert_eq!(counts(&deliver(&app).await), [Some(0); 3], "once each");

    // Who fails is asked once, and what else goes there waits with it.
    raise(&org, Kind::Budget, 90).await;
    raise(&org, Kind::Budget, 100).await;
    let (report, _) = tokio::join!(deliver_to(&app, &mut some, 500), receive(&mut all, 2));
    assert_eq!(counts(&report.0), [Some(2), Some(2), Some(1)]);
    let put = async |id: &str, status: &str| {
        let body = json!({"status": status});
        done(send(&org, Method::PUT, &format!("{WEBHOOKS}/{id}"), Some(body)).await).await
    };
    assert_eq!(put(&to_some, "paused").await["status"], "paused");
    put(&to_all, "paused").await;
    app.clock.advance(Duration::from_mins(1));
    raise(&org, Kind::Limit, 100).await;
    assert_eq!(counts(&deliver(&app).await), [Some(1), Some(0), Some(0)]);
    put(&to_some, "active").await;
    put(&to_all, "active").await;
    let (report, of_some) = tokio::join!(deliver(&app), receive(&mut some, 2));
    assert_eq!(
        counts(&report),
        [Some(0), Some(2), Some(0)],
        "what came while it was paused does not go there"
    );
    assert_eq!(of_some, ["budget.threshold_reached"; 2]);

    let told = get(&org, "/v1/billing/alerts?page_size=2").await;
    assert_eq!((&told["total"], told["data"].as_array().unwrap().len()), (&json!(5), 2));
    assert_eq!((&told["data"][0]["kind"], &told["data"][0]["deliveries"]), (&json!("limit"), &json!([])));
    let told = get(&org, "/v1/billing/alerts?page_size=2&current_page=2").await;
    let alert = &told["data"][0];
    assert_eq!((&alert["event"], &alert["threshold"]), (&json!("usage.block_opened"), &json!(1)), "{told}");
}

#[tokio::test]
async fn a_webhook_is_made_shown_without_its_secret_changed_and_deleted_with_its_log() {
    let app = start().await;
    let org = app.org(Plan::Developer).await;
    let body = json!({"url": "https://hooks.example.com/in", "events": ["usage.limit_reached", "usage.block_opened"]});
    let made = post(&org, WEBHOOKS, Some(body)).await;
    let (id, secret) = (text(&made["id"]), text(&made["secret"]));
    assert!(secret.starts_with("whsec_"), "{made}");
    assert_eq!(made["events"], json!(["usage.block_opened", "usage.limit_reached"]));
    let path = format!("{WEBHOOKS}/{id}");
    let seen = get(&org, &path).await;
    let listed = get(&org, WEBHOOKS).await;
    assert_eq!((&listed["total"], &listed["data"][0]), (&json!(1), &seen));
    assert!(!format!("{seen}").contains("secret"), "{seen}");
    let change = json!({"events": null, "url": "https://hooks.example.com/other"});
    let changed = done(send(&org, Method::PUT, &path, Some(change)).await).await;
    assert_eq!(
        (&changed["events"], &changed["url"]),
        (&Value::Null, &json!("https://hooks.example.com/other"))
    );
    post(&org, &format!("{path}/test"), None).await;
    let test = delivery(&org, &id).await;
    assert_eq!((&test["event"], &test["alert_id"]), (&json!("webhook.test"), &Value::Null));
    assert_eq!(done(send(&org, Method::DELETE, &path, None).await).await, json!({"id": id, "deleted": true}));
    assert_eq!(send(&org, Method::GET, &path, None).await.status(), 404);
    assert_eq!(app.count("SELECT count(*) FROM alert_delivery").await, 0);
    assert_eq!(counts(&deliver(&app).await), [Some(0); 3]);
    let owner = org.owner().await;
    assert_eq!(owner.request(Method::GET, WEBHOOKS).send().await.unwrap().status(), 200);
    let of_workspace = org.request(Method::GET, "/v1/billing/alerts").send().await.unwrap();
    assert_eq!(of_workspace.status(), 403);
    for action in ["create", "update", "delete"] {
        let sql = format!("SELECT count(*) FROM audit_entry WHERE action = 'webhook.{action}'");
        assert_eq!(app.count(&sql).await, 1, "{action}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_organisation_has_no_more_than_ten_webhooks_however_many_are_made_at_once() {
    let app = start().await;
    let (org, other) = (app.org(Plan::Developer).await, app.org(Plan::Developer).await);
    let body = json!({"url": "https://hooks.example.com/in"});
    let making = (0..14).map(|_| send(&org, Method::POST, WEBHOOKS, Some(body.clone())));
    let answers = futures_util::future::join_all(making).await;
    let mut refused = 0;
    for answer in answers {
        if answer.status() == 400 {
            refused += 1;
            assert!(answer.text().await.unwrap().contains("there are 10 webhooks already"));
        } else {
            assert_eq!(answer.status(), 200);
        }
    }
    assert_eq!((refused, &get(&org, WEBHOOKS).await["total"]), (4, &json!(10)));
    post(&other, WEBHOOKS, Some(body)).await;
}

#[tokio::test]
async fn a_webhook_goes_nowhere_that_the_rules_of_the_day_forbid() {
    let app = start().await;
    let org = app.org(Plan::Developer).await;
    let receiver = Upstream::start().await;
    let (by_address, _) = webhook(&org, &receiver, Value::Null).await;
    let body = json!({"url": format!("http://localhost:{}/hook", receiver.addr.port())});
    let by_name = text(&post(&org, WEBHOOKS, Some(body)).await["id"]);
    raise(&org, Kind::Limit, 100).await;
    let (id, key) = (org.id, org.admin_key.clone());
    let settings = app.running.settings.clone();
    let dir = app.stop().await;
    let mut strict = settings;
    strict.gateway.allow_private_hosts = Reach::Public;
    let app = TestApp::start_in(dir, strict).await;
    let asked = receiver.answer_all(json!({}));
    assert_eq!(counts(&deliver(&app).await), [Some(1), Some(0), Some(2)]);
    for webhook in [by_address, by_name] {
        let path = format!("{WEBHOOKS}/{webhook}/deliveries");
        let seen = app.http.get(app.url(&path)).header("x-portkey-api-key", &key).send().await.unwrap();
        let seen = done(seen).await;
        let error = &seen["data"][0]["last_error"];
        assert_eq!(error, "the URL is not one that this server may connect to", "{seen}");
    }
    let new = json!({"url": "http://127.0.0.1:9/hook"});
    let refused =
        app.http.post(app.url(WEBHOOKS)).header("x-portkey-api-key", &key).json(&new).send().await.unwrap();
    assert_eq!(refused.status(), 400);
    assert_eq!(asked.load(std::sync::atomic::Ordering::SeqCst), 0);
    assert_ne!(id, Uuid::nil());
}
