//! Jobs and who runs them: several processes on one database, and what their operator sees of it.

use std::time::Duration;

use plans::Plan;
use redis_server::RedisServer;
use reqwest::Response;
use sea_orm::{ConnectionTrait as _, Statement};
use serde_json::{Value, json};

use crate::harness::{NEVER, Process, START_MS, TestApp, until};

const TOKEN: &str = "of-the-operator-0123456789";

/// A server with an operator, whose job runs each minute of its clock.
async fn operated() -> TestApp {
    TestApp::with(|settings| settings.operator_token = Some(TOKEN.into())).await
}

async fn ask(app: &TestApp, path: &str, authorization: Option<&str>) -> Response {
    let request = app.http.get(app.url(path));
    let request = match authorization {
        Some(value) => request.header("authorization", value),
        None => request,
    };
    request.send().await.unwrap()
}

/// The retention job as the operator sees it.
async fn job(app: &TestApp) -> Value {
    let response = ask(app, "/v1/admin/jobs", Some(&format!("Bearer {TOKEN}"))).await;
    assert_eq!(response.status(), 200);
    let jobs: Value = response.json().await.unwrap();
    jobs["data"].as_array().unwrap().iter().find(|job| job["job"] == "retention").cloned().unwrap_or_default()
}

#[tokio::test]
async fn the_operator_sees_each_job_with_its_lease_and_its_runs() {
    let app = operated().await;
    let registered = until("the job is registered", || async {
        let job = job(&app).await;
        job.is_object().then_some(job)
    })
    .await;
    assert_eq!((&registered["job"], &registered["schedule"]), (&json!("retention"), &json!("0 * * * * *")));
    assert_eq!((&registered["runs"], &registered["lease"]["fencing"]), (&json!([]), &json!(0)));
    assert_eq!(registered["next_run_at"], "2026-11-15T12:01:00.000Z");

    app.clock.advance(Duration::from_mins(5));
    // Lease and runs are read one after the other, so the lease may be seen from just before the run's end.
    let ran = until("a run is done and its lease given back", || async {
        let job = job(&app).await;
        let over = job["runs"][0]["outcome"] == "done" && job["lease"]["expires_at"].is_null();
        over.then_some(job)
    })
    .await;
    let (run, lease) = (&ran["runs"][0], &ran["lease"]);
    assert_eq!(run["scheduled_at"], "2026-11-15T12:05:00.000Z", "of those that were missed, the latest");
    assert_eq!(ran["runs"].as_array().unwrap().len(), 1);
    assert_eq!(run["counts"]["log"], Value::Null, "no organisation, no logs looked after");
    assert_eq!((&run["counts"]["usage"], &run["fencing"]), (&json!(0), &json!(1)));
    assert_eq!(lease["fencing"], 1);
    assert!(run["holder"].is_string() && run["holder"] == lease["holder"], "{ran}");
    assert!(run["started_at"].as_str().unwrap() <= run["ended_at"].as_str().unwrap(), "{ran}");
}

#[tokio::test]
async fn a_run_whose_worker_is_gone_is_seen_as_such() {
    let app = TestApp::with(|settings| {
        settings.operator_token = Some(TOKEN.into());
        NEVER.clone_into(&mut settings.jobs.retention_cron);
    })
    .await;
    until("the job is registered", || async { job(&app).await.is_object().then_some(()) }).await;
    let one = if scratch::on_postgres() {
        "'00000000-0000-0000-0000-000000000001'"
    } else {
        "x'00000000000000000000000000000001'"
    };
    app.execute(&format!(
        "INSERT INTO job_run (job, scheduled_at, started_at, holder, fencing) \
         VALUES ('retention', {START_MS}, {START_MS}, {one}, 1)"
    ))
    .await;
    let expires = START_MS + 3_600_000;
    app.execute(&format!("UPDATE job_lease SET fencing = 1, expires_at = {expires} WHERE job = 'retention'"))
        .await;
    assert_eq!(job(&app).await["runs"][0]["outcome"], "running");
    app.clock.advance(Duration::from_hours(1));
    assert_eq!(job(&app).await["runs"][0]["outcome"], "interrupted");
}

