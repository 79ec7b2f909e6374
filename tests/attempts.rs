//! Calls under a config: retries, time-outs, fallbacks and limits of their targets, and what the log says of each attempt.

use std::time::Duration;

use plans::Plan;
use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};

use crate::harness::{
    DONE, Org, TestApp, Upstream, Wire, answer, chat, delta, log_id, until, usage_chunk, with,
};

/// Longer than any test: a pause that is made is noticed.
const NEVER: Duration = Duration::from_hours(1);

mod limited;

/// A server whose retries come at once.
async fn start() -> TestApp {
    TestApp::with(|settings| settings.gateway.retry_base = Duration::from_millis(1)).await
}

/// A target of a config.
fn target(upstream: &Upstream, key: &str) -> Value {
    json!({"provider": "openai", "custom_host": upstream.url(), "api_key": key})
}

fn fallback(targets: impl Into<Value>) -> Value {
    json!({"strategy": {"mode": "fallback"}, "targets": targets.into()})
}

/// A call under a config that it brings along.
fn under(org: &Org<'_>, config: &Value) -> RequestBuilder {
    let request = org.request(Method::POST, "/v1/chat/completions");
    request.header("x-portkey-config", config.to_string()).json(&chat("hi"))
}

fn header<'r>(response: &'r Response, name: &str) -> &'r str {
    response.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

/// What the response says of its routing: option, retries, provider, exception.
fn told(response: &Response) -> [String; 4] {
    let names = ["last-used-option-index", "retry-attempt-count", "provider", "gateway-exception"];
    names.map(|name| header(response, &format!("x-portkey-{name}")).to_owned())
}

/// Target, retry and status of each attempt of a log.
fn attempts(log: &Value) -> Vec<(String, u64, Option<u64>)> {
    let attempts = log["attempts"].as_array().unwrap().iter();
    let attempt = |attempt: &Value| {
        let status = attempt["response_status_code"].as_u64();
        (attempt["target"].as_str().unwrap().to_owned(), attempt["retry"].as_u64().unwrap(), status)
    };
    attempts.map(attempt).collect()
}

fn is(target: &str, retry: u64, status: u16) -> (String, u64, Option<u64>) {
    (target.to_owned(), retry, Some(status.into()))
}

fn error(text: &str) -> Value {
    json!({"error": {"message": text, "type": "server_error", "param": null, "code": null}})
}

#[tokio::test]
async fn a_target_is_asked_again_until_it_answers_and_each_attempt_is_in_the_log() {
    let app = start().await;
    let org = app.org(Plan::Developer).await;
    let mut upstream = Upstream::start().await;
    let config = with(target(&upstream, "sk-of-the-config"), json!({"retry": {"attempts": 3}}));
    let calling = tokio::spawn(under(&org, &config).header("authorization", "Bearer sk-callers").send());
    for status in [429, 503] {
        let exchange = upstream.asked().await;
        assert_eq!(exchange.json_body(), chat("hi"));
        assert_eq!(exchange.header("authorization"), Some("Bearer sk-of-the-config"));
        exchange.json(status, &error("not now")).await;
    }
    upstream.asked().await.json(200, &answer("hello")).await;
    let response = calling.await.unwrap().unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(told(&response), ["config", "2", "openai", ""]);
    let id = log_id(&response);
    assert_eq!(response.json::<Value>().await.unwrap(), answer("hello"));

    let log = org.log(&id).await;
    assert_eq!(attempts(&log), [is("config", 0, 429), is("config", 1, 503), is("config", 2, 200)]);
    assert_eq!(log["metrics"]["retry_success_count"], 2);
    assert_eq!(log["status"]["retry"], "Retry Success on 2 Tries");
    assert_eq!(log["metrics"]["cost"], 0.027, "what was used is counted once");
    let shown = log.to_string();
    for secret in ["sk-of-the-config", "sk-callers"] {
        assert!(!shown.contains(secret), "{secret} is in {shown}");
    }
    let starts: Vec<_> =
        log["attempts"].as_array().unwrap().iter().map(|attempt| attempt["started_after"].as_u64()).collect();
    assert!(starts.is_sorted(), "{starts:?}");
}

