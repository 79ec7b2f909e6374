//! Budgets and rate limits: exact for calls at once, on every way in, whatever becomes of Redis and of processes.

mod processes;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use plans::Plan;
use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};

use crate::harness::{Caller, DONE, Org, TestApp, Upstream, chat, delta, log_id, until, usage_chunk};
use crate::routes::{GATEWAY, JSON, method};

/// From [`TestApp`]'s start into the next month.
const TO_DECEMBER: Duration = Duration::from_hours(16 * 24);

/// Tokens that a provider here says it has used.
const USED: u64 = 1_200;

async fn made(request: RequestBuilder) -> Value {
    let response = request.send().await.unwrap();
    let (status, body): (_, Value) = (response.status(), response.json().await.unwrap());
    assert_eq!(status, 200, "{body}");
    body
}

/// A key with these limits, and its id.
async fn key<'a>(org: &Org<'a>, more: Value) -> (Caller<'a>, String) {
    let (secret, id) = secret(org, more).await;
    (org.with_key(&secret), id)
}

async fn secret(org: &Org<'_>, more: Value) -> (String, String) {
    let mut body =
        json!({"name": "limited", "scopes": ["completions.write", "logs.list", "virtual_keys.list"]});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let made = made(org.request(Method::POST, "/v1/api-keys/workspace/service").json(&body)).await;
    (made["key"].as_str().unwrap().to_owned(), made["id"].as_str().unwrap().to_owned())
}

async fn virtual_key(org: &Org<'_>, upstream: &Upstream, more: Value) -> String {
    let mut body = json!({"name": "v", "provider": "openai", "key": "sk-1", "custom_host": upstream.url()});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let made = made(org.request(Method::POST, "/v1/virtual-keys").json(&body)).await;
    made["data"]["slug"].as_str().unwrap().to_owned()
}

async fn shown(org: &Org<'_>, path: &str) -> Value {
    made(org.request(Method::GET, path)).await
}

fn rate(of: &str, unit: &str, value: u64) -> Value {
    json!({"rate_limits": [{"type": of, "unit": unit, "value": value}]})
}

fn budget(of: &str, credit_limit: u64) -> Value {
    json!({"usage_limits": {"type": of, "credit_limit": credit_limit}})
}

fn echo(caller: &Caller<'_>) -> RequestBuilder {
    let request = caller.request(Method::POST, "/v1/chat/completions").header("x-portkey-provider", "echo");
    request.json(&chat("hi"))
}

/// A call to OpenAI of at most 10 tokens of output.
fn ask(caller: &Caller<'_>, url: &str) -> RequestBuilder {
    let request = caller.request(Method::POST, "/v1/chat/completions");
    let request = request.header("x-portkey-provider", "openai").header("x-portkey-custom-host", url);
    request.json(&small())
}

fn small() -> Value {
    json!({"model": "gpt-4o-mini", "max_tokens": 10, "messages": []})
}

/// The most tokens that [`small`] may use.
fn most() -> u64 {
    small().to_string().len() as u64 + 10
}

/// A provider's answer to [`small`] that says it has used so many tokens.
fn used(tokens: u64) -> Value {
    json!({
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1_764_000_000, "model": "gpt-4o-mini", "choices": [],
        "usage": {"prompt_tokens": tokens, "completion_tokens": 0, "total_tokens": tokens}
    })
}

async fn status(request: RequestBuilder) -> u16 {
    request.send().await.unwrap().status().as_u16()
}

/// Asserts that a call is refused in the gateway's own shape; the message.
async fn refused(response: Response, status: u16, what: &str) -> String {
    assert_eq!(response.status(), status, "{what}");
    let retry_after = response.headers().get("retry-after").map(|value| value.to_str().unwrap().to_owned());
    assert_eq!(retry_after.is_some(), status == 429, "{what}");
    if let Some(seconds) = retry_after {
        assert!((1..=86_400).contains(&seconds.parse::<u64>().unwrap()), "{what}: {seconds}");
    }
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["status"], "failure", "{what}: {body}");
    body["message"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn ten_requests_a_minute_are_ten_and_the_next_minute_has_ten_more() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let (caller, id) = key(&org, rate("requests", "rpm", 10)).await;
    for minute in 0..2 {
        let calls = join_all((0..14).map(|_| status(echo(&caller)))).await;
        assert_eq!(calls.iter().filter(|status| **status == 200).count(), 10, "{minute}: {calls:?}");
        assert_eq!(calls.iter().filter(|status| **status == 429).count(), 4, "{minute}: {calls:?}");
        let response = echo(&caller).send().await.unwrap();
        let log = log_id(&response);
        let message = refused(response, 429, "the eleventh").await;
        assert_eq!(message, "the rate limit of this API key is reached: 10 requests a minute");
        let log = org.log(&log).await;
        assert_eq!(log["response"]["status"], 429, "{log}");
        app.clock.advance(Duration::from_mins(1));
    }
    assert_eq!(status(echo(&org.with_key(&org.key))).await, 200, "other keys have no limit");
    let shown = shown(&org, &format!("/v1/api-keys/{id}")).await;
    assert_eq!(shown["rate_limits"], rate("requests", "rpm", 10)["rate_limits"]);
    assert_eq!((&shown["status"], &shown["usage_limits"]), (&json!("active"), &Value::Null));
}

