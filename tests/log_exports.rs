//! Logs as files: what is wanted is said and started, a worker chooses, and a link leads to what is there of it.

use std::time::Duration;

use plans::Plan;
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use workers::{Job, Parts};

use crate::harness::{Caller, NEVER, Org, Sdk, TestApp, ask, chat, log_id};

const PATH: &str = "/v1/logs/exports";

/// Every field that there is.
pub const FIELDS: [&str; 20] = [
    "id",
    "trace_id",
    "created_at",
    "request",
    "response",
    "is_success",
    "ai_org",
    "ai_model",
    "req_units",
    "res_units",
    "total_units",
    "request_url",
    "cost",
    "cost_currency",
    "response_time",
    "response_status_code",
    "mode",
    "config",
    "prompt_slug",
    "metadata",
];

/// A server that chooses no logs but when it is told to.
async fn start() -> TestApp {
    TestApp::with(|settings| NEVER.clone_into(&mut settings.jobs.log_exports_cron)).await
}

/// A call that is answered, and its log.
async fn call(org: &Org<'_>, question: &str, more: &[(&str, &str)]) -> String {
    let mut request = org.echo("/v1/chat/completions").json(&chat(question));
    for (name, value) in more {
        request = request.header(*name, *value);
    }
    let id = log_id(&request.send().await.unwrap());
    org.log(&id).await;
    id
}

async fn choose(app: &TestApp) {
    workers::run_now(Job::LogExports, &Parts::over(&app.running)).await.unwrap();
}

/// A draft; its id and how many logs it finds.
async fn draft(caller: &Caller<'_>, filters: Value, fields: &[&str]) -> (String, u64) {
    let new = json!({"filters": filters, "requested_data": fields, "description": "mine"});
    let (status, made) = ask(caller, Method::POST, PATH, Some(&new)).await;
    assert_eq!((status, &made["object"]), (200, &json!("export")), "{made}");
    (made["id"].as_str().unwrap().to_owned(), made["total"].as_u64().unwrap())
}

async fn act(caller: &Caller<'_>, id: &str, what: &str) -> (u16, Value) {
    let method = if what == "download" { Method::GET } else { Method::POST };
    ask(caller, method, &format!("{PATH}/{id}/{what}"), None).await
}

async fn status(caller: &Caller<'_>, id: &str) -> String {
    let (_, item) = ask(caller, Method::GET, &format!("{PATH}/{id}"), None).await;
    item["status"].as_str().unwrap().to_owned()
}

/// Where the file is. A server that was given any free port does not know of it.
async fn link(caller: &Caller<'_>, id: &str) -> String {
    let (code, found) = act(caller, id, "download").await;
    assert_eq!((code, &found["url"]), (200, &found["signed_url"]), "{found}");
    let path = found["url"].as_str().unwrap().strip_prefix("http://127.0.0.1:0").unwrap();
    caller.app.url(path)
}

/// The file as anybody gets it who has the link.
async fn fetch(link: &str) -> Response {
    reqwest::get(link).await.unwrap()
}

