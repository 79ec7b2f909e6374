//! Guardrails around calls: what is denied, warned of and changed, and what is kept of it.

use plans::Plan;
use reqwest::{Method, RequestBuilder, Response};
use sea_orm::EntityTrait as _;
use serde_json::{Value, json};

use crate::harness::{DONE, Org, TestApp, Upstream, answer, chat, delta, log_id, until, usage_chunk};

/// A call to `upstream` under a config that also says this.
fn call(org: &Org<'_>, upstream: &str, config: &Value, body: &Value) -> RequestBuilder {
    let mut whole = json!({"provider": "openai", "custom_host": upstream});
    whole.as_object_mut().unwrap().extend(config.as_object().unwrap().clone());
    org.request(Method::POST, "/v1/chat/completions")
        .header("authorization", "Bearer sk-of-the-caller")
        .header("x-portkey-config", whole.to_string())
        .json(body)
}

/// Fails where the word is there.
fn none_of(word: &str, more: &Value) -> Value {
    let mut guardrail = json!({"default.contains": {"words": [word], "operator": "none"}, "id": "g1"});
    guardrail.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!([guardrail])
}

async fn json_of(response: Response) -> Value {
    response.json().await.unwrap()
}

/// The log's row.
async fn row(org: &Org<'_>, id: &str) -> entity::log::Model {
    org.log(id).await;
    let rows = entity::log::Entity::find().all(&org.app.running.db).await.unwrap();
    rows.into_iter().find(|row| row.id.to_string() == id).unwrap()
}

/// The values of the feedback there is.
async fn feedback(org: &Org<'_>) -> Vec<i16> {
    let rows = entity::feedback::Entity::find().all(&org.app.running.db).await.unwrap();
    let mut values: Vec<i16> = rows.iter().map(|row| row.value).collect();
    values.sort_unstable();
    values
}

#[tokio::test]
async fn a_request_that_fails_is_denied_before_anything_is_asked_or_the_answer_warns_of_it() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let upstream = Upstream::start().await;
    let url = upstream.url();
    let asked = upstream.answer_all(answer("fine"));
    let on_fail = json!({"deny": true, "on_fail": {"feedback": {"value": -4, "weight": 0.5}}});
    let denying = json!({"input_guardrails": none_of("secret", &on_fail)});
    let response = call(&org, &url, &denying, &chat("a secret")).send().await.unwrap();
    assert_eq!(response.status(), 446);
    assert!(!response.headers().contains_key("x-portkey-cache-status"));
    let id = log_id(&response);
    let body = json_of(response).await;
    assert_eq!((&body["error"]["type"], &body["error"]["param"]), (&json!("hooks_failed"), &Value::Null));
    let results = &body["hook_results"]["before_request_hooks"][0];
    assert_eq!(
        (&results["verdict"], &results["deny"], &results["id"]),
        (&json!(false), &json!(true), &json!("g1"))
    );
    assert_eq!(asked.load(std::sync::atomic::Ordering::SeqCst), 0);
    let log = row(&org, &id).await;
    assert_eq!((log.status_code, log.hook_results.as_ref()), (446, Some(&body["hook_results"])));
    assert_eq!(feedback(&org).await, [-4]);

    let warning = json!({"input_guardrails": none_of("secret", &json!({}))});
    let response = call(&org, &url, &warning, &chat("a secret")).send().await.unwrap();
    assert_eq!(response.status(), 246);
    let body = json_of(response).await;
    assert_eq!(body["choices"][0]["message"]["content"], "fine");
    assert_eq!(body["hook_results"]["before_request_hooks"][0]["verdict"], false);
    let response = call(&org, &url, &warning, &chat("nothing")).send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(json_of(response).await["hook_results"]["before_request_hooks"][0]["verdict"], true);
}