#[tokio::test]
async fn tokens_a_minute_are_an_estimate_until_the_log_tells_what_was_used() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let mut upstream = Upstream::start().await;
    let url = upstream.url();
    let (caller, _) = key(&org, rate("tokens", "rph", 500)).await;
    // Of more than the limit the estimate takes all of it: it alone.
    let mut large = small();
    large["max_tokens"] = json!(100_000);
    let first = tokio::spawn(ask(&caller, &url).json(&large).send());
    let asked = upstream.asked().await;
    refused(ask(&caller, &url).send().await.unwrap(), 429, "while the first has it").await;
    asked.json(200, &used(100)).await;
    assert_eq!(first.await.unwrap().unwrap().status(), 200);
    // 100 are used, and the next call uses 400.
    upstream.answer_all(used(400));
    until("what was used is settled", || async { (status(ask(&caller, &url)).await == 200).then_some(()) })
        .await;
    until("all is used", || async { (status(ask(&caller, &url)).await == 429).then_some(()) }).await;
    app.clock.advance(Duration::from_hours(1));
    assert_eq!(status(ask(&caller, &url)).await, 200);
}

/// A call on a route to a provider that must not be asked.
fn on_route(caller: &Caller<'_>, verb: &str, path: &str, url: &str) -> RequestBuilder {
    let request = caller.request(method(verb), path);
    let request = request.header("x-portkey-provider", "openai").header("x-portkey-custom-host", url);
    match (verb, path) {
        ("POST", path) if JSON.contains(&path) => request.json(&small()),
        ("POST", path) if path.ends_with("edits") || path.starts_with("/v1/audio") || path == "/v1/files" => {
            request
                .multipart(reqwest::multipart::Form::new().text("model", "m").text("file", "x".repeat(100)))
        }
        ("POST" | "PUT" | "PATCH", _) => request.body("some text"),
        _ => request,
    }
}

#[tokio::test]
async fn on_no_route_does_a_call_pass_whose_budget_or_rate_is_used_up_and_each_is_in_the_log() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Enterprise).await;
    let spender = Upstream::start().await;
    let spends = spender.url();
    spender.answer_all(used(USED));
    let untouched = Upstream::start().await;
    let nowhere = untouched.url();
    let asked = untouched.answer_all(json!({}));

    let (spent, id) = key(&org, budget("tokens", 100)).await;
    // Until its log is there, a call holds most of the budget; what it used is known here a moment after it is in the row.
    let (passed, turned_away) = (AtomicU64::new(0), AtomicU64::new(0));
    until("the budget is exhausted", || async {
        let response = ask(&spent, &spends).send().await.unwrap();
        if response.status() == 200 {
            passed.fetch_add(1, Ordering::SeqCst);
            return None;
        }
        turned_away.fetch_add(1, Ordering::SeqCst);
        refused(response, 412, "past the budget").await.contains("is exhausted").then_some(())
    })
    .await;
    assert_eq!(shown(&org, &format!("/v1/api-keys/{id}")).await["status"], "exhausted");
    let (passed, turned_away) = (passed.into_inner(), turned_away.into_inner());
    let (too_many, _) = key(&org, rate("requests", "rpd", 0)).await;
    let mut refusals = 0;
    for (caller, expected) in [(&spent, 412), (&too_many, 429)] {
        for (verb, path) in GATEWAY {
            let what = format!("{verb} {path}");
            let response = on_route(caller, verb, path, &nowhere).send().await.unwrap();
            refused(response, expected, &what).await;
            refusals += 1;
        }
        let mut stream = small();
        stream["stream"] = json!(true);
        let post = |path: &str| caller.request(Method::POST, path).header("x-portkey-provider", "echo");
        for (what, request) in [
            ("the list of models", caller.request(Method::GET, "/v1/models")),
            ("echo", post("/v1/chat/completions").json(&chat("hi"))),
            ("echo, passed through", post("/v1/things").body("x")),
            ("a stream", ask(caller, &nowhere).json(&stream)),
            ("Do Not Track", ask(caller, &nowhere).header("x-portkey-debug", "false")),
            ("the older proxy path", on_route(caller, "POST", "/v1/proxy/chat/completions", &nowhere)),
        ] {
            refused(request.send().await.unwrap(), expected, what).await;
            refusals += 1;
        }
    }
    assert_eq!(asked.load(Ordering::SeqCst), 0, "no provider was asked");
    org.usage_of(refusals + passed + turned_away).await;
    let logged = "SELECT count(*) FROM log WHERE outcome = 'refused' AND status_code";
    for (status, expected) in [(412, refusals / 2 + turned_away), (429, refusals / 2)] {
        let logs = app.count(&format!("{logged} = {status}")).await;
        assert_eq!(u64::try_from(logs).unwrap(), expected, "{status}");
    }
    app.reconcile();
}

