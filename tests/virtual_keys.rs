//! What a workspace keeps for its calls: virtual keys, and what keys give their calls.

use std::time::Duration;

use plans::Plan;
use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};

use crate::harness::{Exchange, Org, TestApp, Upstream, answer, chat, log_id};

/// Posts `body`, which is taken; the answer.
async fn make(org: &Org<'_>, path: &str, body: Value) -> Value {
    let response = org.request(Method::POST, path).json(&body).send().await.unwrap();
    let (status, made) = (response.status(), response.json().await.unwrap());
    assert_eq!(status, 200, "{made}");
    made
}

/// A virtual key of OpenAI's that leads to `upstream`; its slug.
async fn virtual_key(org: &Org<'_>, upstream: &Upstream, more: Value) -> String {
    let mut body =
        json!({"name": "mine", "provider": "openai", "key": "sk-of-the-key", "custom_host": upstream.url()});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    make(org, "/v1/virtual-keys", body).await["slug"].as_str().unwrap().to_owned()
}

fn call(org: &Org<'_>, slug: &str, path: &str) -> RequestBuilder {
    org.request(Method::POST, path).header("x-portkey-virtual-key", slug)
}

fn with_model(model: &str) -> Value {
    let mut body = chat("hi");
    body["model"] = json!(model);
    body
}

/// Sends a call that upstream answers; what upstream was asked, and the response.
async fn answered(request: RequestBuilder, upstream: &mut Upstream) -> (String, Response) {
    let sending = tokio::spawn(request.send());
    let exchange: Exchange = upstream.asked().await;
    let head = exchange.head.to_ascii_lowercase();
    exchange.json(200, &answer("hello")).await;
    let response = sending.await.unwrap().unwrap();
    assert_eq!(response.status(), 200);
    (head, response)
}

/// The message of a refusal, which has this status.
async fn refused(request: RequestBuilder, status: u16) -> String {
    let response = request.send().await.unwrap();
    let found = response.status();
    let body: Value = response.json().await.unwrap();
    assert_eq!((found.as_u16(), &body["status"]), (status, &json!("failure")), "{body}");
    body["message"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn calls_are_of_the_organization_and_project_that_the_virtual_key_says() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let mut upstream = Upstream::start().await;
    let extras = json!({"openaiOrganization": "org-of-the-key", "openaiProject": "proj-of-the-key"});
    let slug = virtual_key(&org, &upstream, extras).await;
    let request = call(&org, &slug, "/v1/chat/completions")
        .header("openai-organization", "org-of-the-caller")
        .header("x-portkey-openai-project", "proj-of-the-caller")
        .json(&chat("hi"));
    let (head, _) = answered(request, &mut upstream).await;
    for line in ["openai-organization: org-of-the-key\r\n", "openai-project: proj-of-the-key\r\n"] {
        assert!(head.contains(line), "{head}");
    }
    assert!(!head.contains("of-the-caller"), "{head}");
    // Another key says nothing of it: the caller may.
    let slug = virtual_key(&org, &upstream, json!({})).await;
    let request =
        call(&org, &slug, "/v1/chat/completions").header("openai-organization", "org-of-the-caller");
    let (head, _) = answered(request.json(&chat("hi")), &mut upstream).await;
    assert!(head.contains("openai-organization: org-of-the-caller\r\n"), "{head}");
}

#[tokio::test]
async fn a_virtual_key_is_used_for_its_models_alone() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let mut upstream = Upstream::start().await;
    let slug = virtual_key(&org, &upstream, json!({"models": ["gpt-4o-mini", "o3*"]})).await;
    for model in ["gpt-4o-mini", "o3-pro"] {
        let request = call(&org, &slug, "/v1/chat/completions").json(&with_model(model));
        answered(request, &mut upstream).await;
        let named = with_model(&format!("@{slug}/{model}"));
        answered(org.request(Method::POST, "/v1/chat/completions").json(&named), &mut upstream).await;
    }
    let message = refused(call(&org, &slug, "/v1/chat/completions").json(&with_model("gpt-4o")), 403).await;
    assert!(message.contains(&slug) && message.contains(r#"the model "gpt-4o""#), "{message}");
    let named = with_model(&format!("@{slug}/gpt-4o"));
    refused(org.request(Method::POST, "/v1/chat/completions").json(&named), 403).await;
    let mut nameless = chat("hi");
    nameless.as_object_mut().unwrap().remove("model");
    for (path, body) in [("/v1/chat/completions", nameless), ("/v1/batches", json!({"input_file_id": "f"}))] {
        let message = refused(call(&org, &slug, path).json(&body), 403).await;
        assert!(message.contains("whose model is not known"), "{path}: {message}");
    }
    // Nothing is asked of a model by these.
    let files = org.request(Method::GET, "/v1/files").header("x-portkey-virtual-key", slug.as_str());
    answered(files, &mut upstream).await;

    let list: Value = org.get("/v1/models").await.json().await.unwrap();
    let listed = list["data"].as_array().unwrap().iter().map(|model| model["id"].as_str().unwrap());
    let listed: Vec<&str> = listed.collect();
    let permitted = |name: &&&str| name.starts_with(&format!("@{slug}/"));
    let of_key: Vec<&&str> = listed.iter().filter(permitted).collect();
    assert!(
        listed.contains(&"echo") && listed.contains(&format!("@{slug}/gpt-4o-mini").as_str()),
        "{listed:?}"
    );
    assert!(of_key.iter().all(|name| name.ends_with("/gpt-4o-mini") || name.contains("/o3")), "{of_key:?}");
    assert!(of_key.iter().any(|name| name.contains("/o3")), "{of_key:?}");
    assert!(listed.is_sorted_by(|one, other| one == &"echo" || one < other), "{listed:?}");
}

#[tokio::test]
async fn a_virtual_key_ends_by_the_clock_and_is_listed_no_more() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let mut upstream = Upstream::start().await;
    let slug = virtual_key(&org, &upstream, json!({"expires_at": "2026-11-15T12:00:02Z"})).await;
    let request = || call(&org, &slug, "/v1/chat/completions").json(&chat("hi"));
    answered(request(), &mut upstream).await;
    app.clock.advance(Duration::from_secs(2));
    let message = refused(request(), 400).await;
    assert!(message.contains(&format!("the virtual key {slug:?} has expired")), "{message}");
    let list = org.get("/v1/models").await.text().await.unwrap();
    assert!(!list.contains(&slug), "{list}");
}

#[tokio::test]
async fn a_virtual_key_of_a_provider_that_is_not_served_yet_is_kept_and_says_so() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let key =
        json!({"name": "x", "provider": "bedrock", "awsSecretAccessKey": "s", "awsRegion": "eu-west-1"});
    let made = make(&org, "/v1/virtual-keys", key).await;
    let slug = made["slug"].as_str().unwrap();
    let message = refused(call(&org, slug, "/v1/chat/completions").json(&chat("hi")), 400).await;
    assert!(message.contains("bedrock is not served yet"), "{message}");
    let list = org.get("/v1/models").await.text().await.unwrap();
    assert!(!list.contains(slug), "{list}");
}