#[tokio::test]
async fn an_answer_that_fails_is_denied_and_costs_what_it_cost() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let upstream = Upstream::start().await;
    let url = upstream.url();
    upstream.answer_all(answer("my secret"));
    let denying = json!({"output_guardrails": none_of("secret", &json!({"deny": true}))});
    let response = call(&org, &url, &denying, &chat("hi")).send().await.unwrap();
    assert_eq!(response.status(), 446);
    let id = log_id(&response);
    let body = json_of(response).await;
    assert_eq!(body["hook_results"]["after_request_hooks"][0]["verdict"], false);
    assert!(!body.to_string().contains("my secret"));
    let log = row(&org, &id).await;
    assert_eq!((log.input_tokens, log.output_tokens), (Some(1000), Some(200)));

    let changing = json!({"output_guardrails": [{"regexReplace": {"rule": "secret"}}]});
    let response = call(&org, &url, &changing, &chat("hi")).send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(json_of(response).await["choices"][0]["message"]["content"], "my [REDACTED]");
}

#[tokio::test]
async fn a_stream_is_held_until_it_is_checked() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let upstream = Upstream::start().await;
    let url = upstream.url();
    upstream.answer_each(|mut exchange| async move {
        exchange.event_stream().await;
        for piece in [delta("my sec"), delta("ret"), usage_chunk(), DONE.to_owned()] {
            exchange.send(piece).await;
        }
        exchange.end().await;
    });
    let mut body = chat("hi");
    body["stream"] = json!(true);
    let denying = json!({"output_guardrails": none_of("secret", &json!({"deny": true}))});
    let response = call(&org, &url, &denying, &body).send().await.unwrap();
    assert_eq!(
        (response.status().as_u16(), &response.headers()["content-type"]),
        (446, &"application/json".parse().unwrap())
    );
    assert_eq!(json_of(response).await["error"]["type"], "hooks_failed");

    let passing = json!({"output_guardrails": none_of("other", &json!({"deny": true}))});
    let response = call(&org, &url, &passing, &body).send().await.unwrap();
    assert_eq!(response.status(), 200);
    let expected = [delta("my sec"), delta("ret"), usage_chunk(), DONE.to_owned()].concat();
    assert_eq!(response.text().await.unwrap(), expected, "as it came");

    let told = json!({"input_guardrails": none_of("hi", &json!({})), "strict_open_ai_compliance": false});
    let response = call(&org, &url, &told, &body).send().await.unwrap();
    assert_eq!(response.status(), 246);
    let text = response.text().await.unwrap();
    assert!(
        text.starts_with("data: {\"hook_results\":{\"before_request_hooks\":[") && text.ends_with(&expected),
        "{text}"
    );
}

#[tokio::test]
async fn denied_answers_are_asked_for_again_and_another_target_is_asked() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let upstream = Upstream::start().await;
    let url = upstream.url();
    let count = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counted = std::sync::Arc::clone(&count);
    upstream.answer_each(move |exchange| {
        let n = counted.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        async move { exchange.json(200, &answer(if n == 0 { "secret" } else { "fine" })).await }
    });
    let output = none_of("secret", &json!({"deny": true}));
    let retrying = json!({"output_guardrails": output, "retry": {"attempts": 1, "on_status_codes": [446]}});
    let response = call(&org, &url, &retrying, &chat("hi")).send().await.unwrap();
    assert_eq!(
        (response.status().as_u16(), &response.headers()["x-portkey-retry-attempt-count"]),
        (200, &"1".parse().unwrap())
    );
    assert_eq!(json_of(response).await["hook_results"]["after_request_hooks"].as_array().unwrap().len(), 1);

    count.store(0, std::sync::atomic::Ordering::SeqCst);
    let target = json!({"provider": "openai", "api_key": "k", "custom_host": url});
    let config = json!({"strategy": {"mode": "fallback", "on_status_codes": [446]}, "targets": [target, target],
        "output_guardrails": output});
    let response = org
        .request(Method::POST, "/v1/chat/completions")
        .header("x-portkey-config", config.to_string())
        .json(&chat("hi"))
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["x-portkey-last-used-option-index"], "config.targets[1]");
}

