//! A call goes through and becomes a log.

use plans::Plan;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{TestApp, Upstream, Wire, answer, chat, log_id};

#[tokio::test]
async fn a_call_reaches_the_provider_as_it_was_sent_and_comes_back_as_it_was_answered() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let mut upstream = Upstream::start().await;
    let body =
        "{ \"model\":\"gpt-4o-mini\",   \"messages\":[{\"role\":\"user\",\"content\":\"hi\"}],\"x\":1.0 }";
    let request = org
        .ask(&upstream, "/v1/chat/completions")
        .header("content-type", "application/json")
        .header("x-portkey-trace-id", "trace-1")
        .header("x-portkey-metadata", "{\"_user\":\"u1\",\"env\":\"test\"}")
        .header("x-not-for-upstream", "1")
        .body(body);
    let sending = tokio::spawn(request.send());
    let exchange = upstream.asked().await;
    assert_eq!(exchange.head.lines().next(), Some("POST /v1/chat/completions HTTP/1.1"));
    assert_eq!(String::from_utf8_lossy(&exchange.body), body);
    assert_eq!(exchange.header("authorization"), Some("Bearer sk-of-the-caller"));
    assert_eq!(exchange.header("accept-encoding"), Some("identity"));
    assert_eq!(exchange.header("x-portkey-api-key"), None);
    assert_eq!(exchange.header("x-not-for-upstream"), None);
    exchange.json(200, &answer("hello")).await;

    let response = sending.await.unwrap().unwrap();
    assert_eq!(response.status(), 200);
    let headers = response.headers().clone();
    for (name, value) in [
        ("x-portkey-trace-id", "trace-1"),
        ("x-portkey-provider", "openai"),
        ("x-portkey-retry-attempt-count", "0"),
        ("x-portkey-cache-status", "DISABLED"),
        ("x-portkey-last-used-option-index", "config"),
    ] {
        assert_eq!(headers[name], value, "{name}");
    }
    let id = log_id(&response);
    assert_eq!(response.json::<Value>().await.unwrap(), answer("hello"));

    let log = org.log(&id).await;
    assert_eq!(log["request"]["body"], serde_json::from_str::<Value>(body).unwrap());
    assert_eq!(log["response"]["body"], answer("hello"));
    assert_eq!(log["response"]["status"], 200);

    let row = &org.rows("trace_id=trace-1", 1).await[0];
    assert_eq!(row["id"], id.as_str());
    assert_eq!(row["provider"], "openai");
    assert_eq!(row["model"], "gpt-4o-mini-2024-07-18");
    assert_eq!(row["response_status_code"], 200);
    assert_eq!(row["metadata"], json!({"_user": "u1", "env": "test"}));
    assert_eq!(
        row["status"],
        json!({
            "cache": "Cache Disabled", "retry": "Retry Not Triggered",
            "fallback": "Fallback Disabled", "loadbalance": "Loadbalancer Disabled"
        })
    );
    // 1,000 tokens at 0.15 USD and 200 at 0.60 USD a million: 0.027 cents.
    assert_eq!(row["cost"], 0.027);
}

#[tokio::test]
async fn the_providers_key_and_ours_are_masked_in_the_log() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let upstream = Upstream::start().await;
    let request = org
        .ask(&upstream, "/v1/chat/completions")
        .header("x-my-token", "hunter2")
        .header("x-portkey-sensitive-headers", "x-my-token")
        .json(&chat("hi"));
    upstream.answer_all(answer("hello"));
    let response = request.send().await.unwrap();
    let log = org.log(&log_id(&response)).await.to_string();
    for secret in ["sk-of-the-caller", &org.key, "hunter2"] {
        assert!(!log.contains(secret), "{secret} is in {log}");
    }
    assert!(log.contains("x-my-token"));
}

#[tokio::test]
async fn an_error_of_the_provider_passes_through_with_its_status_and_is_logged() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let mut upstream = Upstream::start().await;
    let sending = tokio::spawn(org.ask(&upstream, "/v1/chat/completions").json(&chat("hi")).send());
    let error = json!({"error": {"message": "slow down", "type": "rate_limit", "param": null, "code": "x"}});
    upstream.asked().await.json(429, &error).await;
    let response = sending.await.unwrap().unwrap();
    assert_eq!(response.status(), 429);
    let id = log_id(&response);
    assert_eq!(response.json::<Value>().await.unwrap(), error);
    let log = org.log(&id).await;
    assert_eq!(log["response"]["status"], 429);
    assert_eq!(log["response"]["body"], error);
}

