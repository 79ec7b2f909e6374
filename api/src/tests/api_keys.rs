use std::time::Duration;

use secrecy::SecretString;
use serde_json::{Value, json};
use tenancy::{KeyKind, Scope};

use super::fixture::{Fixture, refused};

fn id(answer: &(u16, Value)) -> &str {
    assert_eq!(answer.0, 200, "{}", answer.1);
    answer.1["id"].as_str().unwrap()
}

fn secret(answer: &(u16, Value)) -> SecretString {
    answer.1["key"].as_str().unwrap().into()
}

#[actix_web::test]
async fn a_key_is_made_shown_once_changed_and_ended() {
    let f = Fixture::new().await;
    let body = json!({"name": "ci", "description": "d", "scopes": ["logs.list"], "expires_at": "2026-11-25T00:00:00Z",
        "rate_limits": null, "usage_limits": null, "alert_emails": []});
    let made = f.post("/v1/api-keys/workspace/service", body).await;
    assert_eq!(made.1["object"], "api-key");
    let (key, path) = (secret(&made), format!("/v1/api-keys/{}", id(&made)));
    assert_eq!(f.call("GET", "/v1/logs", &key, None).await.0, 200);

    let (_, shown) = f.get(&path).await;
    for (field, value) in [
        ("name", json!("ci")),
        ("description", json!("d")),
        ("type", json!("workspace-service")),
        ("organisation_id", json!(f.made.organisation_id)),
        ("workspace_id", json!(f.made.workspace_id)),
        ("status", json!("active")),
        ("scopes", json!(["logs.list"])),
        ("expires_at", json!("2026-11-25T00:00:00.000Z")),
        ("object", json!("api-key")),
    ] {
        assert_eq!(shown[field], value, "{field}");
    }
    assert!(!made.1["key"].as_str().unwrap().contains(&shown["key"].as_str().unwrap().replace('…', "")));

    let change =
        json!({"name": "ci 2", "description": null, "scopes": ["analytics.view"], "expires_at": null});
    assert_eq!(f.call("PUT", &path, &f.made.api_key, Some(change)).await, (200, json!({})));
    let (_, shown) = f.get(&path).await;
    assert_eq!(
        (&shown["name"], &shown["description"], &shown["expires_at"]),
        (&json!("ci 2"), &Value::Null, &Value::Null)
    );
    refused(&f.call("GET", "/v1/logs", &key, None).await, 403, "AB03", "logs.list");

    let (_, list) = f.get("/v1/api-keys?page_size=1").await;
    assert_eq!(
        (&list["object"], &list["total"], &list["data"][0]["name"]),
        (&json!("list"), &json!(2), &json!("ci 2"))
    );
    let (_, next) = f.get("/v1/api-keys?page_size=1&current_page=1").await;
    assert_eq!(next["data"][0]["name"], "Default key");

    assert_eq!(f.call("DELETE", &path, &f.made.api_key, None).await, (200, json!({})));
    refused(&f.call("GET", "/v1/usage", &key, None).await, 401, "AB05", "no such API key");
    refused(&f.get(&path).await, 404, "AB08", "no API key");
    refused(&f.call("DELETE", &path, &f.made.api_key, None).await, 404, "AB08", "no API key");
}

#[actix_web::test]
async fn what_is_wrong_with_a_new_key_is_named() {
    let f = Fixture::new().await;
    let good = json!({"name": "k", "scopes": ["logs.list"]});
    let with = |name: &str, value: Value| {
        let mut body = good.clone();
        body[name] = value;
        body
    };
    let member = "00000000-0000-4000-8000-000000000000";
    for (path, body, message) in [
        ("organisation/user", good.clone(), "path: found `organisation/user`; expected organisation/service"),
        ("workspace/service", json!({"scopes": ["logs.list"]}), "name: missing"),
        ("workspace/service", json!({"name": "k"}), "scopes: missing"),
        ("workspace/service", json!([]), "body: found an array; expected an object"),
        ("workspace/service", with("name", json!("")), "name: found an empty string"),
        ("workspace/service", with("name", json!("a\nb")), "name: a control character"),
        ("workspace/service", with("scopes", json!([])), "scopes: found an empty array"),
        ("workspace/service", with("scopes", json!("logs.list")), "scopes: found a string"),
        (
            "workspace/service",
            with("scopes", json!(["logs.list", "logs.burn"])),
            "scopes[1]: found `logs.burn`",
        ),
        ("workspace/service", with("scopes", json!([5])), "scopes[0]: found a number"),
        (
            "workspace/service",
            with("scopes", json!(["audit_logs.list"])),
            "scopes[0]: `audit_logs.list` is not for",
        ),
        ("workspace/service", with("expires_at", json!("soon")), "expires_at: found `soon`"),
        (
            "workspace/service",
            with("expires_at", json!("2020-01-01T00:00:00Z")),
            "is past; expected a time to come",
        ),
        ("workspace/service", with("user_id", json!(member)), "user_id: only a user's key has one"),
        (
            "workspace/service",
            with("colour", json!("red")),
            "colour: no such field; expected only alert_emails, defaults, description, ",
        ),
        (
            "workspace/service",
            with("usage_limits", json!({"credit_limit": 0})),
            "usage_limits.credit_limit: found 0",
        ),
        (
            "workspace/service",
            with("rotation_policy", json!({"a": 1})),
            "rotation_policy.rotation_period: missing",
        ),
        ("workspace/user", good.clone(), "user_id: missing"),
        ("workspace/user", with("user_id", json!(member)), "user_id: found"),
        ("workspace/user", with("user_id", json!("me")), "user_id: found `me`"),
    ] {
        refused(&f.post(&format!("/v1/api-keys/{path}"), body).await, 400, "AB01", message);
    }
    let elsewhere = with("organisation_id", json!(f.organisation().await.organisation_id));
    refused(&f.post("/v1/api-keys/workspace/service", elsewhere).await, 404, "AB08", "no organisation");
}

