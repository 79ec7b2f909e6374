//! Logs over REST: lists and their filters, one log in full, and logs that clients hand in.

mod inserted;
mod lists;
mod saved;

use std::time::Duration;

use plans::Plan;
use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::harness::{DONE, Org, TestApp, Upstream, answer, chat, delta, log_id, usage_chunk};

async fn echo(org: &Org<'_>, trace: &str, text: &str) -> String {
    let request = org.echo("/v1/chat/completions").header("x-portkey-trace-id", trace);
    log_id(&request.json(&chat(text)).send().await.unwrap())
}

async fn insert(org: &Org<'_>, body: &Value) -> Response {
    org.request(Method::POST, "/v1/logs").json(body).send().await.unwrap()
}

/// Inserts and gives the ids, in the order of the request.
async fn inserted(org: &Org<'_>, body: &Value) -> Vec<String> {
    let response = insert(org, body).await;
    assert_eq!(response.status(), 200, "{body}");
    let answer: Value = response.json().await.unwrap();
    assert_eq!(answer["status"], "success");
    answer["ids"].as_array().unwrap().iter().map(|id| id.as_str().unwrap().to_owned()).collect()
}

fn a_log() -> Value {
    json!({
        "request": {
            "url": "https://api.openai.com/v1/chat/completions", "provider": "openai", "method": "post",
            "headers": {"authorization": "Bearer sk-secret"}, "body": chat("hi")
        },
        "response": {"status": 200, "headers": {}, "body": answer("hello"), "response_time": 820},
        "metadata": {"traceId": "1729", "spanId": "11", "spanName": "LLM", "parentSpanId": "0", "_user": "u1"}
    })
}

fn ids(rows: &[Value]) -> Vec<String> {
    rows.iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
}

/// What differs from run to run is replaced by its kind.
fn redacted(mut value: Value) -> Value {
    fn walk(value: &mut Value) {
        match value {
            Value::Object(fields) => {
                // The order of headers is that of no one.
                for name in ["headers", "portkeyHeaders"] {
                    fields.get_mut(name).and_then(Value::as_object_mut).map(serde_json::Map::sort_keys);
                }
                for (name, value) in fields {
                    let kind = match name.as_str() {
                        "id" | "_id" | "organisation_id" | "api_key_id" | "organisation_name" => "[id]",
                        "workspace_id" | "workspace_slug" => "[slug]",
                        "created_at" | "date" | "prices_version" => "[time]",
                        "response_time" | "responseTime" | "time_to_first_byte" => "[ms]",
                        "url" | "request_url" | "host" | "x-portkey-custom-host" => "[url]",
                        _ => "",
                    };
                    if kind.is_empty() || value.is_null() { walk(value) } else { *value = kind.into() }
                }
            }
            Value::Array(items) => items.iter_mut().for_each(walk),
            _ => {}
        }
    }
    walk(&mut value);
    value
}

#[tokio::test]
async fn pages_give_every_log_once_newest_first_while_new_ones_come_in() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let mut made = Vec::new();
    for n in 0..25 {
        made.push(echo(&org, &format!("old-{n}"), "hi").await);
    }
    org.rows("limit=100", 25).await;
    let mut seen: Vec<Value> = Vec::new();
    let mut cursor = String::new();
    let mut pages = 0;
    loop {
        let page: Value = org.get(&format!("/v1/logs?limit=7{cursor}")).await.json().await.unwrap();
        assert_eq!(page["object"], "list");
        seen.extend(page["data"].as_array().unwrap().iter().cloned());
        pages += 1;
        // Newer ones come in between two pages, and are on none of the later ones.
        let newer = echo(&org, &format!("new-{pages}"), "hi").await;
        org.log(&newer).await;
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(pages, 4);
    made.sort();
    made.reverse();
    assert_eq!(ids(&seen), made);
    let times: Vec<&str> = seen.iter().map(|row| row["created_at"].as_str().unwrap()).collect();
    assert!(times.is_sorted_by(|newer, older| newer >= older), "{times:?}");
    assert_eq!(org.list("limit=100").await.len(), 29);
}