#[tokio::test]
async fn the_last_answer_of_a_target_that_never_does_better_comes_as_it_is() {
    let app = start().await;
    let org = app.org(Plan::Developer).await;
    let cases: [(Value, &[u16], &str); 6] = [
        (json!({"attempts": 2}), &[500, 502, 504], "-1"),
        (json!({"attempts": 2}), &[500, 400], "1"),
        (json!({"attempts": 2}), &[401], "0"),
        (json!({"attempts": 1, "on_status_codes": [418]}), &[500], "0"),
        (json!({"attempts": 1, "on_status_codes": [418]}), &[418, 418], "-1"),
        (json!({"attempts": 0}), &[500], "0"),
    ];
    for (retry, statuses, count) in cases {
        let mut upstream = Upstream::start().await;
        let config = with(target(&upstream, "sk-1"), json!({"retry": retry}));
        let calling = tokio::spawn(under(&org, &config).send());
        for (at, status) in statuses.iter().enumerate() {
            upstream.asked().await.json(*status, &error(&format!("answer {at}"))).await;
        }
        let response = calling.await.unwrap().unwrap();
        let last = statuses.len() - 1;
        assert_eq!(response.status(), statuses[last], "{config}");
        assert_eq!(told(&response), ["config", count, "openai", ""], "{config}");
        let id = log_id(&response);
        assert_eq!(response.json::<Value>().await.unwrap(), error(&format!("answer {last}")));
        let log = org.log(&id).await;
        let expected: Vec<_> =
            (0..).zip(statuses).map(|(retry, status)| is("config", retry, *status)).collect();
        assert_eq!(attempts(&log), expected);
    }
}

#[tokio::test]
async fn a_provider_that_says_when_to_come_back_is_believed_up_to_a_minute() {
    // What is not told is never waited for here.
    let app = TestApp::with(|settings| settings.gateway.retry_base = NEVER).await;
    let org = app.org(Plan::Developer).await;
    for (name, value, comes_back) in
        [("retry-after-ms", "1", true), ("retry-after", "0", true), ("retry-after", "60", false)]
    {
        let mut upstream = Upstream::start().await;
        let retry = json!({"retry": {"attempts": 1, "use_retry_after_header": true}});
        let config = with(target(&upstream, "sk-1"), retry);
        let calling = tokio::spawn(under(&org, &config).send());
        let mut first = upstream.asked().await;
        first
            .head(429, &[("content-type", "application/json"), ("content-length", "2"), (name, value)])
            .await;
        first.send("{}").await;
        first.whole();
        if comes_back {
            upstream.asked().await.json(200, &answer("hello")).await;
        }
        let response = calling.await.unwrap().unwrap();
        let (status, count) = if comes_back { (200, "1") } else { (429, "-1") };
        assert_eq!(
            (response.status().as_u16(), header(&response, "x-portkey-retry-attempt-count")),
            (status, count)
        );
    }
}

#[tokio::test]
async fn a_provider_that_is_not_there_is_tried_again_and_then_another_is_asked() {
    let app = start().await;
    let org = app.org(Plan::Developer).await;
    let gone = json!({"provider": "openai", "custom_host": "http://127.0.0.1:1/v1", "api_key": "sk-1"});
    let retrying = with(gone, json!({"name": "gone", "retry": {"attempts": 2}}));
    let response = under(&org, &retrying).send().await.unwrap();
    assert_eq!(response.status(), 500);
    assert_eq!(told(&response), ["config", "-1", "openai", ""]);
    let log = org.log(&log_id(&response)).await;
    assert_eq!((log["attempts"].as_array().unwrap().len(), &log["outcome"]), (3, &json!("upstream_failed")));
    assert_eq!(log["status"]["retry"], "Retry Failed");

    let config = fallback(json!([retrying, {"provider": "echo"}]));
    let response = under(&org, &config).send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(told(&response), ["config.targets[1]", "0", "echo", ""]);
    let log = org.log(&log_id(&response)).await;
    assert_eq!(
        (&log["status"]["fallback"], &log["metrics"]["mode"]),
        (&json!("Fallback Active"), &json!("fallback"))
    );
    assert_eq!(log["metrics"]["ai_org"], "echo");
    let told: Vec<_> = log["attempts"].as_array().unwrap().iter().map(|attempt| &attempt["name"]).collect();
    assert_eq!(told, [&json!("gone"), &json!("gone"), &json!("gone"), &Value::Null]);
    for failed in &log["attempts"].as_array().unwrap()[..3] {
        assert!(failed["error"].as_str().unwrap().starts_with("openai could not be reached"), "{failed}");
        assert_eq!(failed["request_url"], "http://127.0.0.1:1/v1/chat/completions");
    }
}

