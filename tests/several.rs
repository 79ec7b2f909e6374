//! Several servers on one database and one Redis: one meter, and one mind about who may call.

mod people;
mod rotation;

use std::time::Duration;

use futures_util::future::join_all;
use plans::{Overrides, Plan};
use redis_server::RedisServer;
use reqwest::Method;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use settings::Settings;
use tempfile::TempDir;

use crate::harness::{MASTER_KEY, Org, Process, START_MS, TestApp, chat, until};

pub struct Pair {
    redis: RedisServer,
    pub first: TestApp,
    pub second: TestApp,
}

impl Pair {
    pub async fn start() -> Self {
        let redis = RedisServer::start();
        let first = TestApp::with(|settings| share(settings, &redis)).await;
        let dir = TempDir::new().unwrap();
        let mut settings = beside(&first, &dir);
        share(&mut settings, &redis);
        let second = TestApp::start_in(dir, settings).await;
        Self { redis, first, second }
    }
}

fn share(settings: &mut Settings, redis: &RedisServer) {
    settings.redis_url = Some(redis.url().into());
    settings.master_key = Some(MASTER_KEY.into());
    // Far longer than the test: what is seen sooner was told.
    settings.gateway.key_cache_ttl = Duration::from_hours(2);
    settings.plans.insert(Plan::Developer, Overrides { included_logs: Some(30), ..Overrides::default() });
}

fn database_url(app: &TestApp) -> String {
    match &app.running.settings.database_url {
        Some(url) => url.expose_secret().to_owned(),
        None => format!("sqlite://{}", app.data_dir().join("turnpike.db").display()),
    }
}

/// Settings for another server on the same database.
fn beside(app: &TestApp, dir: &TempDir) -> Settings {
    let mut settings = TestApp::settings(dir.path());
    settings.database_url = Some(database_url(app).into());
    settings
}

/// The same organisation, calling another server.
fn at<'a>(app: &'a TestApp, org: &Org<'_>) -> Org<'a> {
    let (workspace, key, admin_key) = (org.workspace.clone(), org.key.clone(), org.admin_key.clone());
    let (email, password) = (org.email.clone(), org.password.clone());
    Org { app, id: org.id, workspace, key, admin_key, email, password }
}

async fn echo(org: &Org<'_>) -> reqwest::Response {
    let response = org.echo("/v1/chat/completions").json(&chat("hi")).send().await.unwrap();
    assert_eq!(response.status(), 200);
    response
}

/// A key of the organisation, used at both servers so that both know it; its id.
async fn known_key(here: &Org<'_>, there: &Org<'_>) -> (String, String) {
    let body = json!({"name": "a key", "scopes": ["logs.list"]});
    let made = here.request(Method::POST, "/v1/api-keys/workspace/service").json(&body).send().await.unwrap();
    let made: Value = made.json().await.unwrap();
    let (key, id) = (made["key"].as_str().unwrap().to_owned(), made["id"].as_str().unwrap().to_owned());
    for org in [here, there] {
        assert_eq!(status_with(org, &key).await, 200);
    }
    (key, id)
}

async fn status_with(org: &Org<'_>, key: &str) -> u16 {
    org.with_key(key).request(Method::GET, "/v1/logs").send().await.unwrap().status().as_u16()
}

