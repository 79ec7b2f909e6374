//! Answers that are given again: to whom, for how long, and what of it the logs say.

mod sharing;
mod streams;
mod waiting;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use plans::Plan;
use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};

use crate::harness::{Caller, Org, TestApp, Upstream, answer, chat, log_id, until};

/// A config that asks OpenAI, at `url`, and wants its answers kept.
fn config(url: &str, cache: &Value) -> String {
    json!({"provider": "openai", "api_key": "sk-1", "custom_host": url, "cache": cache}).to_string()
}

fn simple() -> Value {
    json!({"mode": "simple"})
}

fn under(caller: &Caller<'_>, config: &str) -> RequestBuilder {
    caller.request(Method::POST, "/v1/chat/completions").header("x-portkey-config", config)
}

fn header(response: &Response, name: &str) -> String {
    response.headers().get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
}

fn cache_status(response: &Response) -> String {
    header(response, "x-portkey-cache-status")
}

/// How a call was answered: its status, the cache's, and the text.
async fn heard(request: RequestBuilder) -> (u16, String, String) {
    let response = request.send().await.unwrap();
    let (status, cache) = (response.status().as_u16(), cache_status(&response));
    (status, cache, response.text().await.unwrap())
}

async fn statuses(request: impl Fn() -> RequestBuilder) -> [String; 2] {
    [heard(request()).await.1, heard(request()).await.1]
}

/// A provider that numbers its answers.
fn numbering(upstream: Upstream) {
    let number = AtomicUsize::new(0);
    upstream.answer_each(move |exchange| {
        let number = number.fetch_add(1, Ordering::SeqCst) + 1;
        async move { exchange.json(200, &answer(&format!("answer {number}"))).await }
    });
}

#[tokio::test]
async fn an_equal_call_gets_the_kept_answer_for_nothing_and_the_log_says_so() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let upstream = Upstream::start().await;
    let config = config(&upstream.url(), &simple());
    let asked = upstream.answer_each(async |exchange| {
        let body = answer("hello").to_string();
        let length = body.len().to_string();
        let headers = [
            ("content-type", "application/json; charset=utf-8"),
            ("content-length", &length),
            ("openai-version", "2020-10-01"),
            ("openai-organization", "org-of-the-first"),
            ("set-cookie", "a=b"),
        ];
        let mut exchange = exchange;
        exchange.head(200, &headers).await;
        exchange.send(body).await;
        exchange.whole();
    });
    let caller = org.with_key(&org.key);
    let first = under(&caller, &config).json(&chat("hi")).send().await.unwrap();
    assert_eq!(cache_status(&first), "MISS");
    let (first_log, first) = (log_id(&first), first.text().await.unwrap());

    let other_words = r#"{ "messages" : [ {"content":"\u0068i", "role":"user"} ],
        "model":"gpt-4o-mini" }"#;
    let again = under(&caller, &config).header("content-type", "application/json").body(other_words);
    let again =
        again.header("x-portkey-metadata", r#"{"_user":"another"}"#).header("x-portkey-trace-id", "another");
    let again = again.send().await.unwrap();
    assert_eq!(again.status(), 200);
    let told = |name: &str| header(&again, name);
    assert_eq!(told("x-portkey-cache-status"), "HIT");
    assert_eq!(told("x-portkey-retry-attempt-count"), "0");
    assert_eq!(told("x-portkey-last-used-option-index"), "config");
    assert_eq!(told("content-type"), "application/json; charset=utf-8");
    assert_eq!(told("openai-version"), "2020-10-01");
    assert_eq!((told("openai-organization"), told("set-cookie")), (String::new(), String::new()));
    let (again_log, again) = (log_id(&again), again.text().await.unwrap());
    assert_eq!(again, first);
    assert_eq!(asked.load(Ordering::SeqCst), 1);

    for (id, status, cost) in [(first_log, "MISS", 0.027), (again_log, "HIT", 0.0)] {
        let log = org.log(&id).await;
        let metrics = &log["metrics"];
        assert_eq!((&metrics["cache_status"], &metrics["cost"]), (&json!(status), &json!(cost)), "{log}");
        assert_eq!(log["response"]["body"], serde_json::from_str::<Value>(&first).unwrap(), "{status}");
        let row = org.rows(&format!("cache_status={status}"), 1).await.remove(0);
        assert_eq!((&row["total_tokens"], &row["cost"]), (&json!(1200), &json!(cost)), "{status}");
    }
    for (series, number) in [
        ("turnpike_cache_lookups_total{result=\"hit\"}", 1.0..=1.0),
        ("turnpike_cache_lookups_total{result=\"miss\"}", 1.0..=1.0),
        ("turnpike_cache_size_bytes", 400.0..=2_000.0),
    ] {
        let number = &number;
        until(series, async || {
            let text = app.http.get(app.url("/metrics")).send().await.unwrap().text().await.unwrap();
            let line = text.lines().find_map(|line| line.strip_prefix(series).map(str::to_owned));
            line.is_some_and(|line| number.contains(&line.trim().parse().unwrap())).then_some(())
        })
        .await;
    }
    app.reconcile();
}

