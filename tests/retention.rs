//! What is past its retention is hidden at once, and deleted soon.

use std::time::Duration;

use entity::log;
use plans::Plan;
use reqwest::Method;
use sea_orm::{EntityTrait as _, IntoActiveModel as _};
use serde_json::{Value, json};
use tenancy::organisation::set_plan;

use crate::harness::{NEVER, Org, START_MS, TestApp, chat, log_id};

const DAY_MS: i64 = 86_400_000;

fn days(n: u64) -> Duration {
    Duration::from_secs(n * 86_400)
}

/// A server whose own job does not run within any test.
async fn without_the_job() -> TestApp {
    TestApp::with(|settings| NEVER.clone_into(&mut settings.jobs.retention_cron)).await
}

async fn run_the_job(app: &TestApp) {
    let parts = workers::Parts::over(&app.running);
    workers::run_now(workers::Job::Retention, &parts).await.unwrap();
}

/// Two calls and an inserted log; their ids once they are listed.
async fn three_logs(org: &Org<'_>) -> Vec<String> {
    for text in ["one", "two"] {
        org.echo("/v1/chat/completions").json(&chat(text)).send().await.unwrap();
    }
    insert(org, "mine").await;
    org.rows("", 3).await.iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
}

async fn insert(org: &Org<'_>, id: &str) -> String {
    let log = json!({
        "id": id, "request": {"url": "/v1/chat/completions", "body": {"a": 1}}, "response": {"body": {"b": 2}}
    });
    let response = org.request(Method::POST, "/v1/logs").json(&log).send().await.unwrap();
    assert_eq!(response.status(), 200);
    response.json::<Value>().await.unwrap()["ids"][0].as_str().unwrap().to_owned()
}

/// Rows of the organisation in all three tables of logs.
async fn kept(org: &Org<'_>) -> [i64; 3] {
    let theirs = org.app.is("organisation_id", org.id);
    let mut rows = [0; 3];
    for (rows, table) in rows.iter_mut().zip(["log", "log_payload", "log_external_id"]) {
        let sql = format!("SELECT count(*) FROM {table} WHERE {theirs}");
        *rows = org.app.count(&sql).await;
    }
    rows
}

#[tokio::test]
async fn a_log_is_hidden_from_the_millisecond_after_its_retention() {
    let app = without_the_job().await;
    let org = app.org(Plan::Developer).await;
    let response = org.echo("/v1/chat/completions").json(&chat("hi")).send().await.unwrap();
    let id = log_id(&response);
    org.log(&id).await;
    let template = log::Entity::find_by_id(id.parse::<uuid::Uuid>().unwrap());
    let template = template.one(&app.running.db).await.unwrap().unwrap();
    // One log a millisecond, whose third days end one after the other while the test goes on.
    let first = app.clock.now_ms() - 3 * DAY_MS;
    let end = first + 30_000;
    let at = |ms: i64| log::Model { id: clock::floor(ms), created_at: ms, ..template.clone() };
    let rows: Vec<_> = (first..end).map(|ms| at(ms).into_active_model()).collect();
    let day = logstore::partitions::Partition::of(template.retention_class, first);
    logstore::partitions::ensure(&app.running.db, &[day].into()).await.unwrap();
    for chunk in rows.chunks(500) {
        log::Entity::insert_many(chunk.to_vec()).exec_without_returning(&app.running.db).await.unwrap();
    }
    let mut rounds = 0;
    while rounds < 5 {
        // The oldest that are shown: those up to 900 ms after what is past its retention now.
        let before = app.clock.now_ms() - 3 * DAY_MS;
        let newest = before + 900;
        let query = format!("limit=1000&time_of_generation_max={}", iso(newest));
        let shown = org.list(&query).await;
        let after = app.clock.now_ms() - 3 * DAY_MS;
        assert!(newest < end, "the test is too slow for its logs");
        if after > newest {
            continue;
        }
        let millis = |row: &Value| clock::millis(row["id"].as_str().unwrap().parse().unwrap()).unwrap();
        let oldest = shown.last().map(millis).unwrap();
        assert!(
            (before..=after).contains(&oldest),
            "the oldest shown is {oldest}, not in {before}..={after}"
        );
        let expected = usize::try_from(newest - oldest).unwrap() + 1;
        assert_eq!(shown.len(), expected, "a log within its retention is not shown");

        let get = |ms: i64| format!("/v1/logs/{}", clock::floor(ms));
        assert_eq!(
            org.get(&get(before - 1)).await.status(),
            404,
            "a log past its retention is shown by its id"
        );
        assert_eq!(org.get(&get(end - 1)).await.status(), 200);
        rounds += 1;
    }
    assert_eq!(app.count("SELECT count(*) FROM log").await, 30_001, "this is about hiding, not deleting");
}

