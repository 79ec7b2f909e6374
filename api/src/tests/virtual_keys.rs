use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};

use super::fixture::{Fixture, refused};

const SECRET: &str = "sk-proj-0123456789abcdef";

fn body() -> Value {
    json!({"name": "OpenAI prod", "provider": "openai", "key": SECRET, "note": "n", "custom_host": "http://127.0.0.1:9/v1"})
}

#[actix_web::test]
async fn a_virtual_key_is_kept_shown_masked_changed_and_archived() {
    let f = Fixture::new().await;
    let (status, made) = f.post("/v1/virtual-keys", body()).await;
    assert_eq!((status, &made["success"]), (200, &json!(true)));
    let slug = made["data"]["slug"].as_str().unwrap();
    assert!(slug.starts_with("openai-prod-"));
    let path = format!("/v1/virtual-keys/{slug}");
    let scope = f.api.keys.identify(f.made.api_key.expose_secret()).await.unwrap().scope();
    let resolved = f.api.virtual_keys.resolve(&scope, slug).await.unwrap();
    assert_eq!(resolved.secret.expose_secret(), SECRET);
    assert_eq!(resolved.custom_host.as_deref(), Some("http://127.0.0.1:9/v1"));

    let (_, shown) = f.get(&path).await;
    for (field, value) in [
        ("slug", json!(slug)),
        ("name", json!("OpenAI prod")),
        ("provider", json!("openai")),
        ("note", json!("n")),
        ("status", json!("active")),
        ("workspace_id", json!(f.made.workspace_id)),
        ("object", json!("virtual-key")),
        ("custom_host", json!("http://127.0.0.1:9/v1")),
    ] {
        assert_eq!((&shown[field], &shown["data"][field]), (&value, &value), "{field}");
    }
    let (_, list) = f.get("/v1/virtual-keys").await;
    assert_eq!(
        (&list["success"], &list["object"], &list["total"]),
        (&json!(true), &json!("list"), &json!(1))
    );
    assert_eq!(list["data"][0], shown["data"]);
    assert!(!format!("{shown}{list}").contains("0123456789"));

    let change = json!({"key": "sk-other-0123456789", "note": null, "custom_host": null});
    let (status, changed) = f.call("PUT", &path, &f.made.api_key, Some(change)).await;
    assert_eq!((status, changed), (200, json!({"success": true, "data": {}})));
    let resolved = f.api.virtual_keys.resolve(&scope, slug).await.unwrap();
    assert_eq!((resolved.secret.expose_secret(), &resolved.custom_host), ("sk-other-0123456789", &None));

    assert_eq!(f.call("DELETE", &path, &f.made.api_key, None).await.0, 200);
    refused(&f.get(&path).await, 404, "AB08", "no virtual key");
    assert!(f.api.virtual_keys.resolve(&scope, slug).await.unwrap().archived);
    assert_eq!(f.get("/v1/virtual-keys").await.1["total"], 0);
}

#[actix_web::test]
async fn what_is_wrong_with_a_virtual_key_is_named() {
    let f = Fixture::new().await;
    let slug = f.post("/v1/virtual-keys", body()).await.1["data"]["slug"].as_str().unwrap().to_owned();
    let with = |name: &str, value: Value| {
        let mut body = body();
        body[name] = value;
        body
    };
    for (body, message) in [
        (with("name", Value::Null), "name: missing"),
        (with("provider", Value::Null), "provider: missing"),
        (with("provider", json!("nobody")), "provider: found `nobody`; expected one of "),
        (with("key", Value::Null), "key: missing"),
        (with("key", json!(" sk-1")), "key: a character"),
        (with("key", json!("sk-é")), "key: a character"),
        (with("custom_host", json!("ftp://a.com")), "custom_host: must be an absolute http or https URL"),
        (with("custom_host", json!("https://u:p@a.com")), "custom_host: must not contain @"),
        (with("custom_host", json!("http://10.0.0.1")), "custom_host: points to a private"),
        (with("usage_limits", json!({"credit_limit": "1"})), "usage_limits.credit_limit: found a string"),
        (with("secret_mappings", json!([{"x": 1}])), "secret_mappings: not supported yet"),
        (
            with("awsRegion", json!("eu-west-1")),
            "awsRegion: openai has none; expected it with bedrock or sagemaker only",
        ),
        (with("deploymentConfig", json!([])), "deploymentConfig: openai has none"),
        (with("openaiProject", json!("p\u{e9}")), "openaiProject: a character"),
        (with("models", json!("gpt-4o")), "models: found a string"),
        (with("models", json!([])), "models: found 0 of them"),
        (with("models", json!(["gpt-4o", 5])), "models[1]: found a number"),
        (with("models", json!(["gpt-*-mini"])), "models[0]: found `gpt-*-mini`"),
        (with("models", json!(["gpt-**"])), "models[0]: found `gpt-**`"),
        (with("expires_at", json!("2020-01-01T00:00:00Z")), "expires_at: `2020-01-01T00:00:00Z` is past"),
        (with("colour", json!("red")), "colour: no such field"),
    ] {
        refused(&f.post("/v1/virtual-keys", body).await, 400, "AB01", message);
    }
    for (change, message) in [
        (json!({"provider": "groq"}), "provider: cannot be changed"),
        (json!({"name": 5}), "name: found a number"),
        (json!({"colour": "red"}), "colour: no such field"),
    ] {
        let answer = f.call("PUT", &format!("/v1/virtual-keys/{slug}"), &f.made.api_key, Some(change)).await;
        refused(&answer, 400, "AB01", message);
    }
    assert_eq!(
        f.post("/v1/virtual-keys", json!({"name": "e", "provider": "echo"})).await.0,
        200,
        "echo needs no key"
    );
}