#[tokio::test]
async fn what_changes_the_answer_is_asked_anew() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let caller = org.with_key(&org.key);
    let (upstream, elsewhere) = (Upstream::start().await, Upstream::start().await);
    let (here, there) = (config(&upstream.url(), &simple()), config(&elsewhere.url(), &simple()));
    upstream.answer_all(answer("hello"));
    elsewhere.answer_all(answer("hello"));
    let plain = || under(&caller, &here).json(&chat("hi"));
    assert_eq!(statuses(plain).await, ["MISS", "HIT"]);

    let mut warmer = chat("hi");
    warmer["temperature"] = json!(0.5);
    let overriding = json!({"override_params": {"top_p": 0.1}});
    let mut with_params: Value = serde_json::from_str(&here).unwrap();
    with_params.as_object_mut().unwrap().extend(overriding.as_object().unwrap().clone());
    let with_params = with_params.to_string();
    let path = "/v1/chat/completions?beta=true";
    let cases: [(&str, RequestBuilder); 7] = [
        ("another text", under(&caller, &here).json(&chat("hi "))),
        ("a parameter", under(&caller, &here).json(&warmer)),
        ("a parameter of the config's", under(&caller, &with_params).json(&chat("hi"))),
        ("another host", under(&caller, &there).json(&chat("hi"))),
        ("a query", caller.request(Method::POST, path).header("x-portkey-config", &here).json(&chat("hi"))),
        ("a namespace", plain().header("x-portkey-cache-namespace", "a")),
        ("a header of the provider's", plain().header("openai-beta", "assistants=v2")),
    ];
    for (what, request) in cases {
        let again = request.try_clone().unwrap();
        assert_eq!(heard(request).await.1, "MISS", "{what}");
        assert_eq!(heard(again).await.1, "HIT", "{what}");
    }
    assert_eq!(heard(plain().header("x-portkey-cache-namespace", "b")).await.1, "MISS");
    assert_eq!(heard(plain()).await.1, "HIT");
}

#[tokio::test]
async fn what_is_not_to_be_kept_is_not() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let caller = org.with_key(&org.key);
    let upstream = Upstream::start().await;
    let url = upstream.url();
    upstream.answer_each(async |mut exchange| {
        let question = String::from_utf8_lossy(&exchange.body).into_owned();
        let error = json!({"error": {"message": "no"}});
        let is = |text: &str| question.contains(text);
        if is("unframed") {
            exchange.raw(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n{}").await;
            return exchange.die();
        }
        let (status, body) = match () {
            () if is("fails") => (500, error),
            () if is("created") => (201, answer("hello")),
            () if is("in disguise") => (200, error),
            () if is("long") => (200, answer(&"x".repeat(2 << 20))),
            () => (200, answer("hello")),
        };
        exchange.json(status, &body).await;
    });
    let cached = config(&url, &simple());
    for text in ["fails", "created", "in disguise", "long", "unframed"] {
        assert_eq!(statuses(|| under(&caller, &cached).json(&chat(text))).await, ["MISS", "MISS"], "{text}");
    }
    let plain = json!({"provider": "openai", "api_key": "sk-1", "custom_host": url}).to_string();
    let disabled = ["DISABLED", "DISABLED"];
    assert_eq!(
        statuses(|| under(&caller, &plain).json(&chat("hi"))).await,
        disabled,
        "no cache in the config"
    );
    let batch = || {
        let request = caller.request(Method::POST, "/v1/batches").header("x-portkey-config", &cached);
        request.json(&json!({"input_file_id": "file-1"}))
    };
    assert_eq!(statuses(batch).await, disabled, "batches");
    let file = || {
        let form = reqwest::multipart::Form::new().text("purpose", "batch").text("file", "x");
        caller.request(Method::POST, "/v1/files").header("x-portkey-config", &cached).multipart(form)
    };
    assert_eq!(statuses(file).await, disabled, "files");
    let models = || caller.request(Method::GET, "/v1/models/gpt-4o").header("x-portkey-config", &cached);
    assert_eq!(statuses(models).await, disabled, "what is not asked in JSON");
    let semantic = config(&url, &json!({"mode": "semantic"}));
    assert_eq!(statuses(|| under(&caller, &semantic).json(&chat("hi"))).await, ["MISS", "HIT"], "semantic");
}