#[tokio::test]
async fn a_budget_tells_at_its_threshold_and_at_its_end_and_begins_anew_with_its_period_or_by_hand() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Enterprise).await;
    let upstream = Upstream::start().await;
    let url = upstream.url();
    // 4,000,000 tokens of input are 0.60 USD.
    upstream.answer_all(used(4_000_000));
    let limits = json!({"usage_limits": {"credit_limit": 1, "periodic_reset": "monthly"}});
    let (caller, id) = key(&org, limits).await;
    let path = format!("/v1/api-keys/{id}");
    let change = |body: Value| made(org.request(Method::PUT, &path).json(&body));
    let spent = async |usd: f64| {
        until(&format!("{usd} USD are spent"), || async {
            let key = shown(&org, &path).await;
            (key["usage_limits"]["current_usage"] == usd).then_some(key)
        })
        .await
    };
    let alerts = async || app.count("SELECT count(*) FROM alert WHERE kind = 'budget'").await;

    assert_eq!(status(ask(&caller, &url)).await, 200);
    let key = spent(0.6).await;
    assert_eq!((&key["status"], alerts().await), (&json!("active"), 0));
    assert_eq!(key["usage_limits"]["next_usage_reset_at"], "2026-12-01T00:00:00.000Z");
    change(json!({"usage_limits": {"credit_limit": 2, "alert_threshold": 1, "periodic_reset": "monthly"}}))
        .await;
    assert_eq!(spent(0.6).await["status"], "active", "a larger limit forgets nothing");
    assert_eq!(status(ask(&caller, &url)).await, 200);
    spent(1.2).await;
    assert_eq!(alerts().await, 1);
    assert_eq!(status(ask(&caller, &url)).await, 200);
    spent(1.8).await;
    assert_eq!(status(ask(&caller, &url)).await, 200);
    assert_eq!(spent(2.4).await["status"], "exhausted");
    assert_eq!(app.count("SELECT count(*) FROM alert WHERE threshold IN (50, 100)").await, 2);
    let used_up = || {
        until("the gateway knows it", || async { (status(ask(&caller, &url)).await == 412).then_some(()) })
    };
    used_up().await;
    let message = refused(ask(&caller, &url).send().await.unwrap(), 412, "past the budget").await;
    assert_eq!(message, "the budget of this API key is exhausted: 2.000000 USD are used");

    change(json!({"reset_usage": true})).await;
    assert_eq!(spent(0.0).await["status"], "active");
    for usd in [0.6, 1.2, 1.8, 2.4] {
        assert_eq!(status(ask(&caller, &url)).await, 200);
        spent(usd).await;
    }
    used_up().await;
    assert_eq!(alerts().await, 4, "it is another period");
    app.clock.advance(TO_DECEMBER);
    assert_eq!(spent(0.0).await["usage_limits"]["next_usage_reset_at"], "2027-01-01T00:00:00.000Z");
    assert_eq!(status(ask(&caller, &url)).await, 200);
    spent(0.6).await;
    change(json!({"usage_limits": null})).await;
    assert_eq!(shown(&org, &path).await["usage_limits"], Value::Null);
    assert_eq!(app.count("SELECT count(*) FROM audit_entry WHERE action = 'limits.change'").await, 4);
}