#[tokio::test]
async fn a_provider_that_is_not_there_is_an_error_of_its_name_and_a_log() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let response = org
        .request(Method::POST, "/v1/chat/completions")
        .header("x-portkey-provider", "openai")
        .header("x-portkey-custom-host", "http://127.0.0.1:1/v1")
        .json(&chat("hi"))
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 500);
    let id = log_id(&response);
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["provider"], "openai");
    assert!(body["error"]["message"].as_str().unwrap().contains("could not be reached"), "{body}");
    assert_eq!(org.log(&id).await["outcome"], "upstream_failed");
}

#[tokio::test]
async fn a_provider_that_takes_too_long_is_a_timeout() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let mut upstream = Upstream::start().await;
    let request = org
        .ask(&upstream, "/v1/chat/completions")
        .header("x-portkey-request-timeout", "50")
        .json(&chat("hi"));
    let sending = tokio::spawn(request.send());
    let exchange = upstream.asked().await;
    let response = sending.await.unwrap().unwrap();
    assert_eq!(response.status(), 408);
    let id = log_id(&response);
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["error"]["type"], "timeout_error");
    exchange.given_up().await;
    let log = org.log(&id).await;
    assert_eq!((&log["outcome"], &log["response"]["status"]), (&json!("timed_out"), &json!(408)));
}

#[tokio::test]
async fn tokens_that_the_provider_does_not_tell_are_counted_and_marked() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let upstream = Upstream::start().await;
    let request = org.ask(&upstream, "/v1/chat/completions").json(&chat("one two three"));
    let mut silent = answer("four five");
    silent.as_object_mut().unwrap().remove("usage");
    upstream.answer_all(silent);
    request.send().await.unwrap();
    let row = &org.rows("", 1).await[0];
    assert_eq!(row["tokens_estimated"], true);
    assert!(row["prompt_tokens"].as_u64().unwrap() >= 3);
    assert!(row["completion_tokens"].as_u64().unwrap() >= 2);
}

#[tokio::test]
async fn a_model_without_a_price_has_no_cost() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let upstream = Upstream::start().await;
    let request = org.ask(&upstream, "/v1/chat/completions").json(&chat("hi"));
    let mut strange = answer("hello");
    strange["model"] = json!("nobody-knows-1");
    upstream.answer_all(strange);
    request.send().await.unwrap();
    let row = &org.rows("", 1).await[0];
    assert_eq!(row["model"], "nobody-knows-1");
    assert_eq!(row["total_tokens"], 1200);
    assert_eq!(row["cost"], Value::Null);
}

#[tokio::test]
async fn any_other_path_and_method_passes_through() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let mut upstream = Upstream::start().await;
    for (method, path) in [
        (Method::GET, "/v1/vector_stores?limit=2&after=x%20y"),
        (Method::DELETE, "/v1/files/file-1"),
        (Method::PATCH, "/v1/things/1"),
        (Method::POST, "/v1/moderations"),
    ] {
        let request = org
            .request(method.clone(), path)
            .header("x-portkey-provider", "openai")
            .header("x-portkey-custom-host", upstream.url())
            .header("x-mine", "1");
        let sending = tokio::spawn(request.send());
        let exchange = upstream.asked().await;
        assert_eq!(exchange.head.lines().next().unwrap(), format!("{method} {path} HTTP/1.1"));
        assert_eq!(exchange.head.matches("x-portkey").count(), 0, "{}", exchange.head);
        exchange.json(200, &json!({"ok": true})).await;
        let response = sending.await.unwrap().unwrap();
        assert_eq!(response.status(), 200);
    }
    assert_eq!(org.rows("", 4).await.len(), 4);
}