#[tokio::test]
async fn a_page_that_holds_exactly_the_last_log_says_that_it_is_the_last() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    for n in 0..4 {
        echo(&org, &n.to_string(), "hi").await;
    }
    org.rows("", 4).await;
    let page: Value = org.get("/v1/logs?limit=2").await.json().await.unwrap();
    let next = page["next_cursor"].as_str().unwrap();
    let page: Value = org.get(&format!("/v1/logs?limit=2&cursor={next}")).await.json().await.unwrap();
    assert_eq!((page["data"].as_array().unwrap().len(), &page["next_cursor"]), (2, &Value::Null));
}

/// A log for each filter to find or to leave out.
async fn some_logs(org: &Org<'_>) {
    let log = |trace: &str, model: &str, status: u16, tokens: [u64; 2], ms: u64, env: &str| {
        let mut log = a_log();
        log["request"]["body"]["model"] = json!(model);
        let provider = if model.starts_with("claude") { "anthropic" } else { "openai" };
        log["request"]["provider"] = json!(provider);
        log["response"]["status"] = json!(status);
        log["response"]["response_time"] = json!(ms);
        log["response"]["body"]["model"] = json!(model);
        let [input, output] = tokens;
        log["response"]["body"]["usage"] =
            json!({"prompt_tokens": input, "completion_tokens": output, "total_tokens": input + output});
        log["metadata"] = json!({"traceId": trace, "env": env, "_user": "u'1\"%"});
        log
    };
    let logs = json!([
        log("a", "gpt-4o-mini", 200, [1000, 200], 820, "prod"),
        log("b", "gpt-4o-mini", 429, [10, 2], 50, "prod"),
        log("c", "claude-nobody-prices-this", 200, [300, 30], 2000, "test"),
    ]);
    inserted(org, &logs).await;
    org.rows("", 3).await;
    // One more, through the gateway, a minute later.
    org.app.clock.advance(Duration::from_mins(1));
    echo(org, "d", "one two three").await;
    org.rows("", 4).await;
}

#[tokio::test]
async fn each_filter_finds_what_it_names_and_nothing_else() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    some_logs(&org).await;
    let d = &org.list("trace_id=d").await[0];
    let (d_time, d_key) = (d["created_at"].as_str().unwrap(), d["api_key_id"].as_str().unwrap());
    let cases: Vec<(String, &str)> = [
        ("trace_id=a", "a"),
        ("trace_id=nobody", ""),
        ("status_code=429", "b"),
        ("status_code=200", "acd"),
        ("status_code=429,200", "abcd"),
        ("ai_org=anthropic", "c"),
        ("provider=openai", "ab"),
        ("ai_model=gpt-4o-mini", "abd"),
        ("ai_org_model=openai__gpt-4o-mini", "ab"),
        ("ai_org_model=anthropic__claude-nobody-prices-this,echo__gpt-4o-mini", "cd"),
        ("total_units_min=330", "ac"),
        ("total_units_max=329", "bd"),
        ("prompt_token_min=10&prompt_token_max=300", "bc"),
        ("completion_token_min=200", "a"),
        ("cost_min=0.027", "a"),
        ("cost_min=0.0271", ""),
        ("response_time_min=820&response_time_max=820", "a"),
        ("response_time_min=821", "c"),
        ("metadata={\"env\":\"prod\"}", "ab"),
        ("metadata={\"env\":\"test\",\"_user\":\"u'1\\\"%25\"}", "c"),
        ("metadata={\"env\":\"nowhere\"}", ""),
        ("cache_status=DISABLED", "abcd"),
        ("cache_status=HIT", ""),
        ("retry_status=not_triggered", "abcd"),
        ("retry_status=failed,success", ""),
        ("virtual_keys=none-of-ours", ""),
        ("api_key_ids=00000000-0000-4000-8000-000000000000", ""),
        // Some together: all of them must hold.
        ("status_code=200&ai_org=openai", "a"),
        ("metadata={\"env\":\"prod\"}&total_units_max=100", "b"),
        ("ai_model=gpt-4o-mini&cost_min=0.01&status_code=200&response_time_max=1000", "a"),
        ("trace_id=a&status_code=429", ""),
    ]
    .into_iter()
    .map(|(query, traces)| (query.to_owned(), traces))
    .chain([
        (format!("time_of_generation_min={d_time}"), "d"),
        (format!("time_of_generation_max={}", "2026-11-15T12:00:59Z"), "abc"),
        (format!("api_key_ids={d_key}"), "abcd"),
    ])
    .collect();
    for (query, expected) in cases {
        let rows = org.list(&query).await;
        let mut traces: Vec<&str> = rows.iter().map(|row| row["trace_id"].as_str().unwrap()).collect();
        traces.sort_unstable();
        assert_eq!(traces.concat(), expected, "{query}");
    }
}