#[tokio::test]
async fn a_webhook_judges_and_changes_and_when_it_is_away_the_call_goes_on() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let mut hook = Upstream::start().await;
    let hook_url = format!("http://{}/check?x=1", hook.addr);
    let upstream = Upstream::start().await;
    let url = upstream.url();
    let (seen, mut bodies) = tokio::sync::mpsc::unbounded_channel();
    upstream.answer_each(move |exchange| {
        seen.send(exchange.json_body()).unwrap();
        async move { exchange.json(200, &answer("fine")).await }
    });
    let webhook =
        json!({"default.webhook": {"webhookURL": hook_url, "headers": {"x-of": "us"}}, "deny": true});
    let config = json!({"input_guardrails": [webhook]});
    let sent = tokio::spawn(call(&org, &url, &config, &chat("mine")).send());
    let asked = hook.asked().await;
    assert_eq!(asked.header("x-of"), Some("us"));
    assert!(asked.head.starts_with("POST /check?x=1 "), "{}", asked.head);
    let told = asked.json_body();
    assert_eq!(
        (&told["request"]["text"], &told["eventType"], &told["requestType"]),
        (&json!("mine"), &json!("beforeRequestHook"), &json!("chatComplete"))
    );
    assert!(!told.to_string().contains("sk-of-the-caller"));
    asked
        .json(200, &json!({"verdict": true, "transformedData": {"request": {"json": chat("theirs")}}}))
        .await;
    assert_eq!(sent.await.unwrap().unwrap().status(), 200);
    assert_eq!(bodies.recv().await.unwrap(), chat("theirs"));

    let slow = json!({"default.webhook": {"webhookURL": hook_url, "timeout": 1}, "deny": true});
    let response =
        call(&org, &url, &json!({"input_guardrails": [slow]}), &chat("mine")).send().await.unwrap();
    assert_eq!(response.status(), 200);
    let body = json_of(response).await;
    let check = &body["hook_results"]["before_request_hooks"][0]["checks"][0];
    assert_eq!(check["error"]["message"], "no answer within 1 ms");
    let metadata = json!({"default.webhook": {"webhookURL": "http://169.254.169.254/", "failOnError": true}, "deny": true});
    let response =
        call(&org, &url, &json!({"input_guardrails": [metadata]}), &chat("mine")).send().await.unwrap();
    assert_eq!(response.status(), 446, "it fails where it says so");
}

#[tokio::test]
async fn what_nobody_waits_for_is_in_the_log_later_and_its_feedback_once() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let upstream = Upstream::start().await;
    let url = upstream.url();
    upstream.answer_all(answer("my secret"));
    let more = json!({"deny": true, "async": true, "on_fail": {"feedback": {"value": -7}}});
    let config =
        json!({"input_guardrails": none_of("hi", &more), "output_guardrails": none_of("secret", &more)});
    let response = call(&org, &url, &config, &chat("hi")).send().await.unwrap();
    assert_eq!(response.status(), 200);
    let id = log_id(&response);
    assert_eq!(json_of(response).await.get("hook_results"), None);
    let results = until("the results are in the log", || async { row(&org, &id).await.hook_results }).await;
    for phase in ["before_request_hooks", "after_request_hooks"] {
        let result = &results[phase][0];
        assert_eq!((&result["verdict"], &result["async"]), (&json!(false), &json!(true)), "{phase}");
    }
    assert_eq!(feedback(&org).await, [-7, -7]);
}

#[tokio::test]
async fn under_do_not_track_the_log_has_verdicts_and_nothing_that_checks_saw() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let upstream = Upstream::start().await;
    let url = upstream.url();
    upstream.answer_all(answer("xyzzy-content"));
    let guardrails = json!([{"jsonSchema": {"schema": {"type": "object"}}}, {"modelWhitelist": {"models": ["plugh-model"]}}]);
    let config = json!({"input_guardrails": guardrails});
    let mut body = chat("{\"a\": \"xyzzy-content\"}");
    body["model"] = json!("plugh-model");
    let request = call(&org, &url, &config, &body).header("x-portkey-debug", "false");
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 200);
    let id = log_id(&response);
    let log = row(&org, &id).await;
    let results = log.hook_results.unwrap();
    assert_eq!(results["before_request_hooks"][1]["verdict"], true);
    assert!(!results.to_string().contains("xyzzy") && !results.to_string().contains("plugh"), "{results}");
}

