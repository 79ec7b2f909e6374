//! Each finished block is told of once, by its own identifier, whatever fails and whoever is killed.

use std::collections::BTreeSet;
use std::time::Duration;

use clock::Clock;
use entity::{organisation, overage_block, payment_customer};
use plans::{Overrides, Plan};
use sea_orm::prelude::Uuid;
use sea_orm::{ConnectionTrait as _, DatabaseConnection, EntityTrait as _, IntoActiveModel as _, Statement};
use serde_json::json;
use tempfile::TempDir;
use workers::{Job, Parts, Report, run_now};

use crate::harness::{
    AHEAD_MS, Binary, Chance, MASTER_KEY, NEVER, Org, Plane, Process, START_MS, STRIPE_KEY, StripeStandIn,
    TestApp, chat, until,
};

/// A server on the stand-in, with blocks of 5 after 10 logs, whose jobs run when the test says so.
async fn start() -> (TestApp, StripeStandIn) {
    let clock = Clock::starting_at(START_MS);
    let stripe = StripeStandIn::start(clock.clone()).await;
    let dir = TempDir::new().unwrap();
    let mut settings = TestApp::settings(dir.path());
    settings.payments.stripe_api_key = Some(STRIPE_KEY.into());
    settings.payments.stripe_base_url = Some(stripe.url().to_owned());
    NEVER.clone_into(&mut settings.jobs.meter_events_cron);
    let small = Overrides { included_logs: Some(10), block_logs: Some(5), ..Overrides::default() };
    settings.plans.insert(Plan::Production, small);
    (TestApp::start_at(clock, dir, settings).await, stripe)
}

async fn send(app: &TestApp) -> Report {
    run_now(Job::MeterEvents, &Parts::over(&app.running)).await.unwrap()
}

async fn calls(org: &Org<'_>, in_all: u64) {
    let used = org.usage().await["used"].as_u64().unwrap();
    for _ in used..in_all {
        let response = org.echo("/v1/chat/completions").json(&chat("hi")).send().await.unwrap();
        assert_eq!(response.status(), 200);
    }
    org.usage_of(in_all).await;
}

async fn customer(org: &Org<'_>, id: &str) {
    payments::customer::set(&org.app.running.db, org.id, id, org.app.clock.now_ms()).await.unwrap();
}

fn identifiers(org: &Org<'_>, month: u32, blocks: std::ops::RangeInclusive<u32>) -> Vec<String> {
    blocks.map(|block| format!("{}-{month}-{block}", org.id)).collect()
}

fn taken(stripe: &StripeStandIn) -> Vec<String> {
    stripe.taken().into_keys().collect()
}

#[tokio::test]
async fn a_block_is_told_of_when_a_later_one_is_open_or_its_month_is_over() {
    let (app, stripe) = start().await;
    let org = app.org(Plan::Production).await;
    customer(&org, "cus_acme").await;
    calls(&org, 15).await;
    assert_eq!(send(&app).await.count("entered"), Some(0), "the first block is not full");
    calls(&org, 21).await;
    let report = send(&app).await;
    assert_eq!((report.count("entered"), report.count("acknowledged")), (Some(2), Some(2)));
    assert_eq!(taken(&stripe), identifiers(&org, 202_611, 1..=2));
    assert!(send(&app).await.is_idle(), "once");
    app.clock.advance(Duration::from_hours(15 * 24 + 12));
    let report = send(&app).await;
    assert_eq!((report.count("entered"), report.count("acknowledged")), (Some(1), Some(1)));
    assert_eq!(taken(&stripe), identifiers(&org, 202_611, 1..=3));
    let blocks = overage_block::Entity::find().all(&app.running.db).await.unwrap();
    for (identifier, fields) in stripe.taken() {
        assert_eq!(fields["payload[stripe_customer_id]"], "cus_acme");
        let block =
            blocks.iter().find(|block| identifier == format!("{}-{}-{}", org.id, block.month, block.block));
        let opened_s = block.unwrap().opened_at / 1000;
        assert_eq!(fields["timestamp"], opened_s.to_string(), "when it was opened, in its month");
    }
    assert_eq!(stripe.wrong(), [""; 0]);
}