#[actix_web::test]
async fn an_organisations_key_has_to_name_the_workspace() {
    let f = Fixture::new().await;
    let admin: &SecretString = &f.made.admin_api_key;
    refused(
        &f.call("POST", "/v1/virtual-keys", admin, Some(body())).await,
        400,
        "AB01",
        "workspace_id: missing",
    );
    refused(&f.call("GET", "/v1/virtual-keys", admin, None).await, 400, "AB01", "workspace_id: missing");
    let other = f.workspace("ws-other").await;
    let mut named = body();
    named["workspace_id"] = json!("ws-other");
    let (status, made) = f.call("POST", "/v1/virtual-keys", admin, Some(named)).await;
    assert_eq!(status, 200, "{made}");
    let slug = made["data"]["slug"].as_str().unwrap();
    for named in ["ws-other".to_owned(), other.id.to_string()] {
        let path = format!("/v1/virtual-keys/{slug}?workspace_id={named}");
        assert_eq!(f.call("GET", &path, admin, None).await.1["workspace_id"], "ws-other");
    }
    refused(&f.get(&format!("/v1/virtual-keys/{slug}")).await, 404, "AB08", "no virtual key");
    refused(&f.get("/v1/virtual-keys?workspace_id=ws-other").await, 404, "AB08", "no workspace");
}

#[actix_web::test]
async fn what_a_provider_needs_besides_a_secret_is_kept_and_shown_by_the_contracts_names() {
    let f = Fixture::new().await;
    let deployments =
        json!([{"apiVersion": "2024-06-01", "deploymentName": "d", "alias": "gpt-4o", "is_default": true}]);
    for (provider, sent) in [
        (
            "azure-openai",
            json!({"key": SECRET, "apiVersion": "2024-06-01", "resourceName": "r", "deploymentName": "d",
                "deploymentConfig": deployments}),
        ),
        (
            "bedrock",
            json!({"awsAccessKeyId": "AKIA0", "awsRegion": "eu-west-1", "awsSecretAccessKey": SECRET}),
        ),
        ("vertex-ai", json!({"key": SECRET, "vertexProjectId": "p", "vertexRegion": "europe-west1"})),
        ("workers-ai", json!({"key": SECRET, "workersAiAccountId": "a"})),
        ("openai", json!({"key": SECRET, "openaiOrganization": "org-1", "openaiProject": "proj-1"})),
    ] {
        let mut body = sent.clone();
        (body["name"], body["provider"]) = (json!("x"), json!(provider));
        let (status, made) = f.post("/v1/virtual-keys", body).await;
        assert_eq!(status, 200, "{provider}: {made}");
        let path = format!("/v1/virtual-keys/{}", made["data"]["slug"].as_str().unwrap());
        let (_, shown) = f.get(&path).await;
        assert!(!shown.to_string().contains(SECRET), "{shown}");
        let mut expected = sent;
        expected.as_object_mut().unwrap().remove("key");
        if provider == "bedrock" {
            expected["awsSecretAccessKey"] = json!("sk-…ef");
        }
        assert_eq!((&shown["provider"], &shown["model_config"]), (&json!(provider), &expected));
    }
}

