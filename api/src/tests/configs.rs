use entity::config_version;
use sea_orm::EntityTrait as _;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use super::fixture::{Fixture, refused};

const SECRET: &str = "sk-proj-0123456789abcdef";

fn config() -> Value {
    json!({
        "strategy": {"mode": "fallback"},
        "retry": {"attempts": 2},
        "targets": [{"provider": "openai", "api_key": SECRET}, {"provider": "echo", "weight": 0.5}],
    })
}

async fn save(f: &Fixture, config: Value) -> Value {
    let (status, made) = f.post("/v1/configs", json!({"name": "Prod", "config": config})).await;
    assert_eq!((status, &made["success"]), (200, &json!(true)), "{made}");
    made["data"].clone()
}

fn path(made: &Value) -> String {
    format!("/v1/configs/{}", made["slug"].as_str().unwrap())
}

/// As it is shown: the secret in it masked.
fn masked() -> Value {
    let mut config = config();
    config["targets"][0]["api_key"] = json!("sk-…ef");
    config
}

#[actix_web::test]
async fn a_config_is_saved_shown_masked_changed_and_archived() {
    let f = Fixture::new().await;
    let made = save(&f, config()).await;
    assert!(made["slug"].as_str().unwrap().starts_with("pc-prod-"), "{made}");
    let (_, shown) = f.get(&path(&made)).await;
    for (field, value) in [
        ("id", made["id"].clone()),
        ("slug", made["slug"].clone()),
        ("version_id", made["version_id"].clone()),
        ("name", json!("Prod")),
        ("is_default", json!(0)),
        ("status", json!("active")),
        ("workspace_id", json!(f.made.workspace_id)),
        ("organisation_id", json!(f.made.organisation_id)),
        ("object", json!("config")),
        ("config", masked()),
    ] {
        assert_eq!(shown["data"][field], value, "{field}");
    }
    let (_, list) = f.get("/v1/configs").await;
    assert_eq!((&list["success"], &list["total"]), (&json!(true), &json!(1)));
    assert_eq!((&list["data"][0]["slug"], &list["data"][0]["config"]), (&made["slug"], &Value::Null));

    let put = async |change: Value| f.call("PUT", &path(&made), &f.made.api_key, Some(change)).await;
    let (status, renamed) = put(json!({"name": "Other"})).await;
    assert_eq!((status, &renamed["data"]["version_id"]), (200, &made["version_id"]));
    assert_eq!(f.get(&path(&made)).await.1["data"]["name"], "Other");

    assert_eq!(f.call("DELETE", &path(&made), &f.made.api_key, None).await.0, 200);
    assert_eq!(f.get("/v1/configs").await.1["total"], 0);
    assert_eq!(f.get(&path(&made)).await.1["data"]["status"], "archived", "logs name it");
    let scope = f.api.keys.identify(f.made.api_key.expose_secret()).await.unwrap().scope();
    let slug = made["slug"].as_str().unwrap();
    assert!(f.api.configs.resolve(&scope, slug).await.unwrap().archived);
    assert_eq!(put(json!({"status": "active"})).await.0, 200);
    assert!(!f.api.configs.resolve(&scope, slug).await.unwrap().archived);
    assert_eq!(f.get("/v1/configs").await.1["total"], 1);
}