#[tokio::test]
async fn a_target_that_does_not_begin_in_time_is_408_and_another_may_be_asked() {
    let app = start().await;
    let org = app.org(Plan::Developer).await;
    let mut silent = Upstream::start().await;
    let slow = with(target(&silent, "sk-1"), json!({"request_timeout": 50}));
    let config = fallback(json!([slow, {"provider": "echo"}]));
    let calling = tokio::spawn(under(&org, &config).send());
    silent.asked().await.given_up().await;
    let response = calling.await.unwrap().unwrap();
    assert_eq!((response.status().as_u16(), told(&response)[0].as_str()), (200, "config.targets[1]"));
    let log = org.log(&log_id(&response)).await;
    assert_eq!(log["attempts"][0]["error"], "openai did not begin to answer within 50 ms");

    // The call's own limit goes before the target's. It is tried again only where 408 is in the list.
    for (retry, asked, count) in
        [(json!({"attempts": 1}), 1, "0"), (json!({"attempts": 1, "on_status_codes": [408]}), 2, "-1")]
    {
        let config = with(target(&silent, "sk-1"), json!({"request_timeout": 3_600_000, "retry": retry}));
        let calling = tokio::spawn(under(&org, &config).header("x-portkey-request-timeout", "50").send());
        for _ in 0..asked {
            silent.asked().await.given_up().await;
        }
        let response = calling.await.unwrap().unwrap();
        assert_eq!(
            (response.status().as_u16(), header(&response, "x-portkey-retry-attempt-count")),
            (408, count)
        );
        let body: Value = response.json().await.unwrap();
        assert_eq!(
            (&body["error"]["type"], &body["error"]["param"]),
            (&json!("timeout_error"), &Value::Null)
        );
    }
}

#[tokio::test]
async fn a_stream_that_flows_is_not_cut_by_the_time_to_its_head_and_is_never_asked_again() {
    let app = start().await;
    let org = app.org(Plan::Developer).await;
    let mut upstream = Upstream::start().await;
    let retry = json!({"retry": {"attempts": 3}, "request_timeout": 300});
    let config = fallback(json!([with(target(&upstream, "sk-1"), retry), {"provider": "echo"}]));
    let mut body = chat("hi");
    body["stream"] = json!(true);
    let calling = tokio::spawn(under(&org, &config).json(&body).send());
    upstream.asked().await.json(503, &error("not now")).await;
    let mut exchange = upstream.asked().await;
    exchange.event_stream().await;
    exchange.send(delta("Hel")).await;
    let mut response = calling.await.unwrap().unwrap();
    assert_eq!(told(&response), ["config.targets[0]", "1", "openai", ""]);
    let id = log_id(&response);
    assert_eq!(response.chunk().await.unwrap().unwrap(), delta("Hel"));
    // The same limit, of a call that began later: once that is over, the stream's is too.
    let mut silent = Upstream::start().await;
    let slow = with(target(&silent, "sk-2"), json!({"request_timeout": 300}));
    let later = tokio::spawn(under(&org, &slow).send());
    silent.asked().await.given_up().await;
    assert_eq!(later.await.unwrap().unwrap().status(), 408);
    exchange.send(delta("lo")).await;
    assert_eq!(response.chunk().await.unwrap().unwrap(), delta("lo"));
    exchange.send(usage_chunk()).await;
    exchange.send(DONE).await;
    exchange.end().await;
    assert!(response.text().await.unwrap().ends_with(DONE));
    let log = org.log(&id).await;
    assert_eq!(attempts(&log), [is("config.targets[0]", 0, 503), is("config.targets[0]", 1, 200)]);

    let calling = tokio::spawn(under(&org, &config).json(&body).send());
    let mut exchange = upstream.asked().await;
    exchange.event_stream().await;
    exchange.send(delta("Hel")).await;
    exchange.die();
    let response = calling.await.unwrap().unwrap();
    let id = log_id(&response);
    assert!(response.text().await.is_err(), "a stream that died is no complete answer");
    let log = org.log(&id).await;
    assert_eq!(attempts(&log), [is("config.targets[0]", 0, 200)]);
    assert_eq!(log["attempts"][0]["error"], "the answer ended before it was complete");
}

