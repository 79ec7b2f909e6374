//! What Stripe tells of payments, and what becomes of who does not pay.

use std::time::Duration;

use plans::Plan;
use reqwest::Response;
use serde_json::{Value, json};
use workers::{Job, Parts, run_now};

use crate::harness::{NEVER, Org, Process, TestApp, chat};

const SECRET: &str = "whsec_of-the-test-0123456789";
const PATH: &str = "/v1/billing/stripe/webhook";
const DAY: Duration = Duration::from_hours(24);

async fn start() -> TestApp {
    TestApp::with(|settings| {
        settings.payments.stripe_webhook_secret = Some(SECRET.into());
        NEVER.clone_into(&mut settings.jobs.dunning_cron);
    })
    .await
}

async fn customer<'a>(app: &'a TestApp, id: &str) -> Org<'a> {
    let org = app.org(Plan::Production).await;
    payments::customer::set(&app.running.db, org.id, id, app.clock.now_ms()).await.unwrap();
    org
}

fn event(id: &str, kind: &str, created: i64, customer: &str) -> String {
    json!({"id": id, "object": "event", "type": kind, "created": created,
        "data": {"object": {"object": "invoice", "customer": customer}}})
    .to_string()
}

/// As Stripe signs it.
fn signature(secret: &str, seconds: i64, body: &str) -> String {
    let mac = hmac_sha256(secret.as_bytes(), format!("{seconds}.{body}").as_bytes());
    let hex = mac.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
    format!("t={seconds},v1={hex}")
}

/// HMAC-SHA256 by its definition (RFC 2104), over another SHA-256 than the one under test.
fn hmac_sha256(key: &[u8], message: &[u8]) -> Vec<u8> {
    use sha2::{Digest as _, Sha256};
    let mut block = [0; 64];
    block[..key.len()].copy_from_slice(key);
    let pad = |byte: u8| block.map(|it| it ^ byte);
    let inner = Sha256::new().chain_update(pad(0x36)).chain_update(message).finalize();
    Sha256::new().chain_update(pad(0x5c)).chain_update(inner).finalize().to_vec()
}

async fn post(app: &TestApp, body: &str, signature: Option<&str>) -> Response {
    let request = app.http.post(app.url(PATH)).body(body.to_owned());
    let request = match signature {
        Some(signature) => request.header("stripe-signature", signature),
        None => request,
    };
    request.send().await.unwrap()
}

/// Sends it as Stripe does.
async fn tell(app: &TestApp, body: &str) {
    let signed = signature(SECRET, app.clock.now_ms() / 1000, body);
    let response = post(app, body, Some(&signed)).await;
    assert_eq!(response.status(), 200, "{}", response.text().await.unwrap());
}

async fn standing(org: &Org<'_>) -> String {
    use sea_orm::EntityTrait as _;
    let row = entity::organisation::Entity::find_by_id(org.id).one(&org.app.running.db).await.unwrap();
    row.unwrap().standing
}

async fn dun(app: &TestApp) -> Option<u64> {
    run_now(Job::Dunning, &Parts::over(&app.running)).await.unwrap().count("organisation")
}

async fn changes(app: &TestApp) -> (i64, i64) {
    (
        app.count("SELECT count(*) FROM audit_entry WHERE action = 'standing.change'").await,
        app.count("SELECT count(*) FROM alert WHERE kind = 'standing'").await,
    )
}

#[tokio::test]
async fn who_does_not_pay_is_past_due_then_restricted_then_suspended_and_paying_sets_all_right() {
    let app = start().await;
    let org = customer(&app, "cus_acme").await;
    let (paying, now_s) = (customer(&app, "cus_paying").await, app.clock.now_ms() / 1000);
    let called = async || {
        let response = org.echo("/v1/chat/completions").json(&chat("hi")).send().await.unwrap();
        response.status().as_u16()
    };
    let log = json!({"request": {"url": "/v1/x", "body": {}}, "response": {"body": {}}});
    let inserted = async || {
        let response = org.request(reqwest::Method::POST, "/v1/logs").json(&log).send().await.unwrap();
        response.status().as_u16()
    };
    assert_eq!((called().await, inserted().await), (200, 200));
    tell(&app, &event("evt_1", "invoice.payment_failed", now_s, "cus_acme")).await;
    assert_eq!(standing(&org).await, "past_due");
    assert_eq!((called().await, inserted().await), (200, 200), "nothing is taken away yet");
    // The caches are told by the server that has the webhook; the workers' changes are seen when keys are looked up again.
    for (days, changed, expected, statuses) in [
        (6, 0, "past_due", (200, 200)),
        (1, 1, "restricted", (200, 402)),
        (6, 0, "restricted", (200, 402)),
        (1, 1, "suspended", (402, 402)),
        (30, 0, "suspended", (402, 402)),
    ] {
        app.clock.advance(DAY * days);
        assert_eq!(dun(&app).await, Some(changed), "after {days} more days");
        app.clock.advance(app.running.settings.gateway.key_cache_ttl);
        assert_eq!(standing(&org).await, expected);
        assert_eq!((called().await, inserted().await), statuses, "{expected}");
        assert_eq!(org.get("/v1/usage").await.status(), 200, "{expected}: what is owed can be seen");
    }
    assert_eq!(changes(&app).await, (3, 3));
    tell(&app, &event("evt_2", "invoice.paid", app.clock.now_ms() / 1000, "cus_acme")).await;
    assert_eq!((called().await, inserted().await), (200, 200), "at once");
    assert_eq!((standing(&org).await, standing(&paying).await), ("good".to_owned(), "good".to_owned()));
    assert_eq!(changes(&app).await, (4, 4));
    let by = |actor: &str| format!("SELECT count(*) FROM audit_entry WHERE actor = '{actor}'");
    assert_eq!((app.count(&by("payment-provider")).await, app.count(&by("turnpike")).await), (2, 2));
}