async fn refused(org: &Org<'_>, key: &str) {
    until("the other server refuses the key", || async {
        (status_with(org, key).await == 401).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_key_that_one_server_archives_is_refused_by_the_others() {
    let pair = Pair::start().await;
    let here = pair.first.org(Plan::Developer).await;
    let there = at(&pair.second, &here);
    for (one, other) in [(&here, &there), (&there, &here)] {
        let (key, id) = known_key(one, other).await;
        let deleted = one.request(Method::DELETE, &format!("/v1/api-keys/{id}")).send().await.unwrap();
        assert_eq!(deleted.status(), 200);
        assert_eq!(status_with(one, &key).await, 401);
        refused(other, &key).await;
    }
}

#[tokio::test]
async fn a_virtual_key_and_a_plan_that_are_changed_are_so_for_all() {
    let pair = Pair::start().await;
    let here = pair.first.org(Plan::Developer).await;
    let there = at(&pair.second, &here);
    let body = json!({"name": "mine", "provider": "echo", "key": "sk-1"});
    let made = here.request(Method::POST, "/v1/virtual-keys").json(&body).send().await.unwrap();
    let made: Value = made.json().await.unwrap();
    let slug = made["data"]["slug"].as_str().unwrap();
    let call = async || {
        let request =
            there.request(Method::POST, "/v1/chat/completions").header("x-portkey-virtual-key", slug);
        request.json(&chat("hi")).send().await.unwrap().status().as_u16()
    };
    assert_eq!(call().await, 200);
    let path = format!("/v1/virtual-keys/{slug}");
    assert_eq!(here.request(Method::DELETE, &path).send().await.unwrap().status(), 200);
    until("it is refused", || async { (call().await != 200).then_some(()) }).await;

    assert_eq!(there.usage().await["plan"], "developer");
    let id = here.id.to_string();
    let (database, redis) = (database_url(&pair.first), pair.redis.url());
    let dir = pair.first.data_dir().parent().unwrap().to_owned();
    // On a thread of its own: the servers run on ours.
    let setting = tokio::task::spawn_blocking(move || {
        let args = ["org", "set-plan", "--organisation", &id, "--plan", "enterprise"];
        Process::run(&dir, &[("TURNPIKE_DATABASE_URL", &database), ("TURNPIKE_REDIS_URL", &redis)], &args)
    });
    let output = setting.await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for org in [&here, &there] {
        until("the plan is seen", || async { (org.usage().await["plan"] == "enterprise").then_some(()) })
            .await;
    }
}

#[tokio::test]
async fn a_config_that_one_server_changes_is_another_for_all() {
    let pair = Pair::start().await;
    let here = pair.first.org(Plan::Developer).await;
    let there = at(&pair.second, &here);
    let body = json!({"name": "mine", "config": {"provider": "echo"}});
    let made = here.request(Method::POST, "/v1/configs").json(&body).send().await.unwrap();
    let made: Value = made.json().await.unwrap();
    let slug = made["slug"].as_str().unwrap();
    let provider = async || {
        let request = there.request(Method::POST, "/v1/chat/completions").header("x-portkey-config", slug);
        let response = request.json(&chat("hi")).send().await.unwrap();
        response.headers().get("x-portkey-provider").map(|provider| provider.to_str().unwrap().to_owned())
    };
    assert_eq!(provider().await.as_deref(), Some("echo"));
    let change = json!({"config": {"provider": "openai", "custom_host": "http://127.0.0.1:1/v1"}});
    let path = format!("/v1/configs/{slug}");
    assert_eq!(here.request(Method::PUT, &path).json(&change).send().await.unwrap().status(), 200);
    until("it goes where it says now", || async {
        (provider().await.as_deref() == Some("openai")).then_some(())
    })
    .await;
    assert_eq!(here.request(Method::DELETE, &path).send().await.unwrap().status(), 200);
    until("it is refused", || async { provider().await.is_none().then_some(()) }).await;
}

#[tokio::test]
async fn what_was_changed_while_redis_was_away_is_seen_when_it_is_back() {
    let mut pair = Pair::start().await;
    let here = pair.first.org(Plan::Developer).await;
    let there = at(&pair.second, &here);
    let (key, _) = known_key(&here, &there).await;
    pair.redis.kill();
    // Nobody tells of this, as nobody could.
    pair.first.execute("UPDATE api_key SET status = 'archived' WHERE name = 'a key'").await;
    assert_eq!(status_with(&there, &key).await, 200, "it is still believed");
    pair.redis.restart();
    refused(&there, &key).await;
    refused(&here, &key).await;
}

#[tokio::test]
async fn two_servers_fill_one_quota_exactly_whatever_redis_forgets() {
    let mut pair = Pair::start().await;
    let here = pair.first.org(Plan::Developer).await;
    let there = at(&pair.second, &here);
    for round in 0..5 {
        let calls = [&here, &there, &here, &there].map(|org| async move {
            for _ in 0..3 {
                echo(org).await;
            }
        });
        join_all(calls).await;
        match round {
            1 => assert!(pair.redis.command("FLUSHALL").starts_with("+OK")),
            2 => pair.redis.restart(),
            3 => assert!(pair.redis.command("SCRIPT FLUSH").starts_with("+OK")),
            _ => {}
        }
    }
    let usage = here.usage_of(60).await;
    assert_eq!((&usage["used"], &usage["dropped"]), (&json!(30), &json!(30)));
    assert_eq!(pair.first.count("SELECT count(*) FROM log").await, 30);
    for org in [&here, &there] {
        until("each knows where the month stands", || async {
            let said = echo(org).await.headers().get("x-turnpike-log-quota").cloned();
            said.filter(|said| said == "30/30")
        })
        .await;
    }
}

#[tokio::test]
async fn redis_dies_under_load_and_no_call_and_no_log_is_missing() {
    let mut pair = Pair::start().await;
    let here = pair.first.org(Plan::Enterprise).await;
    let there = at(&pair.second, &here);
    let load = async |calls: usize| {
        let callers = [&here, &there].map(|org| async move {
            for _ in 0..calls {
                echo(org).await;
            }
        });
        join_all(callers).await;
    };
    load(20).await;
    let dying = async {
        until("it is in full swing", || async {
            (pair.first.count("SELECT count(*) FROM log").await > 50).then_some(())
        })
        .await;
        pair.redis.kill();
    };
    tokio::join!(load(60), dying);
    load(20).await;
    assert_eq!(here.usage_of(200).await["used"], 200, "logs come in without Redis");
    pair.redis.restart();
    load(20).await;
    assert_eq!(here.usage_of(240).await["used"], 240);
    assert_eq!(pair.first.count("SELECT count(*) FROM log").await, 240);
}

#[tokio::test]
async fn a_server_that_counts_by_itself_is_alone_on_its_database() {
    let redis = RedisServer::start();
    let app = TestApp::start().await;
    let refusal = async |with_redis: bool| {
        let dir = TempDir::new().unwrap();
        let mut settings = beside(&app, &dir);
        if with_redis {
            share(&mut settings, &redis);
        }
        let clock = clock::Clock::starting_at(START_MS);
        turnpike::start(settings, clock, telemetry::Telemetry::unexported("turnpike"))
            .await
            .err()
            .unwrap()
            .to_string()
    };
    let (without, with) = tokio::join!(refusal(false), refusal(true));
    assert!(without.contains("give both the same TURNPIKE_REDIS_URL"), "{without}");
    assert!(with.contains("serves on this database without Redis: stop it"), "{with}");

    let org = app.org(Plan::Developer).await;
    echo(&org).await;
    assert_eq!(org.usage_of(1).await["used"], 1, "the first goes on");
    let dir = TempDir::new().unwrap();
    let settings = beside(&app, &dir);
    let _folder = app.stop().await;
    TestApp::start_in(dir, settings).await.stop().await;
}

#[tokio::test]
async fn a_server_starts_and_serves_when_its_redis_is_away() {
    let mut redis = RedisServer::start();
    redis.kill();
    let app = TestApp::with(|settings| share(settings, &redis)).await;
    let org = app.org(Plan::Developer).await;
    for _ in 0..3 {
        echo(&org).await;
    }
    assert_eq!(org.usage_of(3).await["used"], 3);
}

#[tokio::test]
async fn a_session_that_ends_at_one_server_is_over_at_the_others() {
    let pair = Pair::start().await;
    let here = pair.first.org(Plan::Developer).await;
    let there = at(&pair.second, &here);
    let login = json!({"email": here.email, "password": here.password});
    let post = async |path: &str, body: &Value| {
        pair.first.http.post(pair.first.url(path)).json(body).send().await.unwrap()
    };
    let signed_in: Value = post("/v1/auth/login", &login).await.json().await.unwrap();
    let token = signed_in["access_token"].as_str().unwrap();
    let reads = async || {
        let request = there.app.http.get(there.app.url("/v1/logs")).bearer_auth(token);
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!(reads().await, 200);
    let body = json!({"refresh_token": signed_in["refresh_token"]});
    assert!(post("/v1/auth/logout", &body).await.status().is_success());
    until("it is over", || async { (reads().await == 401).then_some(()) }).await;
}