#[tokio::test]
async fn what_streams_through_is_sent_once() {
    let app = start().await;
    let org = app.org(Plan::Developer).await;
    let mut upstream = Upstream::start().await;
    let retrying = with(target(&upstream, "sk-1"), json!({"retry": {"attempts": 3}}));
    let config = fallback(json!([retrying, target(&upstream, "sk-2")])).to_string();
    let form = reqwest::multipart::Form::new().text("purpose", "batch").text("file", "x".repeat(100_000));
    let request = org.request(Method::POST, "/v1/files").header("x-portkey-config", &config).multipart(form);
    let calling = tokio::spawn(request.send());
    let exchange = upstream.asked().await;
    assert!(exchange.body.len() > 100_000);
    exchange.json(503, &error("not now")).await;
    let response = calling.await.unwrap().unwrap();
    assert_eq!(response.status(), 503);
    assert_eq!(told(&response), ["config.targets[0]", "0", "openai", ""]);
    assert_eq!(attempts(&org.log(&log_id(&response)).await), [is("config.targets[0]", 0, 503)]);

    // What has no body, and JSON that nobody looks into, can be sent again.
    let plain = |method, path: &str| org.request(method, path).header("x-portkey-config", &config);
    for request in
        [plain(Method::GET, "/v1/files"), plain(Method::POST, "/v1/rerank").json(&json!({"query": "q"}))]
    {
        let calling = tokio::spawn(request.send());
        upstream.asked().await.json(503, &error("not now")).await;
        upstream.asked().await.json(200, &json!({"object": "list"})).await;
        let response = calling.await.unwrap().unwrap();
        assert_eq!((response.status().as_u16(), told(&response)[1].as_str()), (200, "1"));
    }
}

#[tokio::test]
async fn a_client_that_goes_away_in_a_pause_ends_the_call() {
    let app = TestApp::with(|settings| settings.gateway.retry_base = Duration::from_secs(20)).await;
    let org = app.org(Plan::Developer).await;
    let mut upstream = Upstream::start().await;
    let config = with(target(&upstream, "sk-1"), json!({"retry": {"attempts": 5}})).to_string();
    let headers = [
        ("x-portkey-api-key", org.key.as_str()),
        ("x-portkey-config", &config),
        ("x-portkey-trace-id", "left"),
    ];
    let mut wire = Wire::connect(app.running.addr).await;
    wire.post("/v1/chat/completions", &headers, &chat("hi").to_string()).await;
    upstream.asked().await.json(503, &error("not now")).await;
    wire.reset();
    let row = org.rows("trace_id=left", 1).await.remove(0);
    let log = org.log(row["id"].as_str().unwrap()).await;
    assert_eq!((&log["outcome"], &log["response"]["status"]), (&json!("client_gone"), &json!(499)));
    // It may have gone before the answer came.
    let [attempt] = log["attempts"].as_array().unwrap().as_slice() else { panic!("{log}") };
    assert!(attempt["status"] == 503 || attempt["error"] == "the client went away", "{attempt}");
}

#[tokio::test]
async fn a_targets_parameters_go_over_the_calls_and_leave_the_rest_as_it_is() {
    let app = start().await;
    let org = app.org(Plan::Developer).await;
    let mut upstream = Upstream::start().await;
    let own = json!({"override_params": {"model": "gpt-4o", "temperature": 0.5}, "openai_project": "proj-1"});
    let config = with(target(&upstream, "sk-1"), own);
    let body = "{\"x\": 1.0,  \"model\":\"portkey-default\", \"messages\":[ ], \"temperature\":1}";
    let request = under(&org, &config).body(body);
    let calling = tokio::spawn(request.send());
    let exchange = upstream.asked().await;
    assert_eq!(
        String::from_utf8_lossy(&exchange.body),
        "{\"x\":1.0,\"model\":\"gpt-4o\",\"messages\":[ ],\"temperature\":0.5}"
    );
    assert_eq!(exchange.header("openai-project"), Some("proj-1"));
    exchange.json(200, &answer("hello")).await;
    let log = org.log(&log_id(&calling.await.unwrap().unwrap())).await;
    assert_eq!(log["metrics"]["requested_model"], "gpt-4o");
    assert_eq!(log["attempts"][0]["model"], "gpt-4o");
    assert_eq!(log["request"]["body"]["model"], "portkey-default", "the log keeps what the client sent");
}