#[tokio::test]
async fn a_multipart_upload_passes_byte_for_byte() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let mut upstream = Upstream::start().await;
    let bytes: Vec<u8> = (0..200_000_u32).map(|n| n.to_le_bytes()[0]).collect();
    let form = reqwest::multipart::Form::new()
        .text("purpose", "batch")
        .part("file", reqwest::multipart::Part::bytes(bytes.clone()).file_name("a.bin"));
    let sending = tokio::spawn(org.ask(&upstream, "/v1/files").multipart(form).send());
    let exchange = upstream.asked().await;
    assert!(exchange.header("content-type").unwrap().starts_with("multipart/form-data; boundary="));
    assert!(exchange.body.windows(bytes.len()).any(|window| window == bytes));
    exchange.json(200, &json!({"id": "file-1"})).await;
    let response = sending.await.unwrap().unwrap();
    assert_eq!(response.status(), 200);
    let row = &org.rows("", 1).await[0];
    assert_eq!(row["request_type"], "uploadFile");
}

#[tokio::test]
async fn a_compressed_answer_arrives_readable() {
    use std::io::Write as _;
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let mut upstream = Upstream::start().await;
    let sending = tokio::spawn(org.ask(&upstream, "/v1/chat/completions").json(&chat("hi")).send());
    let mut exchange = upstream.asked().await;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(answer("packed").to_string().as_bytes()).unwrap();
    let packed = encoder.finish().unwrap();
    let length = packed.len().to_string();
    let headers = [
        ("content-type", "application/json"),
        ("content-encoding", "gzip"),
        ("content-length", length.as_str()),
    ];
    exchange.head(200, &headers).await;
    exchange.send(&packed).await;
    let response = sending.await.unwrap().unwrap();
    assert!(response.headers().get("content-encoding").is_none());
    let id = log_id(&response);
    assert_eq!(response.json::<Value>().await.unwrap(), answer("packed"));
    assert_eq!(org.log(&id).await["response"]["body"], answer("packed"));
}

#[tokio::test]
async fn the_realtime_endpoint_says_that_it_is_not_served_yet() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let response = org.get("/v1/realtime").await;
    assert_eq!(response.status(), 501);
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["status"], "failure");
}

#[tokio::test]
async fn the_quota_is_on_every_answer_once_it_is_known() {
    let app = TestApp::with(|settings| {
        settings
            .plans
            .insert(Plan::Developer, plans::Overrides { included_logs: Some(50), ..Default::default() });
    })
    .await;
    let org = app.org(Plan::Developer).await;
    org.echo("/v1/chat/completions").json(&chat("one")).send().await.unwrap();
    org.usage_of(1).await;
    let response = org.echo("/v1/chat/completions").json(&chat("two")).send().await.unwrap();
    assert_eq!(response.headers()["x-turnpike-log-quota"], "1/50");
}