#[actix_web::test]
async fn a_key_gives_away_no_more_than_it_has() {
    let f = Fixture::new().await;
    let scopes =
        [Scope::WorkspaceServiceApiKeysCreate, Scope::WorkspaceServiceApiKeysUpdate, Scope::LogsList];
    let key = f.key(KeyKind::WorkspaceService, &scopes).await;
    let wish = |scope| Some(json!({"name": "k", "scopes": [scope]}));
    let path = "/v1/api-keys/workspace/service";
    refused(&f.call("POST", path, &key, wish("completions.write")).await, 403, "AB03", "completions.write");
    let made = f.call("POST", path, &key, wish("logs.list")).await;
    let change = f.call("PUT", &format!("/v1/api-keys/{}", id(&made)), &key, wish("logs.export")).await;
    refused(&change, 403, "AB03", "logs.export");
    refused(
        &f.call("POST", "/v1/api-keys/workspace/user", &key, wish("logs.list")).await,
        403,
        "AB03",
        "workspace_user_api_keys.create",
    );
    refused(
        &f.call("POST", "/v1/api-keys/organisation/service", &key, wish("logs.list")).await,
        403,
        "AB03",
        "organisation_service_api_keys.create",
    );
}

#[actix_web::test]
async fn an_organisations_key_makes_keys_for_any_workspace_it_names() {
    let f = Fixture::new().await;
    let admin = &f.made.admin_api_key;
    let body = json!({"name": "k", "scopes": ["completions.write"]});
    let path = "/v1/api-keys/workspace/service";
    refused(&f.call("POST", path, admin, Some(body.clone())).await, 400, "AB01", "workspace_id: missing");
    let mut named = body;
    named["workspace_id"] = json!(f.made.workspace_id);
    let made = f.call("POST", path, admin, Some(named.clone())).await;
    assert_eq!(
        f.call("GET", &format!("/v1/api-keys/{}", id(&made)), admin, None).await.1["workspace_id"],
        json!(f.made.workspace_id)
    );
    named["workspace_id"] = json!("ws-nobodys");
    refused(&f.call("POST", path, admin, Some(named)).await, 404, "AB08", "no workspace `ws-nobodys`");

    let organisation = json!({"name": "k", "scopes": ["audit_logs.list"]});
    let made = f.call("POST", "/v1/api-keys/organisation/service", admin, Some(organisation)).await;
    let own = format!("/v1/api-keys/{}", id(&made));
    assert_eq!(f.call("GET", &own, admin, None).await.1["type"], "organisation-service");
    refused(&f.get(&own).await, 404, "AB08", "no API key");
    let (_, all) = f.call("GET", "/v1/api-keys", admin, None).await;
    let (_, one) =
        f.call("GET", &format!("/v1/api-keys?workspace_id={}", f.made.workspace_id), admin, None).await;
    assert_eq!((&all["total"], &one["total"]), (&json!(4), &json!(2)));
}

#[actix_web::test]
async fn an_expired_key_is_shown_as_such_and_does_not_work() {
    let f = Fixture::new().await;
    let body = json!({"name": "k", "scopes": ["logs.list"], "expires_at": "2026-11-23T01:00:00Z"});
    let made = f.post("/v1/api-keys/workspace/service", body).await;
    f.clock.advance(Duration::from_hours(1));
    refused(&f.call("GET", "/v1/logs", &secret(&made), None).await, 401, "AB05", "expired");
    assert_eq!(f.get(&format!("/v1/api-keys/{}", id(&made))).await.1["status"], "expired");
}