#[tokio::test]
async fn a_refresh_asks_upstream_and_its_answer_takes_the_place() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let upstream = Upstream::start().await;
    let config = config(&upstream.url(), &simple());
    numbering(upstream);
    let caller = org.with_key(&org.key);
    let ask = |refresh: &str| {
        let request = under(&caller, &config).json(&chat("hi"));
        if refresh.is_empty() { request } else { request.header("x-portkey-cache-force-refresh", refresh) }
    };
    for (refresh, status, text) in
        [("", "MISS", "answer 1"), ("false", "HIT", "answer 1"), ("true", "REFRESH", "answer 2")]
    {
        let (code, heard, body) = heard(ask(refresh)).await;
        assert_eq!((code, heard.as_str()), (200, status), "{refresh:?}");
        assert!(body.contains(text), "{refresh:?}: {body}");
    }
    until("the second answer is the kept one", || async {
        let (_, status, body) = heard(ask("")).await;
        assert_eq!(status, "HIT");
        body.contains("answer 2").then_some(())
    })
    .await;
    let (code, _, body) = heard(ask("yes")).await;
    assert_eq!(code, 400);
    assert!(body.contains("x-portkey-cache-force-refresh: must be true or false"), "{body}");
}

#[tokio::test]
async fn an_answer_ends_at_the_age_that_the_config_says_and_the_plan_allows() {
    let app = TestApp::start().await;
    let upstream = Upstream::start().await;
    let url = upstream.url();
    numbering(upstream);
    let (day, minute) = (Duration::from_hours(24), Duration::from_mins(1));
    let cases = [
        ("of the config", Plan::Enterprise, json!({"max_age": 3_600}), day / 24),
        ("of the plan", Plan::Developer, json!({"max_age": 7_776_000}), day),
        ("of the plan where the config has none", Plan::Developer, json!({}), day),
        ("of a week", Plan::Enterprise, json!({}), day * 7),
    ];
    for (what, plan, cache, age) in cases {
        let org = app.org(plan).await;
        let (caller, config) = (org.with_key(&org.key), config(&url, &cache));
        let ask = || under(&caller, &config).json(&chat("hi"));
        assert_eq!(heard(ask()).await.1, "MISS", "{what}");
        app.clock.advance(age.saturating_sub(minute));
        assert_eq!(heard(ask()).await.1, "HIT", "{what}");
        app.clock.advance(minute);
        assert_eq!(heard(ask()).await.1, "MISS", "{what}");
    }
}

#[tokio::test]
async fn a_hit_needs_no_room_in_limits_and_spends_nothing() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let upstream = Upstream::start().await;
    let config = config(&upstream.url(), &simple());
    upstream.answer_all(answer("hello"));
    let key = limited(
        &org,
        json!({
            "rate_limits": [{"type": "requests", "unit": "rpd", "value": 1}],
            "usage_limits": {"type": "tokens", "credit_limit": 1_000_000},
        }),
    )
    .await;
    let caller = org.with_key(key["key"].as_str().unwrap());
    let ask = |text: &str| under(&caller, &config).json(&chat(text));
    assert_eq!(heard(ask("hi")).await.1, "MISS");
    for _ in 0..3 {
        assert_eq!(heard(ask("hi")).await.1, "HIT");
    }
    assert_eq!(heard(ask("something else")).await.0, 429, "the one request is used");
    org.rows("", 5).await;
    let path = format!("/v1/api-keys/{}", key["id"].as_str().unwrap());
    let spent = until("the miss is counted", || async {
        let shown: Value = org.get(&path).await.json().await.unwrap();
        let spent = shown["usage_limits"]["current_usage"].as_f64().unwrap_or_default();
        (spent > 0.0).then_some(spent)
    })
    .await;
    assert!((spent - 1200.0).abs() < f64::EPSILON, "{spent}");
}

async fn limited(org: &Org<'_>, limits: Value) -> Value {
    let mut body = json!({"name": "limited", "scopes": ["completions.write"]});
    body.as_object_mut().unwrap().extend(limits.as_object().unwrap().clone());
    let made = org.request(Method::POST, "/v1/api-keys/workspace/service").json(&body).send().await.unwrap();
    assert_eq!(made.status(), 200);
    made.json().await.unwrap()
}

#[tokio::test]
async fn of_a_fallback_each_target_has_answers_of_its_own_and_failures_are_asked_again() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let (bad, good) = (Upstream::start().await, Upstream::start().await);
    let config = json!({
        "strategy": {"mode": "fallback"},
        "cache": {"mode": "simple"},
        "targets": [
            {"provider": "openai", "api_key": "sk-1", "custom_host": bad.url()},
            {"provider": "groq", "api_key": "sk-2", "custom_host": good.url()},
        ],
    });
    let failures = bad.answer_each(async |exchange| exchange.json(503, &json!({})).await);
    let answers = good.answer_all(answer("hello"));
    let (caller, config) = (org.with_key(&org.key), config.to_string());
    for status in ["MISS", "HIT"] {
        let response = under(&caller, &config).json(&chat("hi")).send().await.unwrap();
        assert_eq!((response.status().as_u16(), cache_status(&response).as_str()), (200, status));
        assert_eq!(header(&response, "x-portkey-last-used-option-index"), "config.targets[1]");
        let log = org.log(&log_id(&response)).await;
        assert_eq!(log["metrics"]["cache_status"], status, "{log}");
    }
    assert_eq!((failures.load(Ordering::SeqCst), answers.load(Ordering::SeqCst)), (2, 1));
}
