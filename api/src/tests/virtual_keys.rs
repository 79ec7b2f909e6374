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
        (with("awsRegion", json!("eu-west-1")), "awsRegion: not supported yet"),
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