#[tokio::test]
async fn saved_guardrails_are_run_by_name_and_anothers_are_as_none() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let other = app.org(Plan::Developer).await;
    let upstream = Upstream::start().await;
    let url = upstream.url();
    upstream.answer_all(answer("fine"));
    let new = json!({"name": "no secrets", "actions": {"deny": true}, "checks": [
        {"id": "default.contains", "parameters": {"words": ["secret"], "operator": "none"}}]});
    let saved = org.request(Method::POST, "/v1/guardrails").json(&new).send().await.unwrap();
    assert_eq!(saved.status(), 200);
    let saved = json_of(saved).await;
    let slug = saved["slug"].as_str().unwrap();
    assert!(slug.starts_with("pg-no-secrets-"));
    let config = json!({"input_guardrails": [slug]});
    let response = call(&org, &url, &config, &chat("a secret")).send().await.unwrap();
    assert_eq!(response.status(), 446);
    assert_eq!(json_of(response).await["hook_results"]["before_request_hooks"][0]["id"], slug);

    let change = json!({"actions": {"deny": false}});
    let changed =
        org.request(Method::PUT, &format!("/v1/guardrails/{slug}")).json(&change).send().await.unwrap();
    assert_ne!(json_of(changed).await["version_id"], saved["version_id"]);
    assert_eq!(call(&org, &url, &config, &chat("a secret")).send().await.unwrap().status(), 246);

    let response = call(&other, &url, &config, &chat("x")).send().await.unwrap();
    assert_eq!(response.status(), 400);
    let said = json_of(response).await["message"].as_str().unwrap().to_owned();
    assert!(
        said.starts_with("x-portkey-config.input_guardrails[0]: this workspace has no guardrail"),
        "{said}"
    );
    let path = format!("/v1/guardrails/{slug}");
    let refused = other.get(&path).await;
    assert_eq!(refused.status(), 403);
    assert_eq!(json_of(refused).await["error"]["code"], "AB03");

    assert_eq!(org.request(Method::DELETE, &path).send().await.unwrap().status(), 200);
    let response = call(&org, &url, &config, &chat("x")).send().await.unwrap();
    assert_eq!(response.status(), 400);
    assert!(json_of(response).await["message"].as_str().unwrap().ends_with("is archived"));
    let mistaken = json!({"input_guardrails": [{"default.nope": {}}]});
    let response = call(&org, &url, &mistaken, &chat("x")).send().await.unwrap();
    assert_eq!(response.status(), 400);
    let said = json_of(response).await.to_string();
    assert!(said.contains("input_guardrails[0].default.nope: no check is called"), "{said}");
}

#[tokio::test]
async fn a_held_answer_that_breaks_off_is_an_attempt_that_says_so_and_another_target_is_asked() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let mut upstream = Upstream::start().await;
    let guarded = json!({
        "provider": "openai", "api_key": "sk-1", "custom_host": upstream.url(),
        "output_guardrails": none_of("secret", &json!({})),
    });
    let config = json!({"strategy": {"mode": "fallback"}, "targets": [guarded, {"provider": "echo"}]});
    let request = org.request(Method::POST, "/v1/chat/completions");
    let calling =
        tokio::spawn(request.header("x-portkey-config", config.to_string()).json(&chat("hi")).send());
    let mut exchange = upstream.asked().await;
    exchange.head(200, &[("content-type", "application/json"), ("content-length", "1000")]).await;
    exchange.send("{").await;
    exchange.die();
    let response = calling.await.unwrap().unwrap();
    assert_eq!(response.status(), 200);
    let log = org.log(&log_id(&response)).await;
    let [broken, answered] = [0, 1].map(|n| log["attempts"][n].clone());
    assert_eq!(broken["response_status_code"], 200, "{log}");
    assert!(broken["error"].as_str().unwrap().contains("before it was complete"), "{log}");
    assert_eq!((&answered["response_status_code"], &answered["error"]), (&json!(200), &Value::Null), "{log}");
}
