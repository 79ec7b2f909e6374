//! Calls under saved configs: which config a call runs under, which version its log names, and who may name it.

use plans::Plan;
use reqwest::{Method, RequestBuilder, Response};
use sea_orm::EntityTrait as _;
use serde_json::{Value, json};

use crate::harness::{Caller, Org, TestApp, Upstream, answer, chat, log_id};

/// Saves a config; its slug and version.
async fn save(org: &Org<'_>, config: Value) -> (String, Value) {
    let body = json!({"name": "prod", "config": config});
    let made = org.request(Method::POST, "/v1/configs").json(&body).send().await.unwrap();
    let made: Value = made.json().await.unwrap();
    (made["slug"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned(), made["version_id"].clone())
}

/// Changes a config; its version then.
async fn change(org: &Org<'_>, slug: &str, change: Value) -> Value {
    let changed =
        org.request(Method::PUT, &format!("/v1/configs/{slug}")).json(&change).send().await.unwrap();
    let changed: Value = changed.json().await.unwrap();
    assert_eq!(changed["success"], true, "{changed}");
    changed["version_id"].clone()
}

/// A key of the workspace with these defaults.
async fn key_with(org: &Org<'_>, defaults: Value) -> (String, String) {
    let body = json!({"name": "k", "scopes": ["completions.write"], "defaults": defaults});
    let made = org.request(Method::POST, "/v1/api-keys/workspace/service").json(&body).send().await.unwrap();
    let made: Value = made.json().await.unwrap();
    (
        made["key"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned(),
        made["id"].as_str().unwrap().to_owned(),
    )
}

fn call(caller: &Caller<'_>) -> RequestBuilder {
    caller.request(Method::POST, "/v1/chat/completions").json(&chat("hi"))
}

fn under(org: &Org<'_>, slug: &str) -> RequestBuilder {
    call(&org.with_key(&org.key)).header("x-portkey-config", slug)
}

/// The config and the version that the log of a call names.
async fn logged(org: &Org<'_>, response: Response) -> (Value, Value) {
    let (status, id) = (response.status(), log_id(&response));
    assert_eq!(status, 200, "{}", response.text().await.unwrap());
    org.log(&id).await;
    let row = entity::log::Entity::find_by_id(id.parse::<uuid::Uuid>().unwrap()).one(&org.app.running.db);
    let row = row.await.unwrap().unwrap();
    (json!(row.config_id), json!(row.config_version_id))
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
async fn a_log_names_the_config_and_the_version_that_its_call_ran_under() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let (slug, first) = save(&org, json!({"provider": "echo"})).await;
    let named = logged(&org, under(&org, &slug).send().await.unwrap()).await;
    assert_eq!(named, (json!(slug), first.clone()));
    let second = change(&org, &slug, json!({"config": {"provider": "echo", "retry": {"attempts": 1}}})).await;
    assert_ne!(second, first);
    let named = logged(&org, under(&org, &slug).send().await.unwrap()).await;
    assert_eq!(named, (json!(slug), second), "the next call sees the change");
    // One that is sent with the call has no name.
    let inline = call(&org.with_key(&org.key)).header("x-portkey-config", r#"{"provider":"echo"}"#);
    assert_eq!(logged(&org, inline.send().await.unwrap()).await, (Value::Null, Value::Null));
}

#[tokio::test]
async fn a_saved_configs_key_goes_to_its_provider_and_nowhere_else() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let mut upstream = Upstream::start().await;
    let target = json!({"provider": "openai", "api_key": "sk-of-the-config", "custom_host": upstream.url()});
    let (slug, _) = save(&org, target.clone()).await;
    // Sent back as it was shown, it is the same.
    let shown: Value = org.get(&format!("/v1/configs/{slug}")).await.json().await.unwrap();
    assert_ne!(shown["config"], target);
    let mut changed = shown["config"].clone();
    changed["retry"] = json!({"attempts": 1});
    change(&org, &slug, json!({"config": changed})).await;
    let sending = tokio::spawn(under(&org, &slug).header("authorization", "Bearer sk-of-the-caller").send());
    let exchange = upstream.asked().await;
    assert_eq!(exchange.header("authorization"), Some("Bearer sk-of-the-config"));
    exchange.json(200, &answer("hello")).await;
    let response = sending.await.unwrap().unwrap();
    let log = org.log(&log_id(&response)).await;
    assert!(!log.to_string().contains("sk-of-the-config"), "{log}");
}

#[tokio::test]
async fn a_config_that_is_archived_or_not_there_is_refused_by_its_name() {
    let app = TestApp::start().await;
    let (org, other) = (app.org(Plan::Developer).await, app.org(Plan::Developer).await);
    let (slug, _) = save(&org, json!({"provider": "echo"})).await;
    let (theirs, _) = save(&other, json!({"provider": "echo"})).await;
    for (named, says) in [("pc-nobodys", "pc-nobodys"), (theirs.as_str(), theirs.as_str())] {
        let message = refused(under(&org, named), 400).await;
        assert!(message.contains("x-portkey-config") && message.contains(says), "{message}");
    }
    assert_eq!(under(&org, &slug).send().await.unwrap().status(), 200);
    change(&org, &slug, json!({"status": "archived"})).await;
    let message = refused(under(&org, &slug), 400).await;
    assert!(message.contains(&slug) && message.contains("archived"), "{message}");
    change(&org, &slug, json!({"status": "active"})).await;
    assert_eq!(under(&org, &slug).send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_config_is_saved_with_guardrails_that_there_are_and_no_others() {
    let app = TestApp::start().await;
    let (org, other) = (app.org(Plan::Developer).await, app.org(Plan::Developer).await);
    let guardrail = json!({
        "name": "short",
        "checks": [{"id": "default.wordCount", "parameters": {"minWords": 1, "maxWords": 9}}],
        "actions": {"deny": false, "async": false, "on_success": {}, "on_fail": {}},
    });
    let made = org.request(Method::POST, "/v1/guardrails").json(&guardrail).send().await.unwrap();
    let made: Value = made.json().await.unwrap();
    let (slug, id) = (made["slug"].as_str().unwrap(), made["id"].as_str().unwrap());
    let saving = |org: &Org<'_>, named: &str| {
        let target = json!({"provider": "echo", "output_guardrails": [named]});
        let config = json!({"strategy": {"mode": "fallback"}, "targets": [{"provider": "echo"}, target]});
        org.request(Method::POST, "/v1/configs").json(&json!({"name": "c", "config": config}))
    };
    for named in [slug, id] {
        assert_eq!(saving(&org, named).send().await.unwrap().status(), 200, "{named}");
        let message = not_saved(saving(&other, named)).await;
        assert!(message.contains("targets[1].output_guardrails[0]") && message.contains(named), "{message}");
    }
    let gone = org.request(Method::DELETE, &format!("/v1/guardrails/{slug}")).send().await.unwrap();
    assert_eq!(gone.status(), 200);
    for named in [slug, id] {
        let message = not_saved(saving(&org, named)).await;
        assert!(message.contains("archived"), "{message}");
    }
}

/// The message of the api, which answers 400.
async fn not_saved(request: RequestBuilder) -> String {
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 400);
    response.json::<Value>().await.unwrap()["data"]["message"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_keys_config_is_that_of_its_calls_unless_they_name_another() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let (own, version) = save(&org, json!({"provider": "echo"})).await;
    let (other, _) = save(&org, json!({"provider": "echo"})).await;
    let (key, id) = key_with(&org, json!({"config_id": own})).await;
    let caller = org.with_key(&key);
    let named = logged(&org, call(&caller).send().await.unwrap()).await;
    assert_eq!(named, (json!(own), version));
    let named = call(&caller).header("x-portkey-config", &other).send().await.unwrap();
    assert_eq!(logged(&org, named).await.0, json!(other));

    let fixed = json!({"defaults": {"config_id": own, "allow_config_override": false}});
    let path = format!("/v1/api-keys/{id}");
    assert_eq!(org.request(Method::PUT, &path).json(&fixed).send().await.unwrap().status(), 200);
    for config in [other.as_str(), r#"{"provider":"echo"}"#] {
        let message = refused(call(&caller).header("x-portkey-config", config), 403).await;
        assert!(message.contains("x-portkey-config"), "{message}");
    }
    let same = call(&caller).header("x-portkey-config", &own).send().await.unwrap();
    assert_eq!(logged(&org, same).await.0, json!(own), "it names no other");

    change(&org, &own, json!({"status": "archived"})).await;
    let message = refused(call(&caller), 400).await;
    assert!(message.contains(&own) && message.contains("archived"), "{message}");
    assert_eq!(
        org.request(Method::PUT, &path).json(&json!({"defaults": null})).send().await.unwrap().status(),
        200
    );
    let plain = call(&caller).header("x-portkey-provider", "echo").send().await.unwrap();
    assert_eq!(logged(&org, plain).await.0, Value::Null);
}

#[tokio::test]
async fn a_virtual_keys_models_hold_for_what_a_config_makes_of_a_call() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let mut upstream = Upstream::start().await;
    let key = json!({"name": "v", "provider": "openai", "key": "sk-1", "custom_host": upstream.url(), "models": ["gpt-4o-mini"]});
    let made = org.request(Method::POST, "/v1/virtual-keys").json(&key).send().await.unwrap();
    let made: Value = made.json().await.unwrap();
    let with = |model: &str| json!({"virtual_key": made["slug"], "override_params": {"model": model}});
    let (permitted, _) = save(&org, with("gpt-4o-mini")).await;
    let (other, _) = save(&org, with("gpt-4o")).await;
    let sending = tokio::spawn(under(&org, &permitted).send());
    let exchange = upstream.asked().await;
    assert_eq!(exchange.json_body()["model"], "gpt-4o-mini");
    exchange.json(200, &answer("hello")).await;
    assert_eq!(sending.await.unwrap().unwrap().status(), 200);
    let message = refused(under(&org, &other), 403).await;
    assert!(message.contains(r#"the model "gpt-4o""#), "{message}");
}