#[tokio::test]
async fn an_event_counts_once_and_an_older_one_not_at_all() {
    let app = start().await;
    let org = customer(&app, "cus_acme").await;
    let now_s = app.clock.now_ms() / 1000;
    let steps = [
        ("evt_1", "invoice.payment_failed", 0, "past_due"),
        ("evt_2", "invoice.payment_succeeded", 10, "good"),
        // Sent again, as Stripe does where an answer was lost.
        ("evt_1", "invoice.payment_failed", 0, "good"),
        // Made before it was paid, and late.
        ("evt_3", "invoice.payment_failed", 5, "good"),
        // Of the same second, the payment is what came last.
        ("evt_4", "invoice.payment_failed", 10, "good"),
        ("evt_5", "invoice.payment_failed", 20, "past_due"),
        ("evt_6", "invoice.payment_failed", 21, "past_due"),
        ("evt_7", "invoice.paid", 21, "good"),
        ("evt_8", "invoice.created", 30, "good"),
        ("evt_9", "customer.subscription.deleted", 31, "good"),
    ];
    for (id, kind, after_s, expected) in steps {
        tell(&app, &event(id, kind, now_s + after_s, "cus_acme")).await;
        assert_eq!(standing(&org).await, expected, "{id} {kind}");
    }
    assert_eq!(changes(&app).await, (4, 4));
    // Whom nobody knows, and who becomes known later.
    let body = event("evt_10", "invoice.payment_failed", now_s + 40, "cus_new");
    tell(&app, &body).await;
    let new = customer(&app, "cus_new").await;
    tell(&app, &body).await;
    assert_eq!(standing(&new).await, "past_due");
    // With the whole customer in it.
    let mut whole: Value = serde_json::from_str(&event("evt_11", "invoice.paid", now_s + 50, "")).unwrap();
    whole["data"]["object"]["customer"] = json!({"id": "cus_new", "object": "customer"});
    tell(&app, &whole.to_string()).await;
    assert_eq!(standing(&new).await, "good");
}

#[tokio::test]
async fn many_deliveries_of_one_event_at_once_change_once() {
    let app = start().await;
    let org = customer(&app, "cus_acme").await;
    let body = event("evt_1", "invoice.payment_failed", app.clock.now_ms() / 1000, "cus_acme");
    futures_util::future::join_all((0..8).map(|_| tell(&app, &body))).await;
    assert_eq!((standing(&org).await.as_str(), changes(&app).await), ("past_due", (1, 1)));
}

#[tokio::test]
async fn what_stripe_did_not_sign_or_not_now_is_refused() {
    let app = start().await;
    let org = customer(&app, "cus_acme").await;
    let now_s = app.clock.now_ms() / 1000;
    let body = event("evt_1", "invoice.payment_failed", now_s, "cus_acme");
    let good = signature(SECRET, now_s, &body);
    let cases = [
        (None, body.clone(), 400, "stripe-signature: missing"),
        (Some("nonsense".to_owned()), body.clone(), 400, "stripe-signature: malformed"),
        (
            Some(signature("whsec_of-somebody-else-0123", now_s, &body)),
            body.clone(),
            400,
            "no signature in it is right",
        ),
        (Some(good.clone()), body.replace("cus_acme", "cus_acm2"), 400, "no signature in it is right"),
        (Some(signature(SECRET, now_s - 301, &body)), body.clone(), 400, "more than 5 minutes"),
        (Some(signature(SECRET, now_s + 301, &body)), body.clone(), 400, "more than 5 minutes"),
        (Some(signature(SECRET, now_s, "[]")), "[]".to_owned(), 400, "body: "),
        (Some(good.clone()), "x".repeat((1 << 20) + 1), 413, "too large"),
    ];
    for (signature, body, status, says) in cases {
        let response = post(&app, &body, signature.as_deref()).await;
        assert_eq!(response.status(), status, "{says}");
        let answer: Value = response.json().await.unwrap();
        assert!(answer["data"]["message"].as_str().unwrap().contains(says), "{answer}");
    }
    assert_eq!((standing(&org).await.as_str(), changes(&app).await), ("good", (0, 0)));
    // The good one, taken down on its way and played back once it is too old.
    assert_eq!(post(&app, &body, Some(&good)).await.status(), 200);
    app.clock.advance(Duration::from_mins(6));
    assert_eq!(post(&app, &body, Some(&good)).await.status(), 400);
    // Where there is no secret there is nothing to post to.
    let app = TestApp::start().await;
    assert_eq!(post(&app, &body, Some(&good)).await.status(), 404);
}

#[tokio::test]
async fn the_operator_sets_a_standing_by_hand() {
    let app = start().await;
    let org = customer(&app, "cus_acme").await;
    let id = org.id.to_string();
    let dir = app.stop().await;
    let set =
        |standing: &str| Process::cli(dir.path(), &["org", "standing", "--organisation", &id, standing]);
    assert_eq!((&set("suspended")["before"], &set("good")["before"]), (&json!("good"), &json!("suspended")));
    assert_eq!(set("good")["before"], "good");
    let missing = ["org", "standing", "--organisation", "00000000-0000-4000-8000-000000000000", "good"];
    let output = Process::run(dir.path(), &[], &missing);
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("the standing was not changed"));
}