#[actix_web::test]
async fn the_defaults_of_a_key_are_kept_shown_changed_and_taken_away() {
    let f = Fixture::new().await;
    let config = json!({"name": "c", "config": {"provider": "echo"}});
    let slug = f.post("/v1/configs", config).await.1["data"]["slug"].as_str().unwrap().to_owned();
    let defaults = json!({"metadata": {"env": "dev"}, "config_id": slug, "allow_config_override": false});
    let new = json!({"name": "k", "scopes": ["logs.list"], "defaults": defaults});
    let made = f.post("/v1/api-keys/workspace/service", new).await;
    let path = format!("/v1/api-keys/{}", id(&made));
    assert_eq!(f.get(&path).await.1["defaults"], defaults);
    let tenant = async || f.api.keys.identify(made.1["key"].as_str().unwrap()).await.unwrap();
    let kept = tenant().await.defaults.clone().unwrap();
    assert_eq!((kept.config.as_deref(), kept.allow_config_override), (Some(slug.as_str()), false));
    assert_eq!(kept.metadata["env"], "dev");

    // They are replaced whole.
    let put = async |change: Value| f.call("PUT", &path, &f.made.api_key, Some(change)).await;
    assert_eq!(put(json!({"defaults": {"metadata": {"env": "prod"}}})).await, (200, json!({})));
    let (_, shown) = f.get(&path).await;
    let expected = json!({"metadata": {"env": "prod"}, "config_id": null, "allow_config_override": true});
    assert_eq!(shown["defaults"], expected);
    assert_eq!(put(json!({"name": "k2"})).await.0, 200);
    assert_eq!(f.get(&path).await.1["defaults"], expected);
    assert_eq!(put(json!({"defaults": null})).await.0, 200);
    assert_eq!(tenant().await.defaults, None);
    let nothing = json!({"metadata": null, "config_id": null, "allow_config_override": true});
    assert_eq!(f.get("/v1/api-keys").await.1["data"][0]["defaults"], nothing);
}

#[actix_web::test]
async fn what_is_wrong_with_a_keys_defaults_is_named() {
    let f = Fixture::new().await;
    f.workspace("ws-other").await;
    let elsewhere = json!({"name": "c", "config": {"provider": "echo"}, "workspace_id": "ws-other"});
    let elsewhere = f.call("POST", "/v1/configs", &f.made.admin_api_key, Some(elsewhere)).await;
    let elsewhere = elsewhere.1["data"]["slug"].as_str().unwrap().to_owned();
    let archived = f.post("/v1/configs", json!({"name": "c", "config": {"provider": "echo"}})).await;
    let archived = archived.1["data"]["slug"].as_str().unwrap().to_owned();
    assert_eq!(f.call("DELETE", &format!("/v1/configs/{archived}"), &f.made.api_key, None).await.0, 200);
    let many: serde_json::Map<String, Value> = (0..65).map(|n| (format!("k{n}"), json!("v"))).collect();
    let made = f.post("/v1/api-keys/workspace/service", json!({"name": "k", "scopes": ["logs.list"]})).await;
    let path = format!("/v1/api-keys/{}", id(&made));
    for (defaults, message) in [
        (json!(5), "defaults: found a number"),
        (
            json!({"colour": "red"}),
            "defaults.colour: no such field; expected only allow_config_override, config_id, metadata",
        ),
        (json!({"allow_config_override": 1}), "defaults.allow_config_override: found 1"),
        (json!({"metadata": "x"}), "defaults.metadata: found a string"),
        (json!({"metadata": {"a": 1}}), "defaults.metadata.a: found a number"),
        (json!({"metadata": {"a": "x".repeat(129)}}), "defaults.metadata.a: too long"),
        (json!({"metadata": many}), "defaults.metadata: found 65 pairs"),
        (json!({"config_id": "pc-nobodys"}), "defaults.config_id: this workspace has no config `pc-nobodys`"),
        (json!({"config_id": elsewhere}), "defaults.config_id: this workspace has no config"),
        (json!({"config_id": archived}), "defaults.config_id: the config `pc-c-"),
    ] {
        let new = json!({"name": "k", "scopes": ["logs.list"], "defaults": defaults});
        refused(&f.post("/v1/api-keys/workspace/service", new).await, 400, "AB01", message);
        let change = json!({"defaults": defaults});
        refused(&f.call("PUT", &path, &f.made.api_key, Some(change)).await, 400, "AB01", message);
    }
    let new = json!({"name": "k", "scopes": ["logs.list"], "defaults": {"metadata": {"env": "dev"}}});
    let answer = f.call("POST", "/v1/api-keys/organisation/service", &f.made.admin_api_key, Some(new)).await;
    refused(&answer, 400, "AB01", "defaults: an organisation's key makes no calls");
}