#[tokio::test]
async fn a_call_that_may_cost_more_than_is_left_is_refused_and_told_what_would_fit() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Enterprise).await;
    let upstream = Upstream::start().await;
    let url = upstream.url();
    upstream.answer_all(used(20));
    let (caller, _) = key(&org, budget("tokens", 2_000)).await;
    let mut open = small();
    open.as_object_mut().unwrap().remove("max_tokens");
    // gpt-4o-mini may answer with 16,384 tokens.
    let message = refused(ask(&caller, &url).json(&open).send().await.unwrap(), 412, "unbounded").await;
    assert!(message.contains("has 2000 tokens left") && message.contains("max_tokens"), "{message}");
    assert_eq!(status(ask(&caller, &url)).await, 200);
    // A model whose price nobody knows costs nothing, and is counted in tokens alone.
    let (caller, _) = key(&org, budget("cost", 1)).await;
    let mut unknown = small();
    unknown["model"] = json!("nobodys-model");
    assert_eq!(status(ask(&caller, &url).json(&unknown)).await, 200);
}

#[tokio::test]
async fn limits_of_a_workspace_and_of_a_virtual_key_hold_for_all_who_use_them() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Enterprise).await;
    let upstream = Upstream::start().await;
    let slug =
        virtual_key(&org, &upstream, json!({"rate_limits": {"type": "requests", "unit": "rpm", "value": 2}}))
            .await;
    let url = upstream.url();
    upstream.answer_all(used(USED));
    let by_header = |org: &Org<'_>| {
        let request =
            org.request(Method::POST, "/v1/chat/completions").header("x-portkey-virtual-key", &slug);
        request.json(&small())
    };
    let mut by_model = small();
    by_model["model"] = json!(format!("@{slug}/gpt-4o-mini"));
    assert_eq!(status(by_header(&org)).await, 200);
    let named = org.request(Method::POST, "/v1/chat/completions").json(&by_model);
    assert_eq!(status(named.try_clone().unwrap()).await, 200);
    let message = refused(named.send().await.unwrap(), 429, "the third").await;
    assert!(message.contains("of this virtual key"), "{message}");
    assert_eq!(status(ask(&org.with_key(&org.key), &url)).await, 200, "without it there is no limit");
    let path = format!("/v1/virtual-keys/{slug}");
    let change = json!({"rate_limits": [], "usage_limits": {"type": "tokens", "credit_limit": 100}});
    made(org.request(Method::PUT, &path).json(&change)).await;
    assert_eq!(status(by_header(&org)).await, 200);
    until("the virtual key is exhausted", || async {
        (shown(&org, &path).await["status"] == "exhausted").then_some(())
    })
    .await;
    // What is used past what was reserved for it is known at the gateway a moment after it is in the row.
    until("the gateway knows it", || async { (status(by_header(&org)).await == 412).then_some(()) }).await;
    let listed = shown(&org, "/v1/virtual-keys").await;
    let usage = listed["data"][0]["usage_limits"]["current_usage"].as_u64().unwrap();
    assert!(usage >= 1_200 && usage % 1_200 == 0, "{usage}");
    made(org.request(Method::PUT, &path).json(&json!({"reset_usage": true}))).await;
    assert_eq!(status(by_header(&org)).await, 200);

    let path = format!("/v1/admin/workspaces/{}", org.workspace);
    let both = json!({"usage_limits": [
        {"type": "tokens", "credit_limit": 1_000, "periodic_reset": "weekly"},
        {"type": "cost", "credit_limit": 5, "periodic_reset_days": 10},
    ]});
    let workspace = made(org.admin().request(Method::PUT, &path).json(&both)).await;
    assert_eq!(workspace["usage_limits"].as_array().unwrap().len(), 2);
    assert_eq!(workspace["usage_limits"][0]["next_usage_reset_at"], "2026-11-16T00:00:00.000Z");
    assert_eq!(status(ask(&org.with_key(&org.key), &url)).await, 200);
    until("the workspace is exhausted", || async {
        let response = org.admin().request(Method::GET, &path).send().await.unwrap();
        (response.json::<Value>().await.unwrap()["status"] == "exhausted").then_some(())
    })
    .await;
    let by_any = || echo(&org.with_key(&org.key));
    until("the gateway knows that too", || async { (status(by_any()).await == 412).then_some(()) }).await;
    let message = refused(by_any().send().await.unwrap(), 412, "by any key").await;
    assert!(message.contains("of this workspace"), "{message}");
    app.clock.advance(Duration::from_hours(12));
    assert_eq!(status(echo(&org.with_key(&org.key))).await, 200, "it is Monday");
}