#[tokio::test]
async fn a_filter_by_virtual_key_finds_the_calls_that_used_it() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let created =
        org.request(Method::POST, "/v1/virtual-keys").json(&json!({"name": "mine", "provider": "echo"}));
    let created: Value = created.send().await.unwrap().json().await.unwrap();
    let slug = created["data"]["slug"].as_str().unwrap();
    let request = org.request(Method::POST, "/v1/chat/completions").header("x-portkey-virtual-key", slug);
    let id = log_id(&request.json(&chat("hi")).send().await.unwrap());
    echo(&org, "other", "hi").await;
    org.rows("", 2).await;
    let rows = org.list(&format!("virtual_keys={slug}")).await;
    assert_eq!(ids(&rows), [id]);
    assert_eq!(rows[0]["virtual_key"], slug);
}

#[tokio::test]
async fn a_body_is_shown_as_json_as_text_or_in_base64() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let mut upstream = Upstream::start().await;

    let mut body = chat("hi");
    body["stream"] = json!(true);
    let sending = tokio::spawn(org.ask(&upstream, "/v1/chat/completions").json(&body).send());
    let mut exchange = upstream.asked().await;
    exchange.event_stream().await;
    let events = [delta("word"), usage_chunk(), DONE.to_owned()].concat();
    exchange.send(&events).await;
    exchange.end().await;
    let response = sending.await.unwrap().unwrap();
    let id = log_id(&response);
    assert_eq!(response.text().await.unwrap(), events);
    let log = org.log(&id).await;
    assert_eq!((&log["request"]["body"], &log["response"]["body"]), (&body, &json!(events)));
    assert_eq!(log["response"]["streamingMode"], true);

    let sound = [0xff, 0xfb, 0x90, 0x00, 0x7f];
    let sending = tokio::spawn(org.ask(&upstream, "/v1/audio/speech").json(&json!({"input": "hi"})).send());
    let mut exchange = upstream.asked().await;
    exchange.head(200, &[("content-type", "audio/mpeg"), ("content-length", "5")]).await;
    exchange.send(sound).await;
    let response = sending.await.unwrap().unwrap();
    let id = log_id(&response);
    assert_eq!(response.bytes().await.unwrap().as_ref(), sound);
    let log = org.log(&id).await;
    assert_eq!(log["response"]["body"], json!({"base64": "//uQAH8="}));
    assert_eq!(log["metrics"]["request_type"], "createSpeech");
}

#[tokio::test]
async fn a_log_and_its_row_have_these_shapes() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let upstream = Upstream::start().await;
    let request = org
        .ask(&upstream, "/v1/chat/completions")
        .header("x-portkey-trace-id", "trace-1")
        .header("x-portkey-metadata", "{\"_user\":\"u1\"}")
        .json(&chat("hi"));
    upstream.answer_all(answer("hello"));
    let id = log_id(&request.send().await.unwrap());
    let log = org.log(&id).await;
    insta::assert_json_snapshot!("a_row", redacted(org.list("").await[0].clone()));
    insta::assert_json_snapshot!("a_log", redacted(log));
    assert_eq!(org.list("").await[0]["id"], id.as_str());
}

#[tokio::test]
async fn the_usage_tells_the_plan_the_month_and_what_counts() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let usage = org.usage().await;
    assert_eq!(usage["plan"], "developer");
    assert_eq!((&usage["used"], &usage["included"]), (&json!(0), &json!(10_000)));
    echo(&org, "t", "hi").await;
    org.usage_of(1).await;
    insta::assert_json_snapshot!("the_usage", org.usage().await);
}