#[tokio::test]
async fn whatever_stripe_does_it_has_each_block_once_in_the_end() {
    for seed in 0..3 {
        let (app, stripe) = start().await;
        let org = app.org(Plan::Production).await;
        customer(&org, "cus_acme").await;
        calls(&org, 70).await;
        stripe.fail_by(Chance::seeded(seed));
        let unacknowledged = "SELECT count(*) FROM meter_event WHERE acknowledged_at IS NULL";
        let mut acknowledged = 0;
        for run in 0.. {
            assert!(run < 500, "seed {seed}: it does not come to an end");
            acknowledged += send(&app).await.count("acknowledged").unwrap();
            if app.count(unacknowledged).await == 0 {
                break;
            }
            app.clock.advance(Duration::from_mins(1));
        }
        assert_eq!(acknowledged, 11, "seed {seed}");
        let expected: BTreeSet<String> = identifiers(&org, 202_611, 1..=11).into_iter().collect();
        assert_eq!(taken(&stripe).into_iter().collect::<BTreeSet<_>>(), expected, "seed {seed}");
        assert_eq!(stripe.wrong(), [""; 0], "seed {seed}");
        let (asked, duplicates, failed) = stripe.counts();
        assert!(failed > 0 && asked == failed + 11, "seed {seed}: {asked} {duplicates} {failed}");
        assert_eq!(app.count("SELECT count(*) FROM meter_event WHERE last_error IS NOT NULL").await, 0);
    }
}

#[tokio::test]
async fn blocks_of_who_is_no_customer_wait_and_old_ones_are_told_as_of_now() {
    let (app, stripe) = start().await;
    let (org, other) = (app.org(Plan::Production).await, app.org(Plan::Production).await);
    customer(&other, "cus_other").await;
    calls(&org, 16).await;
    calls(&other, 16).await;
    let report = send(&app).await;
    assert_eq!((report.count("acknowledged"), report.count("without_customer")), (Some(1), Some(1)));
    app.clock.advance(Duration::from_hours(90 * 24));
    assert_eq!(send(&app).await.count("without_customer"), Some(2));
    customer(&org, "cus_acme").await;
    let report = send(&app).await;
    assert_eq!((report.count("acknowledged"), report.count("without_customer")), (Some(2), Some(0)));
    let all = stripe.taken();
    for identifier in identifiers(&org, 202_611, 1..=2) {
        assert_eq!(all[&identifier]["timestamp"], (app.clock.now_ms() / 1000).to_string());
    }
    assert_eq!((all.len(), stripe.wrong().len()), (4, 0), "{:?}", stripe.wrong());
}

#[tokio::test]
async fn what_stripe_refuses_is_kept_with_its_reason_and_without_the_key_and_others_go_on() {
    let (app, stripe) = start().await;
    let org = app.org(Plan::Production).await;
    customer(&org, "cus_acme").await;
    calls(&org, 21).await;
    let says = |message: String| json!({"error": {"type": "invalid_request_error", "message": message}});
    stripe.always(Some((400, says(format!("No such customer with {STRIPE_KEY}")))));
    assert_eq!(send(&app).await.count("failed"), Some(2), "each by itself");
    let reason =
        "SELECT count(*) FROM meter_event WHERE last_error = 'answered 400: No such customer with ...'";
    assert_eq!(app.count(reason).await, 2);
    app.clock.advance(Duration::from_mins(5));
    stripe.always(Some((401, says("Invalid API Key".to_owned()))));
    assert_eq!(send(&app).await.count("failed"), Some(1), "none would fare better");
    app.clock.advance(Duration::from_hours(2));
    stripe.always(None);
    assert_eq!(send(&app).await.count("acknowledged"), Some(2));
}