#[tokio::test]
async fn a_keys_metadata_is_on_its_calls_under_what_they_say_themselves() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let defaults = json!({"metadata": {"env": "dev", "team": "a", "_user": "of-the-key"}});
    let new = json!({"name": "k", "scopes": ["completions.write"], "defaults": defaults});
    let made = make(&org, "/v1/api-keys/workspace/service", new).await;
    let caller = org.with_key(made["key"].as_str().unwrap());
    for (header, user, expected) in [
        (None, None, json!({"_user": "of-the-key", "env": "dev", "team": "a"})),
        (Some(r#"{"env": "prod"}"#), None, json!({"_user": "of-the-key", "env": "prod", "team": "a"})),
        (None, Some("of-the-body"), json!({"_user": "of-the-body", "env": "dev", "team": "a"})),
        (
            Some(r#"{"_user": "of-the-header"}"#),
            Some("of-the-body"),
            json!({"_user": "of-the-header", "env": "dev", "team": "a"}),
        ),
        // What cannot be read is refused, and is found by the key's all the same.
        (Some("nonsense"), None, json!({"_user": "of-the-key", "env": "dev", "team": "a"})),
    ] {
        let mut body = chat("hi");
        if let Some(user) = user {
            body["user"] = json!(user);
        }
        let request =
            caller.request(Method::POST, "/v1/chat/completions").header("x-portkey-provider", "echo");
        let request =
            header.into_iter().fold(request, |request, text| request.header("x-portkey-metadata", text));
        let response = request.json(&body).send().await.unwrap();
        let id = log_id(&response);
        org.log(&id).await;
        let rows = org.list("").await;
        let row = rows.iter().find(|row| row["id"] == id.as_str()).unwrap();
        assert_eq!(row["metadata"], expected, "{header:?} {user:?}");
    }
}