#[tokio::test]
async fn a_config_that_names_no_target_leaves_it_to_the_call() {
    let app = start().await;
    let org = app.org(Plan::Developer).await;
    let mut asked = Upstream::start().await;
    let calling = {
        let request = org.ask(&asked, "/v1/chat/completions").json(&chat("hi"));
        tokio::spawn(request.header("x-portkey-config", json!({"retry": {"attempts": 1}}).to_string()).send())
    };
    asked.asked().await.json(500, &error("not now")).await;
    let exchange = asked.asked().await;
    assert_eq!(exchange.header("authorization"), Some("Bearer sk-of-the-caller"));
    exchange.json(200, &answer("hello")).await;
    let response = calling.await.unwrap().unwrap();
    assert_eq!(told(&response), ["config", "1", "openai", ""]);

    // One that names a target goes before the call's.
    let config = json!({"provider": "echo"});
    let response = under(&org, &config).header("x-portkey-provider", "groq").send().await.unwrap();
    assert_eq!((response.status().as_u16(), told(&response)[2].as_str()), (200, "echo"));
}

#[tokio::test]
async fn what_is_wrong_with_a_config_or_its_targets_is_said_by_its_path_and_ends_the_call() {
    let app = start().await;
    let org = app.org(Plan::Developer).await;
    let echo = json!({"provider": "echo"});
    let key = json!({"name": "v", "provider": "openai", "key": "sk-1"});
    let made = org.request(Method::POST, "/v1/virtual-keys").json(&key).send().await.unwrap();
    let slug = made.json::<Value>().await.unwrap()["data"]["slug"].as_str().unwrap().to_owned();
    let elsewhere = json!({"virtual_key": slug, "custom_host": "http://127.0.0.1:1/v1"});
    let condition = json!([{"query": {"metadata.plan": "paid"}, "then": "a"}]);
    let conditional = json!({"strategy": {"mode": "conditional", "conditions": condition},
        "targets": [{"name": "a", "provider": "echo"}]});
    let weightless =
        json!({"strategy": {"mode": "loadbalance"}, "targets": [{"provider": "echo", "weight": 0}]});
    // A config, what is said of it, and whether a target had its turn.
    let cases = [
        (
            fallback(json!([echo, {"provider": "echo", "retry": {"attempts": 6}}])).to_string(),
            "x-portkey-config.targets[1].retry.attempts: must be a whole number from 0 to 5",
            false,
        ),
        ("{".to_owned(), "x-portkey-config: must be a JSON object", false),
        ("[]".to_owned(), "x-portkey-config: must be a", false),
        ("pc-nobodys".to_owned(), "x-portkey-config: this workspace has no config \"pc-nobodys\"", false),
        (
            fallback(json!([{"virtual_key": "none"}, echo])).to_string(),
            "x-portkey-config.targets[0].virtual_key: this workspace has no virtual key \"none\"",
            true,
        ),
        (
            fallback(json!([{"provider": "@none"}, echo])).to_string(),
            "x-portkey-config.targets[0].virtual_key: this workspace has no virtual key \"none\"",
            true,
        ),
        (
            json!({"provider": "nobody"}).to_string(),
            "x-portkey-config.provider: no provider is called \"nobody\"",
            true,
        ),
        (
            fallback(json!([elsewhere, echo])).to_string(),
            "x-portkey-config.targets[0].custom_host: not together with a virtual key",
            true,
        ),
        (
            json!({"provider": "ollama"}).to_string(),
            "x-portkey-config.custom_host: ollama has no address",
            true,
        ),
        (conditional.to_string(), "x-portkey-config.strategy: no condition holds", false),
        (weightless.to_string(), "x-portkey-config.targets: the weights of all targets are 0", false),
        (
            fallback(json!([{"provider": "anthropic", "api_key": "sk-1"}, echo])).to_string(),
            "embed is not supported by anthropic",
            true,
        ),
    ];
    for (config, expected, had_its_turn) in cases {
        let path = if expected.starts_with("embed") { "/v1/embeddings" } else { "/v1/chat/completions" };
        let request = org.request(Method::POST, path).header("x-portkey-config", &config);
        let response =
            request.json(&json!({"model": "m", "messages": [], "input": "x"})).send().await.unwrap();
        assert_eq!(response.status(), 400, "{config}");
        assert_eq!(header(&response, "x-portkey-gateway-exception") == "true", had_its_turn, "{config}");
        let body: Value = response.json().await.unwrap();
        assert_eq!(body["status"], "failure", "{config}");
        let message = body["message"].as_str().unwrap();
        assert!(message.starts_with(expected), "{config}: {message}");
    }
    let response = under(&org, &fallback(json!([echo, {"weight": -1}]))).send().await.unwrap();
    let body: Value = response.json().await.unwrap();
    let errors = body["errors"].as_array().unwrap();
    assert!(
        errors[0].as_str().unwrap().starts_with("path: x-portkey-config.targets[1].weight, message: "),
        "{body}"
    );
}