/// A moment of the half hour after [`START_MS`], three days before it, as the wire has it.
fn iso(ms: i64) -> String {
    let since = ms - (START_MS - 3 * DAY_MS);
    format!("2026-11-12T12:{:02}:{:02}.{:03}Z", since / 60_000, since / 1000 % 60, since % 1000)
}

#[tokio::test]
async fn the_job_deletes_by_plan_and_leaves_the_others_logs() {
    let app = without_the_job().await;
    let developer = app.org(Plan::Developer).await;
    let production = app.org(Plan::Production).await;
    let enterprise = app.org(Plan::Enterprise).await;
    for org in [&developer, &production, &enterprise] {
        three_logs(org).await;
        assert_eq!(kept(org).await, [3, 3, 1]);
    }
    app.clock.advance(days(2));
    let young = insert(&developer, "young").await;
    developer.log(&young).await;

    run_the_job(&app).await;
    assert_eq!(kept(&developer).await, [4, 4, 2], "nothing is past its retention yet");

    app.clock.advance(days(1));
    assert_eq!(kept(&developer).await, [4, 4, 2], "the job has not run");
    assert_eq!(developer.list("").await.len(), 1, "hidden before the job ran");
    if scratch::on_postgres() {
        app.clock.advance(days(1)); // A day is dropped when all of it is over.
    }
    run_the_job(&app).await;
    assert_eq!(kept(&developer).await, [1, 1, 1]);
    assert_eq!(developer.list("").await[0]["id"], young.as_str());
    for org in [&production, &enterprise] {
        assert_eq!(kept(org).await, [3, 3, 1]);
    }

    app.clock.advance(days(27));
    run_the_job(&app).await;
    assert_eq!(kept(&developer).await, [0, 0, 0]);
    assert_eq!(kept(&production).await, [0, 0, 0]);
    app.clock.advance(days(4000));
    run_the_job(&app).await;
    assert_eq!(kept(&enterprise).await, [3, 3, 1]);
    assert_eq!(enterprise.list("").await.len(), 3);
}

#[tokio::test]
async fn the_job_runs_by_the_clock_without_being_asked() {
    let app = TestApp::with(|settings| "* * * * * *".clone_into(&mut settings.jobs.retention_cron)).await;
    let org = app.org(Plan::Developer).await;
    three_logs(&org).await;
    app.clock.advance(days(4));
    crate::harness::until("the job has deleted all", || async {
        (kept(&org).await == [0, 0, 0]).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_clients_own_id_is_free_again_once_its_log_is_deleted() {
    let app = without_the_job().await;
    let org = app.org(Plan::Developer).await;
    let first = insert(&org, "mine").await;
    org.log(&first).await;
    app.clock.advance(days(3));
    run_the_job(&app).await;
    let second = insert(&org, "mine").await;
    assert_ne!(first, second);
    org.log(&second).await;
    assert_eq!(org.list("").await.len(), 1);
}

#[tokio::test]
async fn a_new_plan_changes_what_is_shown_as_soon_as_keys_are_looked_up_again() {
    let app = without_the_job().await;
    let org = app.org(Plan::Developer).await;
    let id = three_logs(&org).await.pop().unwrap();
    let path = format!("/v1/logs/{id}");
    app.clock.advance(days(4));
    assert_eq!((org.list("").await.len(), org.get(&path).await.status().as_u16()), (0, 404));
    for (plan, rows, status) in
        [(Plan::Production, 3, 200), (Plan::Developer, 0, 404), (Plan::Enterprise, 3, 200)]
    {
        set_plan(&app.running.db, &app.running.ids, org.id, plan, app.clock.now_ms()).await.unwrap();
        app.clock.advance(app.running.settings.gateway.key_cache_ttl);
        assert_eq!(org.list("").await.len(), rows, "{plan}");
        assert_eq!(org.get(&path).await.status(), status, "{plan}");
    }
}