#[tokio::test]
async fn only_the_operator_may_and_no_key_of_an_organisation() {
    let app = operated().await;
    let org = app.org(Plan::Enterprise).await;
    let (key, admin) = (format!("Bearer {}", org.key), format!("Bearer {}", org.admin_key));
    let (longer, shorter) = (format!("Bearer {TOKEN}0"), format!("Bearer {}", &TOKEN[1..]));
    for route in api::admin::ROUTES {
        let wrong = [
            None,
            Some(key.as_str()),
            Some(&admin),
            Some(&longer),
            Some(&shorter),
            Some("Bearer "),
            Some(TOKEN),
        ];
        for authorization in wrong {
            let response = ask(&app, route.path, authorization).await;
            assert_eq!(response.status(), 401, "{} {authorization:?}", route.path);
            let body: Value = response.json().await.unwrap();
            assert_eq!((&body["success"], &body["data"]["errorCode"]), (&json!(false), &json!("AB05")));
        }
        for caller in [org.with_key(&org.key), org.admin()] {
            let response = caller.request(reqwest::Method::GET, route.path).send().await.unwrap();
            assert_eq!(response.status(), 401, "{}", route.path);
        }
        let operator = format!("bearer {TOKEN}");
        assert_eq!(ask(&app, route.path, Some(&operator)).await.status(), 200);
        let wrong = ask(&app, &format!("{}?x=1", route.path), Some(&operator)).await;
        assert_eq!(wrong.status(), 400);
        assert!(wrong.text().await.unwrap().contains("x: no such parameter"));
        let post = app.http.post(app.url(route.path)).send().await.unwrap();
        assert_eq!((post.status().as_u16(), &post.headers()["allow"]), (405, &"GET".parse().unwrap()));
    }
}

#[tokio::test]
async fn without_a_token_in_the_settings_there_is_nothing_to_see() {
    let app = TestApp::start().await;
    for route in api::admin::ROUTES {
        for authorization in [None, Some("Bearer "), Some("Bearer x")] {
            let response = ask(&app, route.path, authorization).await;
            assert_eq!(response.status(), 404, "{} {authorization:?}", route.path);
            assert_eq!(response.json::<Value>().await.unwrap()["data"]["errorCode"], "AB08");
        }
    }
}

#[tokio::test]
async fn two_processes_on_one_database_make_each_run_once_and_one_goes_on_alone() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("shared.db").display());
    // Without one, only one server may be on a database.
    let redis = RedisServer::start();
    let redis_url = redis.url();
    let env = [
        ("TURNPIKE_REDIS_URL", redis_url.as_str()),
        ("TURNPIKE_DATABASE_URL", url.as_str()),
        ("TURNPIKE_JOBS__RETENTION_CRON", "* * * * * *"),
        ("TURNPIKE_JOBS__LEASE_MS", "2000"),
    ];
    let serve = |name: &str| {
        let dir = folder.path().join(name);
        std::fs::create_dir(&dir).unwrap();
        Process::serve(&dir, &env)
    };
    let (first, second) = (serve("first"), serve("second"));
    let db = migration::connect(&url, false).await.unwrap();
    let number = async |sql: &str| -> i64 {
        let row = db.query_one_raw(Statement::from_string(db.get_database_backend(), sql)).await.unwrap();
        row.unwrap().try_get_by_index(0).unwrap()
    };
    let done = "SELECT count(*) FROM job_run WHERE job = 'retention' AND outcome = 'done'";
    let three = async || (number(done).await >= 3).then_some(());
    until("three runs are done", three).await;

    // A run that was made twice would have taken the lease twice.
    let twice = "SELECT (SELECT fencing FROM job_lease WHERE job = 'retention')
                        - (SELECT count(*) FROM job_run WHERE job = 'retention')";
    until("no run is under way", async || (number(twice).await == 0).then_some(())).await;

    first.kill();
    let before = number(done).await;
    until("the other goes on", async || (number(done).await >= before + 2).then_some(())).await;
    assert!(second.terminate().success());
}