#[tokio::test]
async fn a_fallback_goes_on_by_its_list_and_gives_the_last_answer_if_all_fail() {
    let app = start().await;
    let org = app.org(Plan::Developer).await;
    // Statuses to go on after, those of three targets, and which one's answer is the call's.
    let cases: [(Option<Value>, [u16; 3], usize); 5] = [
        (None, [500, 401, 200], 2),
        (None, [500, 404, 429], 2),
        (Some(json!([429])), [429, 200, 0], 1),
        (Some(json!([429])), [400, 0, 0], 0),
        (Some(json!([429, 500])), [429, 500, 500], 2),
    ];
    for (on, statuses, last) in cases {
        let mut upstream = Upstream::start().await;
        let keys = ["sk-0", "sk-1", "sk-2"];
        let mut config = fallback(keys.map(|key| target(&upstream, key)).as_slice());
        if let Some(on) = on {
            config["strategy"]["on_status_codes"] = on;
        }
        let calling = tokio::spawn(under(&org, &config).send());
        for (at, status) in statuses.iter().enumerate().take(last + 1) {
            let exchange = upstream.asked().await;
            assert_eq!(exchange.header("authorization"), Some(&*format!("Bearer {}", keys[at])));
            exchange.json(*status, &answer(&at.to_string())).await;
        }
        let response = calling.await.unwrap().unwrap();
        assert_eq!(response.status(), statuses[last], "{config}");
        assert_eq!(told(&response)[0], format!("config.targets[{last}]"));
        let id = log_id(&response);
        assert_eq!(response.json::<Value>().await.unwrap(), answer(&last.to_string()));
        let expected: Vec<_> =
            (0..=last).map(|at| is(&format!("config.targets[{at}]"), 0, statuses[at])).collect();
        assert_eq!(attempts(&org.log(&id).await), expected);
    }
}

#[tokio::test]
async fn a_saved_config_is_named_in_the_log_and_found_by_it() {
    let app = start().await;
    let org = app.org(Plan::Developer).await;
    let new = json!({"name": "prod", "config": {"provider": "echo"}});
    let made = org.request(Method::POST, "/v1/configs").json(&new).send().await.unwrap();
    let made: Value = made.json().await.unwrap();
    let slug = made["data"]["slug"].as_str().or(made["slug"].as_str()).unwrap_or_else(|| panic!("{made}"));
    let request = org.request(Method::POST, "/v1/chat/completions").json(&chat("hi"));
    let response = request.header("x-portkey-config", slug).send().await.unwrap();
    assert_eq!(response.status(), 200);
    let log = org.log(&log_id(&response)).await;
    assert_eq!(log["metrics"]["config_id"], slug);
    assert!(log["metrics"]["config_version_id"].is_string(), "{log}");
    assert_eq!(log["request"]["portkeyHeaders"]["x-portkey-config"], slug);
    assert_eq!(org.echo("/v1/chat/completions").json(&chat("hi")).send().await.unwrap().status(), 200);
    org.rows("", 2).await;
    let row = org.rows(&format!("configs={slug}"), 1).await.remove(0);
    assert_eq!((&row["id"], &row["config_id"]), (&log["_id"], &json!(slug)));
    until("nothing is found by another's name", || async {
        org.list("configs=pc-other").await.is_empty().then_some(())
    })
    .await;
}