#[tokio::test]
async fn a_virtual_keys_secret_goes_to_its_own_host_only() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let upstream = Upstream::start().await;
    let made = org
        .request(Method::POST, "/v1/virtual-keys")
        .json(&json!({"name": "prod", "provider": "openai", "key": "sk-in-the-vault"}))
        .send()
        .await
        .unwrap();
    let slug = made.json::<Value>().await.unwrap()["data"]["slug"].as_str().unwrap().to_owned();
    let asked = {
        let url = upstream.url();
        let asked = upstream.answer_all(answer("stolen"));
        let named = [("x-portkey-virtual-key", slug.clone()), ("x-portkey-provider", format!("@{slug}"))];
        for (header, value) in named {
            let response = org
                .request(Method::POST, "/v1/chat/completions")
                .header(header, value)
                .header("x-portkey-custom-host", &url)
                .json(&chat("hi"))
                .send()
                .await
                .unwrap();
            assert_eq!(response.status(), 400);
            assert!(response.text().await.unwrap().contains("x-portkey-custom-host"));
        }
        let mut body = chat("hi");
        body["model"] = json!(format!("@{slug}/gpt-4o-mini"));
        let request = org.request(Method::POST, "/v1/chat/completions").header("x-portkey-custom-host", &url);
        assert_eq!(request.json(&body).send().await.unwrap().status(), 400);
        asked
    };
    assert_eq!(asked.load(std::sync::atomic::Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_virtual_key_calls_its_provider_with_its_secret_and_the_model_it_is_named_with() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let mut upstream = Upstream::start().await;
    let made = org
        .request(Method::POST, "/v1/virtual-keys")
        .json(&json!({"name": "prod", "provider": "openai", "key": "sk-in-the-vault", "custom_host": upstream.url()}))
        .send()
        .await
        .unwrap();
    let slug = made.json::<Value>().await.unwrap()["data"]["slug"].as_str().unwrap().to_owned();
    let mut body = chat("hi");
    body["model"] = json!(format!("@{slug}/gpt-4o-mini"));
    // What the Portkey SDK sends when it was given no provider key is no key.
    let request = org
        .request(Method::POST, "/v1/chat/completions")
        .header("authorization", "Bearer OPENAI_API_KEY")
        .json(&body);
    let sending = tokio::spawn(request.send());
    let exchange = upstream.asked().await;
    assert_eq!(exchange.header("authorization"), Some("Bearer sk-in-the-vault"));
    assert_eq!(exchange.json_body()["model"], "gpt-4o-mini");
    exchange.json(200, &answer("hello")).await;
    let response = sending.await.unwrap().unwrap();
    let log = org.log(&log_id(&response)).await;
    assert!(!log.to_string().contains("sk-in-the-vault"));
    assert_eq!(org.rows("", 1).await[0]["virtual_key"], slug.as_str());
}

#[tokio::test]
async fn what_a_method_must_not_do_is_not_passed_on() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    for method in ["TRACE", "BREW"] {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        assert_eq!(org.request(method, "/v1/things").send().await.unwrap().status(), 404);
    }
    let mut wire = Wire::connect(app.running.addr).await;
    let headers =
        [("x-portkey-api-key", org.key.as_str()), ("upgrade", "websocket"), ("connection", "upgrade")];
    wire.post("/v1/chat/completions", &headers, "{}").await;
    wire.until("only /v1/realtime is a WebSocket").await;
    wire.until_closed().await;
}

#[tokio::test]
async fn answers_without_a_body_stay_without_one() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let mut upstream = Upstream::start().await;
    let url = upstream.url();
    let mut wire = Wire::connect(app.running.addr).await;
    // One connection for all, so that a stray byte after one answer spoils the next.
    let no_content = [("content-type", "text/event-stream")];
    let unchanged = [("content-encoding", "gzip"), ("etag", "\"x\"")];
    for (status, headers) in [(204, no_content.as_slice()), (304, unchanged.as_slice())] {
        wire.seen.clear();
        wire.post("/v1/things", &org.headers(&url), "{}").await;
        upstream.asked().await.bodiless(status, headers).await;
        wire.until("\r\n\r\n").await;
        assert!(wire.text().starts_with(&format!("HTTP/1.1 {status}")), "{}", wire.text());
        assert!(wire.text().ends_with("\r\n\r\n") && !wire.has("0\r\n\r\n"), "{}", wire.text());
    }
    wire.seen.clear();
    wire.post("/v1/things", &org.headers(&url), "{}").await;
    upstream.asked().await.json(200, &json!({"last": true})).await;
    wire.until("{\"last\":true}").await;
    assert!(wire.text().starts_with("HTTP/1.1 200"), "{}", wire.text());

    let head = org.request(Method::HEAD, "/v1/files/f/content").header("x-portkey-provider", "openai");
    let sending = tokio::spawn(head.header("x-portkey-custom-host", &url).send());
    upstream.asked().await.bodiless(200, &[("content-length", "1234")]).await;
    let response = sending.await.unwrap().unwrap();
    assert_eq!(response.headers()["content-length"], "1234");
    org.rows("", 4).await;
}

#[tokio::test]
async fn a_call_refused_for_one_header_is_found_by_the_others() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let request = org
        .echo("/v1/chat/completions")
        .header("x-portkey-trace-id", "trace-1")
        .header("x-portkey-metadata", "{\"env\":\"test\"}")
        .header("x-portkey-debug", "perhaps");
    let response = request.json(&chat("hi")).send().await.unwrap();
    assert_eq!(response.status(), 400);
    assert_eq!(response.headers()["x-portkey-trace-id"], "trace-1");
    let id = log_id(&response);
    let row = &org.rows("trace_id=trace-1", 1).await[0];
    assert_eq!((&row["id"], &row["outcome"]), (&json!(id), &json!("refused")));
    assert_eq!(row["metadata"], json!({"env": "test"}));
}