#[tokio::test]
async fn streams_dropped_logs_and_untracked_calls_are_spent_and_inserted_logs_are_not() {
    let app = TestApp::with(|settings| {
        let none = plans::Overrides { included_logs: Some(1), ..plans::Overrides::default() };
        settings.plans.insert(Plan::Developer, none);
    })
    .await;
    let org = app.org(Plan::Developer).await;
    let mut upstream = Upstream::start().await;
    let url = upstream.url();
    let (caller, id) = key(&org, json!({
        "usage_limits": {"type": "tokens", "credit_limit": 1_000_000}, "scopes": ["completions.write", "logs.write"]
    }))
    .await;
    let spent = async |tokens: u64| {
        until(&format!("{tokens} tokens are spent"), || async {
            let key = shown(&org, &format!("/v1/api-keys/{id}")).await;
            (key["usage_limits"]["current_usage"] == tokens).then_some(())
        })
        .await;
    };
    let mut stream = small();
    stream["stream"] = json!(true);
    let calling = tokio::spawn(ask(&caller, &url).json(&stream).send());
    let mut asked = upstream.asked().await;
    asked.event_stream().await;
    for event in [delta("a").as_str(), &usage_chunk(), DONE] {
        asked.send(event).await;
    }
    asked.end().await;
    calling.await.unwrap().unwrap().bytes().await.unwrap();
    spent(USED).await;
    upstream.answer_all(used(USED));
    assert_eq!(status(ask(&caller, &url).header("x-portkey-debug", "false")).await, 200);
    spent(2 * USED).await;
    let log = json!({
        "request": {"url": "/v1/chat/completions", "provider": "openai", "body": small()},
        "response": {"body": used(USED)}
    });
    assert_eq!(status(caller.request(Method::POST, "/v1/logs").json(&log)).await, 200);
    assert_eq!(status(ask(&caller, &url)).await, 200);
    spent(3 * USED).await;
    assert_eq!(org.usage_of(4).await["dropped"], 3);
}

#[tokio::test]
async fn what_is_wrong_with_limits_is_said_by_the_fields_name() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let rates = |value: Value| json!({"rate_limits": value});
    let usage = |value: Value| json!({"usage_limits": value});
    let one = json!({"type": "requests", "unit": "rpm", "value": 1});
    for (more, field) in [
        (rates(json!(1)), "rate_limits: found a number"),
        (rates(json!([{"type": "calls", "unit": "rpm", "value": 1}])), "rate_limits[0].type: found `calls`"),
        (rates(json!([{"type": "tokens", "unit": "rps", "value": 1}])), "rate_limits[0].unit: found `rps`"),
        (rates(json!([{"type": "tokens", "unit": "rpm", "value": -1}])), "rate_limits[0].value: found -1"),
        (rates(json!([{"type": "tokens", "unit": "rpm"}])), "rate_limits[0].value: missing"),
        (rates(json!([one, one])), "rate_limits: one is there twice"),
        (rates(json!(vec![one.clone(); 7])), "rate_limits: found 7 items"),
        (usage(json!([])), "usage_limits: found an array"),
        (usage(json!({})), "usage_limits.credit_limit: missing"),
        (usage(json!({"credit_limit": 0})), "usage_limits.credit_limit: found 0"),
        (usage(json!({"credit_limit": 1.5})), "usage_limits.credit_limit: found 1.5"),
        (usage(json!({"credit_limit": 9_000_001})), "usage_limits.credit_limit: found 9000001"),
        (usage(json!({"type": "tokens", "credit_limit": 99})), "usage_limits.credit_limit: found 99"),
        (usage(json!({"credit_limit": 5, "alert_threshold": 5})), "usage_limits.alert_threshold: found 5"),
        (usage(json!({"credit_limit": 5, "periodic_reset": "daily"})), "usage_limits.periodic_reset: found"),
        (
            usage(json!({"credit_limit": 5, "periodic_reset_days": 366})),
            "usage_limits.periodic_reset_days: found",
        ),
        (
            usage(json!({"credit_limit": 5, "periodic_reset": "weekly", "periodic_reset_days": 3})),
            "usage_limits.periodic_reset_days: not together",
        ),
        (usage(json!({"credit_limit": 5, "extra": 1})), "usage_limits.extra: no such field"),
    ] {
        let mut body = json!({"name": "x", "scopes": ["logs.list"]});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let response =
            org.request(Method::POST, "/v1/api-keys/workspace/service").json(&body).send().await.unwrap();
        assert_eq!(response.status(), 400, "{more}");
        let said: Value = response.json().await.unwrap();
        assert!(said["data"]["message"].as_str().unwrap().starts_with(field), "{said}");
    }
    let twice = json!({"usage_limits": [{"credit_limit": 5}, {"credit_limit": 6}]});
    let path = format!("/v1/admin/workspaces/{}", org.workspace);
    assert_eq!(status(org.admin().request(Method::PUT, &path).json(&twice)).await, 400);
    assert_eq!(app.count("SELECT count(*) FROM subject_limits").await, 0);
}