async fn lines(link: &str) -> Vec<Value> {
    let response = fetch(link).await;
    assert_eq!(response.status(), 200);
    let text = response.text().await.unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Makes an export, starts it, has it chosen, and gives the lines of its file.
async fn exported(org: &Org<'_>, filters: Value, fields: &[&str]) -> Vec<Value> {
    let caller = org.with_key(&org.key);
    let (id, _) = draft(&caller, filters, fields).await;
    assert_eq!(act(&caller, &id, "start").await.0, 200);
    choose(org.app).await;
    lines(&link(&caller, &id).await).await
}

fn ids(lines: &[Value]) -> Vec<&str> {
    lines.iter().map(|line| line["id"].as_str().unwrap()).collect()
}

fn refused((status, body): &(u16, Value), says: &str) {
    assert_eq!((*status, &body["data"]["errorCode"]), (400, &json!("AB01")), "{body}");
    assert!(body["data"]["message"].as_str().unwrap().contains(says), "{body}");
}

#[tokio::test]
async fn a_draft_is_started_chosen_and_a_file_and_each_step_has_its_time() {
    let app = start().await;
    let org = app.org(Plan::Developer).await;
    let caller = org.with_key(&org.key);
    let first = call(&org, "one", &[]).await;
    let second = call(&org, "two", &[("x-portkey-metadata", r#"{"env":"prod"}"#)]).await;
    let (id, total) = draft(&caller, json!({"metadata": {"env": "prod"}}), &["id"]).await;
    assert_eq!((total, status(&caller, &id).await.as_str()), (1, "draft"));
    let path = format!("{PATH}/{id}");
    let change = json!({"filters": {"status_code": 200}, "requested_data": ["request", "id", "id"]});
    let (code, changed) = ask(&caller, Method::PUT, &path, Some(&change)).await;
    assert_eq!((code, &changed), (200, &json!({"id": id, "total": 2, "object": "export"})));
    choose(&app).await;
    for early in ["cancel", "download"] {
        refused(&act(&caller, &id, early).await, "status: the export is `draft`");
    }

    let (code, started) = act(&caller, &id, "start").await;
    assert_eq!((code, &started["object"]), (200, &json!("export")), "{started}");
    assert_eq!(status(&caller, &id).await, "in_progress");
    for early in ["start", "download"] {
        refused(&act(&caller, &id, early).await, "status: the export is `in_progress`");
    }
    refused(&ask(&caller, Method::PUT, &path, Some(&change)).await, "status: the export is `in_progress`");

    choose(&app).await;
    let (_, item) = ask(&caller, Method::GET, &path, None).await;
    let mut shape = item.clone();
    for name in ["id", "organisation_id", "created_by", "created_at", "last_updated_at", "workspace_id"] {
        assert!(shape.as_object_mut().unwrap().remove(name).unwrap().is_string(), "{item}");
    }
    assert_eq!(
        shape,
        json!({"object": "export", "description": "mine", "filters": {"status_code": 200},
            "requested_data": ["id", "request"], "status": "success", "total_records": 2})
    );
    assert_eq!((&item["workspace_id"], &item["organisation_id"]), (&json!(org.workspace), &json!(org.id)));
    for late in ["start", "cancel"] {
        refused(&act(&caller, &id, late).await, "status: the export is `success`");
    }
    let (_, list) = ask(&caller, Method::GET, PATH, None).await;
    assert_eq!(list, json!({"object": "list", "total": 1, "data": [item]}));

    let found = link(&caller, &id).await;
    let response = fetch(&found).await;
    assert_eq!(response.headers()["content-type"], "application/jsonl");
    let disposition = format!("attachment; filename=\"logs-{id}.jsonl\"");
    assert_eq!(response.headers()["content-disposition"], disposition);
    let file = lines(&found).await;
    assert_eq!(ids(&file), [first, second], "the oldest first");
    assert_eq!(file[0]["request"]["body"], chat("one"));
    for (action, count) in [("create", 1), ("update", 1), ("start", 1), ("cancel", 0)] {
        let noted = format!(
            "SELECT count(*) FROM audit_entry WHERE action = 'log_export.{action}' AND subject = 'log_export:{id}'"
        );
        assert_eq!(app.count(&noted).await, count, "{action}");
    }
}

#[tokio::test]
async fn a_line_has_what_the_log_by_itself_has() {
    let app = start().await;
    let org = app.org(Plan::Developer).await;
    let id = call(&org, "one two", &[("x-portkey-metadata", r#"{"env":"prod"}"#)]).await;
    let untracked = call(&org, "three", &[("x-portkey-debug", "false")]).await;
    let log = json!({"request": {"url": "https://api.example.com/v1/x?key=1", "body": "text"}, "response": {"status": 429, "body": {"a": 1.0}}});
    let (_, inserted) = ask(&org.with_key(&org.key), Method::POST, "/v1/logs", Some(&log)).await;
    let inserted = inserted["ids"][0].as_str().unwrap().to_owned();
    org.log(&inserted).await;

    let file = exported(&org, json!({}), &FIELDS).await;
    assert_eq!(ids(&file), [&id, &untracked, &inserted]);
    for line in &file {
        assert_eq!(line.as_object().unwrap().len(), FIELDS.len(), "{line}");
        let log = org.log(line["id"].as_str().unwrap()).await;
        assert_eq!((&line["request"], &line["response"]), (&log["request"], &log["response"]));
        let metrics = &log["metrics"];
        for name in FIELDS.iter().filter(|name| metrics.get(**name).is_some()) {
            assert_eq!(line[name], metrics[name], "{name}: {line}");
        }
        assert_eq!(line["config"], metrics["config_id"]);
    }
    assert_eq!(file[0]["metadata"], json!({"env": "prod"}));
    assert_eq!(file[0]["response"]["body"]["choices"][0]["message"]["content"], "one two");
    assert_eq!((&file[2]["is_success"], &file[2]["response_status_code"]), (&json!(false), &json!(429)));
    assert!(file[1]["request"].get("body").is_none() && file[1]["total_units"].is_u64(), "{}", file[1]);
}

#[tokio::test]
async fn the_filters_choose_and_pages_go_on() {
    let app = start().await;
    let org = app.org(Plan::Developer).await;
    let mut made = Vec::new();
    for n in 0..5 {
        let metadata = format!(r#"{{"n":"{n}","odd":"{}"}}"#, n % 2);
        made.push(call(&org, "one", &[("x-portkey-metadata", &metadata), ("x-portkey-trace-id", "t")]).await);
    }
    for (filters, chosen) in [
        (json!({}), &made[..]),
        (json!({"page_size": 2}), &made[..2]),
        (json!({"page_size": "2", "current_page": 1}), &made[2..4]),
        (json!({"page_size": 2, "current_page": 2}), &made[4..]),
        (json!({"page_size": 2, "current_page": 3}), &[]),
        (json!({"metadata": {"odd": "1", "n": "3"}}), &made[3..4]),
        (json!({"metadata": {"odd": "0"}, "page_size": 1, "current_page": 2}), &made[4..]),
        (json!({"trace_id": ["x", "t"], "workspace_slug": org.workspace}), &made[..]),
        (json!({"status_code": "500"}), &[]),
        (json!({"prompt_slug": "greeting"}), &[]),
        (json!({"cost_min": 1}), &[]),
    ] {
        assert_eq!(ids(&exported(&org, filters.clone(), &["id"]).await), chosen, "{filters}");
    }
}

#[tokio::test]
async fn what_was_stopped_or_failed_is_started_again_from_its_beginning() {
    let app = start().await;
    let org = app.org(Plan::Developer).await;
    let caller = org.with_key(&org.key);
    let first = call(&org, "one", &[]).await;
    let (id, _) = draft(&caller, json!({}), &["id"]).await;
    act(&caller, &id, "start").await;
    assert_eq!(act(&caller, &id, "cancel").await.0, 200);
    choose(&app).await;
    assert_eq!(status(&caller, &id).await, "stopped");
    refused(&act(&caller, &id, "download").await, "status: the export is `stopped`");
    refused(&act(&caller, &id, "cancel").await, "status: the export is `stopped`");

    assert_eq!(act(&caller, &id, "start").await.0, 200);
    app.execute("UPDATE log_export SET filter = '{\"of_a_newer_version\": 1}'").await;
    choose(&app).await;
    assert_eq!(status(&caller, &id).await, "failed");
    app.execute("UPDATE log_export SET filter = '{}'").await;
    assert_eq!(act(&caller, &id, "start").await.0, 200);
    choose(&app).await;
    assert_eq!(ids(&lines(&link(&caller, &id).await).await), [first]);
}

#[tokio::test]
async fn what_is_past_its_retention_is_in_no_file_though_it_was_chosen() {
    let app = start().await;
    let org = app.org(Plan::Developer).await;
    let caller = org.with_key(&org.key);
    call(&org, "old", &[]).await;
    app.clock.advance(Duration::from_hours(48));
    let new = call(&org, "new", &[]).await;
    let (id, total) = draft(&caller, json!({}), &["id"]).await;
    act(&caller, &id, "start").await;
    choose(&app).await;
    assert_eq!((total, lines(&link(&caller, &id).await).await.len()), (2, 2));
    app.clock.advance(Duration::from_hours(25));
    assert_eq!(ids(&lines(&link(&caller, &id).await).await), [new.as_str()]);
    let (_, again) = draft(&caller, json!({}), &["id"]).await;
    assert_eq!(again, 1);
}

#[tokio::test]
async fn a_link_works_for_a_quarter_of_an_hour_as_long_as_who_asked_for_it_may_export() {
    let app = start().await;
    let org = app.org(Plan::Developer).await;
    let workspace = org.workspace_id(&org.workspace).await;
    call(&org, "one", &[]).await;
    let new = json!({"name": "exporter", "scopes": ["logs.export"]});
    let maker = org.with_key(&org.key);
    let (_, key) = ask(&maker, Method::POST, "/v1/api-keys/workspace/service", Some(&new)).await;
    let exporter = org.with_key(key["key"].as_str().unwrap());
    let (id, _) = draft(&exporter, json!({}), &["id"]).await;
    act(&exporter, &id, "start").await;
    choose(&app).await;

    let unauthorised = async |link: &str, says: &str| {
        let response = fetch(link).await;
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
        let body: Value = response.json().await.unwrap();
        assert!(body["data"]["message"].as_str().unwrap().contains(says), "{body}");
    };
    let good = link(&exporter, &id).await;
    assert_eq!(lines(&good).await.len(), 1);
    let (base, token) = good.split_once("?token=").unwrap();
    assert_eq!(fetch(base).await.status(), StatusCode::BAD_REQUEST);
    unauthorised(&format!("{base}?token={}x", &token[..token.len() - 1]), "not valid").await;
    let (other, _) = draft(&exporter, json!({}), &["id"]).await;
    unauthorised(&good.replace(&id, &other), "not valid").await;
    app.clock.advance(Duration::from_mins(14));
    assert_eq!(lines(&good).await.len(), 1);
    app.clock.advance(Duration::from_mins(1));
    unauthorised(&good, "expired").await;

    // A key that may not export any more, and one that has ended.
    let good = link(&exporter, &id).await;
    let path = format!("/v1/api-keys/{}", key["id"].as_str().unwrap());
    ask(&maker, Method::PUT, &path, Some(&json!({"scopes": ["logs.list"]}))).await;
    assert_eq!(fetch(&good).await.status(), StatusCode::FORBIDDEN);
    assert_eq!(ask(&maker, Method::DELETE, &path, None).await.0, 200);
    unauthorised(&good, "API key").await;

    // Somebody who has left.
    let manager = org.person("member", &[(workspace, "manager")]).await;
    let of_person = link(&manager.caller, &id).await;
    assert_eq!(lines(&of_person).await.len(), 1);
    let path = format!("/v1/admin/workspaces/{}/users/{}", org.workspace, manager.id);
    assert_eq!(ask(&org.admin(), Method::DELETE, &path, None).await.0, 200);
    assert_eq!(fetch(&of_person).await.status(), StatusCode::FORBIDDEN);
    assert_eq!(
        ask(&org.admin(), Method::DELETE, &format!("/v1/admin/users/{}", manager.id), None).await.0,
        200
    );
    unauthorised(&of_person, "not valid").await;
}

#[tokio::test]
async fn exports_are_of_a_workspace_and_those_of_a_persons_key_that_persons() {
    let app = start().await;
    let org = app.org(Plan::Developer).await;
    let workspace = org.workspace_id(&org.workspace).await;
    let mine = call(&org, "mine", &[]).await;
    let (next_key, next) = org.another_workspace("next").await;
    let next_door = org.with_key(&next_key);

    // An organisation's key has to say which workspace, by either name.
    let all = json!({"filters": {}, "requested_data": ["id"]});
    refused(&ask(&org.admin(), Method::POST, PATH, Some(&all)).await, "workspace_id: missing");
    for (place, total) in [
        (json!({"workspace_id": org.workspace}), 1),
        (json!({"filters": {"workspace_slug": next}}), 0),
        (json!({"filters": {"workspace_slug": next}, "workspace_id": next}), 0),
    ] {
        let mut new = all.clone();
        new.as_object_mut().unwrap().extend(place.as_object().unwrap().clone());
        let (status, made) = ask(&org.admin(), Method::POST, PATH, Some(&new)).await;
        assert_eq!((status, &made["total"]), (200, &json!(total)), "{made}");
    }
    let torn =
        json!({"filters": {"workspace_slug": next}, "workspace_id": org.workspace, "requested_data": ["id"]});
    refused(&ask(&org.admin(), Method::POST, PATH, Some(&torn)).await, "filters.workspace_slug: found");
    let of_next = format!("?workspace_id={next}");
    for (query, count) in [("", 3), (of_next.as_str(), 2), ("?page_size=1", 1)] {
        let (_, list) = ask(&org.admin(), Method::GET, &format!("{PATH}{query}"), None).await;
        assert_eq!(list["data"].as_array().unwrap().len(), count, "{query}: {list}");
    }
    assert_eq!(ask(&next_door, Method::GET, PATH, None).await.1["total"], 2);

    // Two managers' own keys.
    let mut keys = Vec::new();
    for _ in 0..2 {
        let person = org.person("member", &[(workspace, "manager")]).await;
        let new = json!({"name": "own", "scopes": ["logs.export"], "user_id": person.id});
        let path = "/v1/api-keys/workspace/user";
        let (status, key) = ask(&person.caller, Method::POST, path, Some(&new)).await;
        assert_eq!(status, 200, "{key}");
        keys.push((org.with_key(key["key"].as_str().unwrap()), person));
    }
    let [(one, person), (other, _)] = keys.as_slice() else { unreachable!() };
    let (id, _) = draft(one, json!({}), &["id"]).await;
    act(one, &id, "start").await;
    choose(&app).await;
    assert_eq!(ids(&lines(&link(one, &id).await).await), [mine.as_str()]);
    let (_, list) = ask(one, Method::GET, PATH, None).await;
    assert_eq!((&list["total"], &list["data"][0]["id"]), (&json!(1), &json!(id)));
    assert_eq!(ask(other, Method::GET, PATH, None).await.1["total"], 0);
    assert_eq!(act(other, &id, "download").await.0, 404);
    assert_eq!(act(other, &id, "start").await.0, 404);
    // To the person themselves, and to who sees the whole workspace, it is one of all.
    assert_eq!(ask(&person.caller, Method::GET, PATH, None).await.1["total"], 2);
    assert_eq!(status(&org.with_key(&org.key), &id).await, "success");
    assert_eq!(act(&next_door, &id, "download").await.0, 404);
}

#[tokio::test]
async fn what_is_denied_is_in_no_export_not_even_in_those_that_have_it() {
    let app = start().await;
    let org = app.org(Plan::Developer).await;
    let caller = org.with_key(&org.key);
    call(&org, "secret", &[]).await;
    let (id, _) = draft(&caller, json!({}), &["id", "request", "response", "metadata"]).await;
    act(&caller, &id, "start").await;
    choose(&app).await;
    let path = format!("{PATH}/field-restrictions");
    let denied = async |caller: &Caller<'_>, query: &str| -> Value {
        let (status, found) = ask(caller, Method::GET, &format!("{path}{query}"), None).await;
        assert_eq!(status, 200, "{found}");
        found["denied_fields"].clone()
    };
    assert_eq!(denied(&caller, "").await, json!([]));

    let of_all = json!({"denied_fields": ["response", "request"]});
    assert_eq!(ask(&org.admin(), Method::PUT, &path, Some(&of_all)).await.0, 200);
    let more = json!({"denied_fields": ["metadata"], "workspace_id": org.workspace});
    let (status, now) = ask(&caller, Method::PUT, &path, Some(&more)).await;
    assert_eq!((status, &now["denied_fields"]), (200, &json!(["request", "response", "metadata"])), "{now}");
    assert_eq!(denied(&caller, "").await, json!(["request", "response", "metadata"]));
    assert_eq!(denied(&org.admin(), "").await, json!(["request", "response"]));
    let (key, next) = org.another_workspace("next").await;
    assert_eq!(denied(&org.admin(), &format!("?workspace_id={next}")).await, json!(["request", "response"]));
    assert_eq!(denied(&org.with_key(&key), "").await, json!(["request", "response"]));

    let line = lines(&link(&caller, &id).await).await.remove(0);
    assert_eq!(line.as_object().unwrap().keys().collect::<Vec<_>>(), ["id"], "{line}");
    let new = json!({"filters": {}, "requested_data": ["id", "metadata"]});
    refused(&ask(&caller, Method::POST, PATH, Some(&new)).await, "requested_data: metadata is in no export");
    let (draft_id, _) = draft(&caller, json!({}), &["id"]).await;
    let change = json!({"requested_data": ["response"]});
    let at = format!("{PATH}/{draft_id}");
    refused(&ask(&caller, Method::PUT, &at, Some(&change)).await, "requested_data: response is in no export");

    // What is denied is not had by way of what has it too.
    let only = json!({"denied_fields": ["trace_id", "response_time"]});
    assert_eq!(ask(&org.admin(), Method::PUT, &path, Some(&only)).await.0, 200);
    let all = json!(["trace_id", "request", "response", "response_time"]);
    assert_eq!(denied(&org.admin(), "").await, all);

    for (caller, body) in [
        (org.admin(), json!({"denied_fields": []})),
        (org.with_key(&org.key), json!({"denied_fields": [], "workspace_id": org.workspace})),
    ] {
        assert_eq!(ask(&caller, Method::PUT, &path, Some(&body)).await.0, 200);
    }
    let line = lines(&link(&caller, &id).await).await.remove(0);
    assert_eq!(line["request"]["body"], chat("secret"));
    assert_eq!(app.count("SELECT count(*) FROM audit_entry WHERE action = 'log_export.restrict'").await, 5);
}

#[tokio::test]
async fn a_file_of_many_parts_is_whole_and_what_fails_on_the_way_cuts_it() {
    let app = start().await;
    let org = app.org(Plan::Enterprise).await;
    let caller = org.with_key(&org.key);
    let entry = |n: usize| json!({"request": {"url": "/v1/x", "body": {"n": n}}, "response": {"body": {}}});
    for page in 0..3 {
        let entries: Vec<Value> = (0..700).map(|n| entry(page * 700 + n)).collect();
        let (status, made) = ask(&caller, Method::POST, "/v1/logs", Some(&json!(entries))).await;
        assert_eq!(status, 200, "{made}");
    }
    crate::harness::until("all logs are there", || async {
        (app.count("SELECT count(*) FROM log").await == 2100).then_some(())
    })
    .await;
    let (id, total) = draft(&caller, json!({}), &["id", "request"]).await;
    act(&caller, &id, "start").await;
    choose(&app).await;
    assert_eq!(app.count("SELECT count(*) FROM log_export_part").await, 3);
    let found = link(&caller, &id).await;
    let file = lines(&found).await;
    let mut bodies: Vec<u64> =
        file.iter().map(|line| line["request"]["body"]["n"].as_u64().unwrap()).collect();
    assert!(ids(&file).is_sorted(), "the oldest first");
    bodies.sort_unstable();
    assert_eq!((total, bodies), (2100, (0..2100).collect()));

    app.execute("ALTER TABLE log_payload RENAME TO log_payload_away").await;
    assert!(fetch(&found).await.text().await.is_err(), "an answer that is cut is no whole one");
    app.execute("ALTER TABLE log_payload_away RENAME TO log_payload").await;
    let whole = fetch(&found).await.text().await.unwrap();
    app.execute("DELETE FROM log_export_part WHERE position = 2").await;
    assert!(fetch(&found).await.text().await.is_err(), "a part is missing, of {} bytes", whole.len());
}

#[tokio::test]
async fn the_sdks_make_an_export_and_fetch_its_file() {
    let app = TestApp::with(|settings| "* * * * * *".clone_into(&mut settings.jobs.log_exports_cron)).await;
    for sdk in [Sdk("portkey_exports.py"), Sdk("portkey_exports.js")] {
        let org = app.org(Plan::Developer).await;
        let id = call(&org, "one", &[("x-portkey-metadata", r#"{"env":"prod"}"#)]).await;
        call(&org, "two", &[]).await;
        let seen = sdk.run(&org, "", &[], &Value::Null).await;
        assert_eq!((&seen["create"]["total"], &seen["create"]["object"]), (&json!(1), &json!("export")));
        assert_eq!((&seen["update"]["id"], &seen["update"]["total"]), (&seen["create"]["id"], &json!(1)));
        let item = &seen["retrieve"];
        assert_eq!((&item["status"], &item["description"]), (&json!("draft"), &json!("mine")), "{sdk:?}");
        assert_eq!(item["requested_data"], json!(["id", "request", "cost"]));
        assert_eq!(item["filters"]["metadata"], json!({"env": "prod"}));
        assert_eq!((&seen["list"]["total"], &seen["list"]["data"][0]["id"]), (&json!(1), &item["id"]));
        assert_eq!(seen["start"]["object"], "export", "{sdk:?}");
        assert_eq!((&seen["done"]["status"], &seen["done"]["total_records"]), (&json!("success"), &json!(1)));
        let lines = seen["lines"].as_array().unwrap();
        assert_eq!((lines.len(), &lines[0]["id"]), (1, &json!(id)), "{sdk:?}: {seen}");
        assert_eq!(lines[0]["request"]["body"], chat("one"), "{sdk:?}");
    }
}
