//! The clock jumps back an hour, over the beginning of a month: no log is lost, none comes twice, and who was let in stays.

use std::collections::HashSet;
use std::time::Duration;

use plans::Plan;
use reqwest::Method;
use serde_json::Value;

use super::{Chaos, signed, size};
use crate::harness::{Org, TestApp, chat, log_id, until};

/// From [`crate::harness::START_MS`] to ten minutes past the beginning of the next month.
const INTO_THE_NEXT_MONTH: Duration = Duration::from_mins((15 * 24 + 12) * 60 + 10);

const HOUR: Duration = Duration::from_hours(1);

async fn calls(org: &Org<'_>, count: usize, ids: &mut Vec<String>) {
    for _ in 0..count {
        let response = org.echo("/v1/chat/completions").json(&chat("hi")).send().await.unwrap();
        assert_eq!(response.status(), 200);
        ids.push(log_id(&response));
        response.bytes().await.unwrap();
    }
}

/// How many runs of a job were made.
async fn runs(app: &TestApp) -> i64 {
    app.count("SELECT count(*) FROM job_run WHERE job = 'retention' AND outcome = 'done'").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_hour_that_comes_twice_loses_no_log_and_locks_nobody_out() {
    let mut chaos = Chaos::begin("clock");
    let app = TestApp::with(|settings| "* * * * * *".clone_into(&mut settings.jobs.retention_cron)).await;
    let org = app.org(Plan::Enterprise).await;
    app.clock.advance(INTO_THE_NEXT_MONTH);
    let mut ids = Vec::new();
    let session = org.sign_in().await;
    let token = session["access_token"].as_str().unwrap();
    for round in 1..=size(3, 10) {
        calls(&org, chaos.up_to(size(20, 200)), &mut ids).await;
        // Some are on their way into the store.
        app.clock.set_back(HOUR);
        calls(&org, chaos.up_to(size(20, 200)), &mut ids).await;
        chaos.tell(format_args!("round {round}: an hour back after {} calls", ids.len()));

        let reading = org.with_access_token(token).request(Method::GET, "/v1/logs").send().await.unwrap();
        assert_eq!(reading.status(), 200, "who signed in before is let in");
        org.sign_in().await;
        let body = serde_json::json!({"email": org.email, "password": "not this one"});
        let wrong = app.http.post(app.url("/v1/auth/login")).json(&body).send().await.unwrap();
        assert_eq!(wrong.status(), 401);
        app.clock.advance(HOUR);
    }
    app.clock.set_back(HOUR);
    org.sign_in().await;
    let body = serde_json::json!({"refresh_token": session["refresh_token"]});
    let refreshed = app.http.post(app.url("/v1/auth/refresh")).json(&body).send().await.unwrap();
    assert_eq!(refreshed.status(), 200);
    app.clock.advance(HOUR);

    let distinct: HashSet<&String> = ids.iter().collect();
    assert_eq!(distinct.len(), ids.len(), "an id came twice");
    let total = signed(ids.len());
    until("all are logged", || async {
        (app.count("SELECT count(*) FROM log").await == total).then_some(())
    })
    .await;
    let in_november = ids.iter().filter(|id| month(id) == 202_611).count();
    let months = [(202_611, in_november), (202_612, ids.len() - in_november)];
    for (month, calls) in months {
        assert!(calls > 0);
        let used = app.count(&format!("SELECT used FROM usage WHERE month = {month}")).await;
        assert_eq!(used, signed(calls), "{month}");
    }
    // When its time comes again, a job runs again.
    let before = runs(&app).await;
    until("the job goes on", || async { (runs(&app).await > before).then_some(()) }).await;
    let summary: Value = app.reconcile();
    assert_eq!((&summary["logs"], &summary["used"]), (&total.into(), &total.into()));
    chaos.tell(format_args!(
        "over: {total} calls, {total} logs, {in_november} of them in the month that came twice"
    ));
}

/// The month that an id counts in, as `yyyymm`.
fn month(id: &str) -> i32 {
    plans::Month::of(clock::millis(id.parse().unwrap()).unwrap()).as_i32()
}