#[actix_web::test]
async fn each_change_of_what_it_says_is_a_version_and_what_is_sent_back_masked_stays() {
    let f = Fixture::new().await;
    let made = save(&f, config()).await;
    let put = async |change: Value| f.call("PUT", &path(&made), &f.made.api_key, Some(change)).await;
    let (_, same) = put(json!({"config": masked()})).await;
    assert_eq!(same["data"]["version_id"], made["version_id"], "it says the same");
    let mut changed = masked();
    changed["retry"]["attempts"] = json!(3);
    changed["targets"].as_array_mut().unwrap().reverse();
    f.later();
    let (status, second) = put(json!({"config": changed})).await;
    assert_eq!(status, 200, "{second}");
    assert_ne!(second["data"]["version_id"], made["version_id"]);

    let scope = f.api.keys.identify(f.made.api_key.expose_secret()).await.unwrap().scope();
    let resolved = f.api.configs.resolve(&scope, made["slug"].as_str().unwrap()).await.unwrap();
    assert_eq!(json!(resolved.version_id), second["data"]["version_id"]);
    let version = config_version::Entity::find_by_id(resolved.version_id).one(&f.db);
    let version = version.await.unwrap().unwrap();
    let text = tenancy::configs::open(&f.api.vault, &version).unwrap();
    assert!(text.expose_secret().contains(SECRET), "the secret stays");

    let (_, list) = f.get(&(path(&made) + "/versions")).await;
    assert_eq!((&list["object"], &list["total"]), (&json!("list"), &json!(2)));
    for (item, version, config) in [
        (&list["data"][0], &second["data"]["version_id"], &changed),
        (&list["data"][1], &made["version_id"], &masked()),
    ] {
        assert_eq!(
            (&item["version_id"], &item["format"], &item["type"], &item["object"]),
            (version, &json!("json"), &json!("ORG_CONFIG"), &json!("config"))
        );
        let text: Value = serde_json::from_str(item["config"].as_str().unwrap()).unwrap();
        assert_eq!(&text, config);
    }
    let (_, page) = f.get(&(path(&made) + "/versions?page_size=1&current_page=1")).await;
    assert_eq!((&page["data"][0], page["data"].as_array().unwrap().len()), (&list["data"][1], 1));
}

#[actix_web::test]
async fn what_is_wrong_with_a_config_is_named_by_its_path() {
    let f = Fixture::new().await;
    let key = json!({"name": "k", "provider": "openai", "key": SECRET});
    let archived =
        f.post("/v1/virtual-keys", key.clone()).await.1["data"]["slug"].as_str().unwrap().to_owned();
    f.call("DELETE", &format!("/v1/virtual-keys/{archived}"), &f.made.api_key, None).await;
    f.workspace("ws-other").await;
    let mut elsewhere = key;
    elsewhere["workspace_id"] = json!("ws-other");
    let elsewhere = f.call("POST", "/v1/virtual-keys", &f.made.admin_api_key, Some(elsewhere)).await;
    let elsewhere = elsewhere.1["data"]["slug"].as_str().unwrap().to_owned();
    let of =
        |target: Value| json!({"strategy": {"mode": "fallback"}, "targets": [{"provider": "echo"}, target]});
    let made = save(&f, config()).await;
    for (config, message) in [
        (json!("pc-x"), "config: found a string; expected an object"),
        (json!({"retry": {"attempts": 9}, "provider": "echo"}), "config.retry.attempts: "),
        (of(json!({"provider": "echo", "retry": {"attempts": 9}})), "config.targets[1].retry.attempts: "),
        (
            of(json!({"virtual_key": "nobodys"})),
            "config.targets[1].virtual_key: this workspace has no virtual key `nobodys`",
        ),
        (
            of(json!({"provider": "@nobodys"})),
            "config.targets[1].virtual_key: this workspace has no virtual key `nobodys`",
        ),
        (
            of(json!({"virtual_key": elsewhere})),
            "config.targets[1].virtual_key: this workspace has no virtual key",
        ),
        (of(json!({"virtual_key": archived})), "config.targets[1].virtual_key: the virtual key `k-"),
        (of(json!({"provider": "openai", "api_key": "sk-…zz"})), "config.targets[1].api_key: this is a mask"),
        (of(json!({"provider": "nobody"})), "config.targets[1].provider: no provider is called `nobody`"),
        (
            of(json!({"provider": "openai", "custom_host": "http://10.0.0.1"})),
            "config.targets[1].custom_host: points to a private",
        ),
        (json!({"provider": "echo", "override_params": {"x": "y".repeat(70_000)}}), "config: too large"),
    ] {
        let answer = f.post("/v1/configs", json!({"name": "x", "config": config})).await;
        refused(&answer, 400, "AB01", message);
        let answer = f.call("PUT", &path(&made), &f.made.api_key, Some(json!({"config": config}))).await;
        refused(&answer, 400, "AB01", message);
    }
    for (body, message) in [
        (json!({"config": config()}), "name: missing"),
        (json!({"name": "x"}), "config: missing"),
        (json!({"name": "x", "config": config(), "isDefault": 2}), "isDefault: found 2; expected 0 or 1"),
        (json!({"name": "x", "config": config(), "is_default": "1"}), "is_default: found a string"),
        (json!({"name": "x", "config": config(), "colour": "red"}), "colour: no such field"),
    ] {
        refused(&f.post("/v1/configs", body).await, 400, "AB01", message);
    }
    let answer = f.call("PUT", &path(&made), &f.made.api_key, Some(json!({"status": "paused"}))).await;
    refused(&answer, 400, "AB01", "status: found `paused`; expected active or archived");
    assert_eq!(f.get("/v1/configs").await.1["total"], 1);
    assert_eq!(f.get(&(path(&made) + "/versions")).await.1["total"], 1);
}