#[actix_web::test]
async fn a_change_of_one_of_them_leaves_the_others_and_a_mask_is_no_change() {
    let f = Fixture::new().await;
    let body =
        json!({"name": "x", "provider": "bedrock", "awsAccessKeyId": "AKIA0", "awsSecretAccessKey": SECRET});
    let slug = f.post("/v1/virtual-keys", body).await.1["data"]["slug"].as_str().unwrap().to_owned();
    let path = format!("/v1/virtual-keys/{slug}");
    let scope = f.api.keys.identify(f.made.api_key.expose_secret()).await.unwrap().scope();
    let put = async |change: Value| f.call("PUT", &path, &f.made.api_key, Some(change)).await;
    let kept = async || {
        let key = f.api.virtual_keys.resolve(&scope, &slug).await.unwrap();
        key.extras
            .iter()
            .map(|(name, value)| (name.clone(), value.expose_secret().to_owned()))
            .collect::<Vec<_>>()
    };
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    for (change, expected) in [
        (
            json!({"awsSecretAccessKey": "sk-…ef", "awsRegion": "us-east-1", "awsAccessKeyId": null}),
            vec![pair("aws-region", "us-east-1"), pair("aws-secret-access-key", SECRET)],
        ),
        (
            json!({"awsSecretAccessKey": "other", "note": "n"}),
            vec![pair("aws-region", "us-east-1"), pair("aws-secret-access-key", "other")],
        ),
        (json!({"awsSecretAccessKey": null, "awsRegion": null}), Vec::new()),
    ] {
        assert_eq!(put(change.clone()).await.0, 200, "{change}");
        assert_eq!(kept().await, expected, "{change}");
    }
    refused(
        &put(json!({"awsSecretAccessKey": "ot…er"})).await,
        400,
        "AB01",
        "awsSecretAccessKey: a character",
    );
    refused(&put(json!({"apiVersion": "1"})).await, 400, "AB01", "apiVersion: bedrock has none");
    assert_eq!(f.get(&path).await.1["model_config"], json!({}));
}

#[actix_web::test]
async fn models_and_an_end_are_kept_shown_changed_and_written_down() {
    let f = Fixture::new().await;
    let mut new = body();
    (new["models"], new["expires_at"]) = (json!(["gpt-4o", "o3*"]), json!("2026-11-24T00:00:00Z"));
    let slug = f.post("/v1/virtual-keys", new).await.1["data"]["slug"].as_str().unwrap().to_owned();
    let path = format!("/v1/virtual-keys/{slug}");
    let (_, shown) = f.get(&path).await;
    assert_eq!(
        (&shown["models"], &shown["expires_at"], &shown["status"]),
        (&json!(["gpt-4o", "o3*"]), &json!("2026-11-24T00:00:00.000Z"), &json!("active"))
    );
    f.clock.advance(std::time::Duration::from_hours(48));
    assert_eq!(f.get(&path).await.1["status"], "expired");
    let change = json!({"models": null, "expires_at": null, "provider": "open-ai"});
    assert_eq!(f.call("PUT", &path, &f.made.api_key, Some(change)).await.0, 200);
    let (_, shown) = f.get(&path).await;
    assert_eq!((&shown["models"], &shown["expires_at"]), (&Value::Null, &Value::Null));
    f.later();
    assert_eq!(f.call("DELETE", &path, &f.made.api_key, None).await.0, 200);
    let entries = f.audited(&format!("virtual_key:{slug}")).await;
    let actions: Vec<&str> = entries.iter().map(|(action, _)| action.as_str()).collect();
    assert_eq!(actions, ["virtual_key.create", "virtual_key.update", "virtual_key.delete"]);
    assert_eq!(
        (&entries[1].1["from"]["models"], &entries[1].1["to"]["models"]),
        (&json!(["gpt-4o", "o3*"]), &Value::Null)
    );
    assert!(!entries.iter().any(|(_, change)| change.to_string().contains(SECRET)));
}

#[actix_web::test]
async fn every_provider_of_the_contract_has_virtual_keys_by_its_older_names_too() {
    let f = Fixture::new().await;
    for name in [
        "openai",
        "azure-openai",
        "ai21",
        "anthropic",
        "anyscale",
        "bedrock",
        "cohere",
        "deepinfra",
        "fireworks-ai",
        "google",
        "groq",
        "hugging-face",
        "jina",
        "lingyi",
        "mistral-ai",
        "monsterapi",
        "moonshot",
        "nomic",
        "novita-ai",
        "open-ai",
        "openrouter",
        "palm",
        "perplexity-ai",
        "predibase",
        "reka-ai",
        "segmind",
        "stability-ai",
        "together-ai",
        "vertex-ai",
        "workers-ai",
        "zhipu",
    ] {
        let (status, made) =
            f.post("/v1/virtual-keys", json!({"name": name, "provider": name, "key": SECRET})).await;
        assert_eq!(status, 200, "{name}: {made}");
    }
    let (_, list) = f.get("/v1/virtual-keys").await;
    let shown = |name: &str| {
        let row = list["data"].as_array().unwrap().iter().find(|row| row["name"] == name).unwrap();
        row["provider"].as_str().unwrap().to_owned()
    };
    assert_eq!((shown("open-ai"), shown("hugging-face")), ("openai".to_owned(), "huggingface".to_owned()));
}
