//! The binary as people use it: its commands, what they print, and how they end.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::{LINES, Process, chat, until};

fn create(dir: &Path, plan: &str) -> Value {
    let email = format!("{plan}@example.com");
    Process::cli(dir, &["org", "create", "--name", "Acme", "--plan", plan, "--owner-email", &email])
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

async fn get(server: &Process, key: &str, path: &str) -> Value {
    let request = reqwest::Client::new().get(format!("http://{}{path}", server.addr));
    request.header("x-portkey-api-key", key).send().await.unwrap().json().await.unwrap()
}

async fn echo(server: &Process, key: &str) -> u16 {
    let request = reqwest::Client::new().post(format!("http://{}/v1/chat/completions", server.addr));
    let request = request.header("x-portkey-api-key", key).header("x-portkey-provider", "echo");
    let response = request.json(&chat("hi")).send().await.unwrap();
    let status = response.status().as_u16();
    response.bytes().await.unwrap();
    status
}

#[tokio::test]
async fn an_organisation_made_while_a_server_runs_calls_it_at_once_and_changes_its_plan() {
    let dir = TempDir::new().unwrap();
    let server = Process::serve(dir.path(), &[("TURNPIKE_GATEWAY__KEY_CACHE_TTL_MS", "20")]);
    let made = create(dir.path(), "developer");
    let key = made["api_key"].as_str().unwrap();
    assert_eq!(echo(&server, key).await, 200);
    for name in ["organisation_id", "workspace_id", "admin_api_key", "password"] {
        assert!(made[name].is_string(), "{name}: {made}");
    }
    let usage = get(&server, key, "/v1/usage").await;
    assert_eq!((&usage["plan"], &usage["limit"]), (&json!("developer"), &json!(10_000)));

    let organisation = made["organisation_id"].as_str().unwrap();
    let args = ["org", "set-plan", "--organisation", organisation, "--plan", "enterprise"];
    let changed = Process::cli(dir.path(), &args);
    assert_eq!(changed["plan"], "enterprise");
    until("the server has seen the new plan", || async {
        let usage = get(&server, key, "/v1/usage").await;
        (usage["plan"] == "enterprise" && usage["limit"].is_null()).then_some(())
    })
    .await;

    let args = ["org", "credit", "--organisation", organisation, "--cents", "-900", "--reason", "An outage"];
    assert_eq!(Process::cli(dir.path(), &args)["amount_cents"], -900);
    let contract = r#"{"monthly_price_cents": 200000}"#;
    let args = ["org", "set-plan", "--organisation", organisation, "--plan", "enterprise", "--overrides"];
    let from = ["--from", "2099-01-01T00:00:00Z"];
    let changed = Process::cli(dir.path(), &[&args[..], &[contract], &from].concat());
    assert_eq!(changed["from"], "2099-01-01T00:00:00+00:00");

    let nobody = "11111111-1111-4111-8111-111111111111";
    let args = ["org", "credit", "--organisation", organisation, "--cents", "0", "--reason", "x"];
    let output = Process::run(dir.path(), &[], &args);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("cents: found 0"), "{}", text(&output.stderr));
    let output =
        Process::run(dir.path(), &[], &["org", "set-plan", "--organisation", nobody, "--plan", "developer"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains(nobody), "{}", text(&output.stderr));
}

#[tokio::test]
async fn an_organisation_that_cannot_be_made_says_what_is_wrong_with_which_option() {
    let dir = TempDir::new().unwrap();
    for (name, email, says) in [("", "a@b.co", "name: "), ("x", "nobody", "owner_email: ")] {
        let args = ["org", "create", "--name", name, "--plan", "developer", "--owner-email", email];
        let output = Process::run(dir.path(), &[], &args);
        assert!(!output.status.success() && text(&output.stderr).contains(says), "{}", text(&output.stderr));
        assert!(output.stdout.is_empty());
    }
}

#[tokio::test]
async fn an_organisation_gets_a_second_owner_who_signs_in_at_once() {
    let dir = TempDir::new().unwrap();
    let server = Process::serve(dir.path(), &[("TURNPIKE_GATEWAY__KEY_CACHE_TTL_MS", "20")]);
    let made = create(dir.path(), "developer");
    let organisation = made["organisation_id"].as_str().unwrap();
    let args = ["org", "owner", "--organisation", organisation, "--add", "Second@Example.com"];
    let added = Process::cli(dir.path(), &args);
    assert_eq!(added["email"], "second@example.com", "{added}");
    let body = json!({"email": "second@example.com", "password": added["password"]});
    let login = reqwest::Client::new().post(format!("http://{}/v1/auth/login", server.addr)).json(&body);
    let tokens: Value = login.send().await.unwrap().json().await.unwrap();
    assert_eq!(
        (&tokens["role"], &tokens["organisation_id"]),
        (&json!("owner"), &json!(organisation)),
        "{tokens}"
    );
    let again = Process::cli(dir.path(), &args);
    assert_eq!((&again["user_id"], &again["password"]), (&added["user_id"], &Value::Null), "{again}");
    let key = made["admin_api_key"].as_str().unwrap();
    assert_eq!(get(&server, key, "/v1/admin/users?role=owner").await["total"], 2);

    let nobody = "11111111-1111-4111-8111-111111111111";
    for (organisation, email, says) in [(nobody, "a@b.co", nobody), (organisation, "nobody", "no @ is in it")]
    {
        let args = ["org", "owner", "--organisation", organisation, "--add", email];
        let output = Process::run(dir.path(), &[], &args);
        assert_eq!(output.status.code(), Some(1));
        assert!(text(&output.stderr).contains(says), "{}", text(&output.stderr));
    }
}

#[test]
fn migrating_again_changes_nothing() {
    let dir = TempDir::new().unwrap();
    for _ in 0..2 {
        let output = Process::run(dir.path(), &[], &["migrate"]);
        assert!(output.status.success(), "{}", text(&output.stderr));
        let place = if scratch::on_postgres() { "database_url" } else { "turnpike.db" };
        assert!(text(&output.stdout).contains(place), "{}", text(&output.stdout));
    }
    assert!(create(dir.path(), "developer")["api_key"].is_string());
    assert!(Process::run(dir.path(), &[], &["migrate"]).status.success());
    assert!(create(dir.path(), "production")["api_key"].is_string());
}

#[test]
fn a_wrong_setting_is_named_and_ends_with_2() {
    let dir = TempDir::new().unwrap();
    for (name, value, says) in [
        ("TURNPIKE_PORT", "1", "TURNPIKE_PORT"),
        ("TURNPIKE_SPOOL__FSINK", "true", "TURNPIKE_SPOOL__FSINK"),
        ("TURNPIKE_ADDR", "nowhere", "TURNPIKE_ADDR"),
        ("TURNPIKE_WORKERS", "0", "TURNPIKE_WORKERS"),
        ("TURNPIKE_SPOOL__MAX_BYTES", "much", "TURNPIKE_SPOOL__MAX_BYTES"),
        ("TURNPIKE_JOBS__RETENTION_CRON", "daily", "TURNPIKE_JOBS__RETENTION_CRON"),
        ("TURNPIKE_REDIS_URL", "http://:hunter2@cache", "redis_url"),
        ("TURNPIKE_DATABASE_URL", "mysql://u:hunter2@db/x", "database_url"),
        ("RUST_LOG", "what is this==", "RUST_LOG"),
    ] {
        for args in [&["serve"][..], &["migrate"], &[]] {
            let output = Process::run(dir.path(), &[(name, value)], args);
            if name == "TURNPIKE_REDIS_URL" && args == ["migrate"] {
                continue; // Redis is of no concern to the database's schema.
            }
            let err = text(&output.stderr);
            assert_eq!(output.status.code(), Some(2), "{name}={value} {args:?}: {err}");
            assert!(err.contains(says), "{name}={value} {args:?}: {err}");
            assert!(!err.contains("hunter2"), "{err}");
        }
    }
    std::fs::write(dir.path().join("turnpike.toml"), "[gateway]\nmax_body = 1\n").unwrap();
    let output = Process::run(dir.path(), &[], &["serve"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("gateway.max_body in turnpike.toml"), "{}", text(&output.stderr));
}

#[test]
fn the_help_names_every_command_and_a_wrong_one_ends_with_2() {
    let dir = TempDir::new().unwrap();
    let output = Process::run(dir.path(), &[], &["--help"]);
    assert!(output.status.success());
    for command in ["serve", "demo", "migrate", "reconcile", "org", "spool", "TURNPIKE_DATA_DIR"] {
        assert!(text(&output.stdout).contains(command), "{command} is not in the help");
    }
    for args in [&["org", "--help"][..], &["spool", "drain", "--help"], &["demo", "--help"], &["--version"]] {
        assert!(Process::run(dir.path(), &[], args).status.success(), "{args:?}");
    }
    assert_eq!(Process::run(dir.path(), &[], &["fly"]).status.code(), Some(2));
    assert!(!dir.path().join("data").exists(), "help makes nothing");
}

#[tokio::test]
async fn a_second_server_on_a_folder_refuses_and_says_what_to_do() {
    let dir = TempDir::new().unwrap();
    let server = Process::serve(dir.path(), &[]);
    let key = create(dir.path(), "developer")["api_key"].as_str().unwrap().to_owned();
    let output = Process::run(dir.path(), &[], &["serve"]);
    assert_eq!(output.status.code(), Some(1));
    let err = text(&output.stderr);
    assert!(err.contains("is in use by another process") && err.contains("TURNPIKE_DATA_DIR"), "{err}");
    let spool = dir.path().join("data/spool");
    let output = Process::run(dir.path(), &[], &["spool", "drain", spool.to_str().unwrap()]);
    assert!(!output.status.success() && text(&output.stderr).contains("is in use by another process"));
    assert_eq!(echo(&server, &key).await, 200, "the first goes on");
    assert!(server.terminate().success());
    assert!(Process::serve(dir.path(), &[]).terminate().success(), "the folder is free again");
}

/// The lines of what was said that are commands.
fn curls(said: &str) -> Vec<String> {
    said.lines().map(str::trim).filter(|line| line.starts_with("curl ")).map(str::to_owned).collect()
}

fn shell(line: &str) -> Output {
    Command::new("sh").args(["-c", line]).output().unwrap()
}

#[tokio::test]
async fn the_first_start_shows_a_call_that_works_as_it_stands_and_a_later_one_no_secrets() {
    let dir = TempDir::new().unwrap();
    let server = Process::serve(dir.path(), &[]);
    let said =
        until("the banner is whole", || async { Some(server.said()).filter(|said| curls(said).len() == 2) })
            .await;
    let lines = curls(&said);
    let output = shell(&lines[0]);
    let called: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
    assert_eq!(called["choices"][0]["message"]["content"], "hello");
    let logs = until("the call is in the list", || async {
        let output = shell(&lines[1]);
        let logs: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
        (!logs["data"].as_array().unwrap().is_empty()).then_some(logs)
    })
    .await;
    assert_eq!(logs["data"][0]["provider"], "echo");
    assert!(server.terminate().success());

    let secrets: Vec<&str> = said
        .split_whitespace()
        .map(|word| word.trim_matches(|c: char| !c.is_alphanumeric() && c != '_'))
        .filter(|word| word.starts_with("tpk_"))
        .chain(said.split("one-time password ").nth(1).and_then(|rest| rest.split_whitespace().next()))
        .collect();
    assert!(secrets.len() >= 3, "{said}");
    let server = Process::serve(dir.path(), &[]);
    let again = until("the banner is whole", || async {
        Some(server.said()).filter(|said| said.contains("turnpike org create"))
    })
    .await;
    assert!(server.terminate().success());
    let own_lines = std::fs::read_to_string(dir.path().join(LINES)).unwrap();
    for secret in secrets {
        assert!(!again.contains(secret), "{again}");
        assert!(!own_lines.contains(secret), "a secret is in the server's own lines");
    }
}

#[test]
fn the_demo_tells_its_story_and_its_numbers_add_up() {
    let dir = TempDir::new().unwrap();
    let args = ["demo", "--exit", "--calls", "60", "--included-logs", "40"];
    let output = Process::run(dir.path(), &[], &args);
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{said}\n{}", text(&output.stderr));
    for number in ["60", "40", "20"] {
        assert!(said.contains(number), "{number} is not told: {said}");
    }
    assert!(!dir.path().join("data").exists(), "the demo has a folder of its own");
}

/// A data folder whose process was killed with calls in its spool that no store has; the calls' ids and a key.
async fn orphan(dir: &Path) -> (Vec<String>, String) {
    let key = create(dir, "developer")["api_key"].as_str().unwrap().to_owned();
    let server = Process::serve(dir, &[]);
    let db = Process::database(dir).await;
    scratch::refuse(&db, "broken", "UPDATE ON spool_mark", "TRUE").await;
    let mut ids = Vec::new();
    for _ in 0..30 {
        let request = reqwest::Client::new().post(format!("http://{}/v1/chat/completions", server.addr));
        let request = request.header("x-portkey-api-key", &key).header("x-portkey-provider", "echo");
        let response = request.json(&chat("hi")).send().await.unwrap();
        ids.push(crate::harness::log_id(&response));
        response.bytes().await.unwrap();
    }
    server.kill();
    scratch::allow(&db, "broken").await;
    db.close().await.unwrap();
    ids.sort();
    (ids, key)
}

/// A copy of a folder, beside it.
fn copied(folder: &Path, name: &str) -> PathBuf {
    let copy = folder.with_file_name(name);
    let copying = Command::new("cp").arg("-r").arg(folder).arg(&copy).status().unwrap();
    assert!(copying.success());
    copy
}

#[tokio::test]
async fn copies_of_one_spool_that_are_drained_at_the_same_time_count_once() {
    let dir = TempDir::new().unwrap();
    let (ids, key) = orphan(dir.path()).await;
    let spool = dir.path().join("data/spool");
    let copies = ["copy-0", "copy-1", "copy-2", "copy-3"].map(|name| copied(&spool, name));
    let recorded: u64 = std::thread::scope(|threads| {
        let drains: Vec<_> = copies
            .iter()
            .map(|copy| {
                threads.spawn(|| Process::cli(dir.path(), &["spool", "drain", copy.to_str().unwrap()]))
            })
            .collect();
        drains.into_iter().map(|drain| drain.join().unwrap()["recorded"].as_u64().unwrap()).sum()
    });
    assert_eq!(recorded, 30);

    // The server finds the original, and that all of it is in.
    let server = Process::serve(dir.path(), &[]);
    let page = get(&server, &key, "/v1/logs?limit=1000").await;
    assert_eq!(page["data"].as_array().unwrap().len(), ids.len());
    assert_eq!(get(&server, &key, "/v1/usage").await["used"], 30);
}

#[tokio::test]
async fn an_orphaned_spool_is_drained_once_however_often_that_is_asked() {
    let dir = TempDir::new().unwrap();
    let (ids, key) = orphan(dir.path()).await;
    let spool = dir.path().join("set-aside");
    std::fs::rename(dir.path().join("data/spool"), &spool).unwrap();
    // As it was before, to be drained a second time from the very same files.
    let copy = copied(&spool, "copy");

    let server = Process::serve(dir.path(), &[]);
    let drain = |folder: &Path| Process::cli(dir.path(), &["spool", "drain", folder.to_str().unwrap()]);
    let first = drain(&spool);
    assert_eq!((&first["recorded"], &first["batches_in_before"]), (&json!(30), &json!(0)), "{first}");
    let again = drain(&spool);
    assert_eq!((&again["recorded"], &again["batches"]), (&json!(0), &json!(0)), "{again}");
    let from_copy = drain(&copy);
    assert_eq!(from_copy["recorded"], 0, "{from_copy}");

    let page = get(&server, &key, "/v1/logs?limit=1000").await;
    let mut there: Vec<&str> =
        page["data"].as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap()).collect();
    there.sort_unstable();
    assert_eq!(there, ids);
    assert_eq!(get(&server, &key, "/v1/usage").await["used"], 30);
}