#[tokio::test]
async fn without_a_key_nothing_is_told_and_nothing_waits() {
    let app = TestApp::with(|settings| NEVER.clone_into(&mut settings.jobs.meter_events_cron)).await;
    assert_eq!(send(&app).await, Report::default());
}

/// A database with so many finished blocks of one customer's.
async fn finished(dir: &TempDir, blocks: i32) -> (DatabaseConnection, Uuid) {
    let db = scratch::database(dir.path()).await;
    let id = Uuid::from_u128(7);
    let row =
        organisation::Model { plan: "production".to_owned(), ..scratch::organisation(id, "production") };
    organisation::Entity::insert(row.into_active_model()).exec_without_returning(&db).await.unwrap();
    let row = payment_customer::Model {
        organisation_id: id,
        stripe_customer_id: "cus_acme".to_owned(),
        created_at: 0,
        last_event_at: None,
    };
    payment_customer::Entity::insert(row.into_active_model()).exec_without_returning(&db).await.unwrap();
    let rows = (1..=blocks).map(|block| {
        let row = overage_block::Model {
            organisation_id: id,
            month: 202_601,
            block,
            opened_at: 1_768_000_000_000,
            used_at_opening: 1,
            first_log: 1,
            last_log: 1,
            price_cents: 900,
            catalogue_version: "test".to_owned(),
            invoice_id: None,
        };
        row.into_active_model()
    });
    overage_block::Entity::insert_many(rows).exec_without_returning(&db).await.unwrap();
    (db, id)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_is_killed_is_followed_by_one_that_sends_the_same() {
    let dir = TempDir::new().unwrap();
    let (db, id) = finished(&dir, 24).await;
    let clock = Clock::system();
    let stripe = StripeStandIn::start(clock.clone()).await;
    stripe.fail_by(Chance::seeded(5));
    let mut chance = Chance::seeded(6);
    let url = scratch::url(dir.path());
    let unacknowledged = async || -> i64 {
        let sql = "SELECT count(*) FROM meter_event WHERE acknowledged_at IS NULL";
        let row = db.query_one_raw(Statement::from_string(db.get_database_backend(), sql)).await.unwrap();
        row.unwrap().try_get_by_index(0).unwrap()
    };
    let mut killed = 0;
    for hours in 1.. {
        assert!(hours < 200, "it does not come to an end");
        // What failed or was cut off is due again.
        clock.advance(Duration::from_hours(1));
        let ahead = (hours * 3_600_000_u64).to_string();
        let env = [
            ("TURNPIKE_DATABASE_URL", url.as_str()),
            ("TURNPIKE_MASTER_KEY", MASTER_KEY),
            ("TURNPIKE_JOBS__METER_EVENTS_CRON", "* * * * * *"),
            ("TURNPIKE_JOBS__LEASE_MS", "300"),
            ("TURNPIKE_PAYMENTS__STRIPE_API_KEY", STRIPE_KEY),
            ("TURNPIKE_PAYMENTS__STRIPE_BASE_URL", stripe.url()),
            (AHEAD_MS, ahead.as_str()),
        ];
        let (before, _, _) = stripe.counts();
        let worker = Process::start(Binary::Moved(Plane::Workers), dir.path(), &env, &[]);
        let at = before + 1 + chance.below(4);
        let over = until("it is in the middle, or all is told", async || {
            if stripe.counts().0 >= at {
                return Some(false);
            }
            (stripe.counts().0 > 0 && unacknowledged().await == 0).then_some(true)
        });
        let over = tokio::time::timeout(Duration::from_secs(4), over).await;
        worker.kill();
        if over == Ok(true) {
            break;
        }
        killed += 1;
    }
    assert!(killed > 2, "no worker was killed in the middle");
    let expected: BTreeSet<String> = (1..=24).map(|block| format!("{id}-202601-{block}")).collect();
    assert_eq!(taken(&stripe).into_iter().collect::<BTreeSet<_>>(), expected);
    assert_eq!(stripe.wrong(), [""; 0]);
    assert!(stripe.counts().1 > 0, "no answer was lost on the way");
}