#[actix_web::test]
async fn one_config_of_a_workspace_is_marked_as_its_default() {
    let f = Fixture::new().await;
    let marked = async || {
        let (_, list) = f.get("/v1/configs").await;
        let marked = list["data"].as_array().unwrap().iter().filter(|row| row["is_default"] == 1);
        marked.map(|row| row["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let new = |name: &str, field: &str, value: Value| {
        let mut body = json!({"name": name, "config": {"provider": "echo"}});
        body[field] = value;
        body
    };
    let (_, one) = f.post("/v1/configs", new("one", "isDefault", json!(1))).await;
    assert_eq!(marked().await, ["one"]);
    f.post("/v1/configs", new("two", "is_default", json!(1))).await;
    f.post("/v1/configs", new("three", "is_default", json!(0))).await;
    assert_eq!(marked().await, ["two"]);
    f.call("PUT", &path(&one["data"]), &f.made.api_key, Some(json!({"is_default": true}))).await;
    assert_eq!(marked().await, ["one"]);
    f.call("DELETE", &path(&one["data"]), &f.made.api_key, None).await;
    assert!(marked().await.is_empty());
}

#[actix_web::test]
async fn every_change_of_a_config_is_written_down_without_what_it_says() {
    let f = Fixture::new().await;
    let made = save(&f, config()).await;
    let slug = made["slug"].as_str().unwrap();
    f.later();
    f.call("PUT", &path(&made), &f.made.api_key, Some(json!({"config": {"provider": "echo"}}))).await;
    f.later();
    f.call("DELETE", &path(&made), &f.made.api_key, None).await;
    let entries = f.audited(&format!("config:{slug}")).await;
    let actions: Vec<&str> = entries.iter().map(|(action, _)| action.as_str()).collect();
    assert_eq!(actions, ["config.create", "config.update", "config.delete"]);
    assert_eq!(entries[1].1["from"]["version_id"], made["version_id"]);
    assert_ne!(entries[1].1["to"]["version_id"], made["version_id"]);
    assert_eq!(entries[2].1["to"]["status"], "archived");
    assert!(!entries.iter().any(|(_, change)| change.to_string().contains("sk-")));
}

#[actix_web::test]
async fn an_organisations_key_names_the_workspace_and_a_neighbours_config_is_as_none() {
    let f = Fixture::new().await;
    f.workspace("ws-other").await;
    let admin = &f.made.admin_api_key;
    let mut new = json!({"name": "x", "config": {"provider": "echo"}});
    refused(
        &f.call("POST", "/v1/configs", admin, Some(new.clone())).await,
        400,
        "AB01",
        "workspace_id: missing",
    );
    refused(&f.call("GET", "/v1/configs", admin, None).await, 400, "AB01", "workspace_id: missing");
    new["workspace_id"] = json!("ws-other");
    let (_, made) = f.call("POST", "/v1/configs", admin, Some(new)).await;
    let path = path(&made["data"]);
    let there = format!("{path}?workspace_id=ws-other");
    assert_eq!(f.call("GET", &there, admin, None).await.1["data"]["workspace_id"], "ws-other");
    assert_eq!(f.call("PUT", &there, admin, Some(json!({"name": "y"}))).await.0, 200);
    for (method, body) in [("GET", None), ("PUT", Some(json!({"name": "mine"}))), ("DELETE", None)] {
        refused(&f.call(method, &path, &f.made.api_key, body).await, 404, "AB08", "no config");
    }
    refused(&f.get(&(path.clone() + "/versions")).await, 404, "AB08", "no config");
    assert_eq!(f.call("GET", &there, admin, None).await.1["data"]["name"], "y");
}
