//! The real SDKs, unmodified, with nothing changed but where they connect.

use plans::Plan;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Org, SDKS, Sdk, TestApp, Upstream, answer};

const PROMPT: &str = "one two three";

async fn echo(org: &Org<'_>, sdk: Sdk, args: &[&str]) -> Value {
    sdk.run(org, "echo", args, &Value::Null).await
}

/// All SDKs, each with an organisation of its own, at the same time.
async fn with_each(test: impl AsyncFn(&Org<'_>, Sdk)) {
    let app = TestApp::start().await;
    let as_one = async |sdk| test(&app.org(Plan::Developer).await, sdk).await;
    let [a, b, c, d] = SDKS.map(|sdk| Box::pin(as_one(sdk)));
    tokio::join!(a, b, c, d);
}

/// The one log there is, in full and as a row.
async fn the_log(org: &Org<'_>) -> (Value, Value) {
    let row = org.rows("", 1).await.remove(0);
    (org.log(row["id"].as_str().unwrap()).await, row)
}

#[tokio::test]
async fn a_chat_is_returned_by_the_sdk_and_logged_as_it_was() {
    with_each(async |org, sdk| {
        let metadata = r#"{"_user":"u1","env":"test"}"#;
        let args = ["chat", "--content", PROMPT, "--trace-id", "trace-1", "--metadata", metadata];
        let returned = echo(org, sdk, &args).await;
        assert_eq!(returned["object"], "chat.completion", "{sdk:?}");
        assert_eq!(returned["choices"][0]["message"]["content"], PROMPT, "{sdk:?}");
        assert_eq!(returned["choices"][0]["message"]["role"], "assistant");
        assert_eq!(returned["choices"][0]["finish_reason"], "stop");

        let (log, row) = the_log(org).await;
        assert_eq!(
            log["request"]["body"]["messages"],
            json!([{"role": "user", "content": PROMPT}]),
            "{sdk:?}"
        );
        assert_eq!(log["response"]["body"]["choices"][0]["message"]["content"], PROMPT, "{sdk:?}");
        assert_eq!(log["response"]["body"]["id"], returned["id"], "{sdk:?}");
        assert_eq!(row["trace_id"], "trace-1", "{sdk:?}");
        assert_eq!(row["metadata"], json!({"_user": "u1", "env": "test"}), "{sdk:?}");
        assert_eq!((&row["provider"], &row["model"]), (&json!("echo"), &json!("echo")), "{sdk:?}");
        for (ours, theirs) in [
            ("prompt_tokens", "prompt_tokens"),
            ("completion_tokens", "completion_tokens"),
            ("total_tokens", "total_tokens"),
        ] {
            assert_eq!(row[ours], returned["usage"][theirs], "{sdk:?}");
        }
        assert_eq!((&row["prompt_tokens"], &row["tokens_estimated"]), (&json!(3), &json!(false)), "{sdk:?}");
    })
    .await;
}

#[tokio::test]
async fn a_stream_is_read_to_its_end_and_logged_with_its_usage() {
    with_each(async |org, sdk| {
        let returned = echo(org, sdk, &["stream", "--content", PROMPT]).await;
        assert_eq!(returned["text"], PROMPT, "{sdk:?}");
        let chunks = returned["chunks"].as_array().unwrap();
        assert!(chunks.len() > 3, "{sdk:?}: {chunks:?}");
        let usage = &chunks.last().unwrap()["usage"];
        let (log, row) = the_log(org).await;
        assert_eq!(row["total_tokens"], usage["total_tokens"], "{sdk:?}");
        assert_eq!(row["tokens_estimated"], false, "{sdk:?}");
        assert_eq!(log["response"]["streamingMode"], true, "{sdk:?}");
        let body = log["response"]["body"].as_str().unwrap();
        assert!(body.ends_with("data: [DONE]\n\n"), "{sdk:?}: {body}");
        assert_eq!(body.matches("data: {").count(), chunks.len(), "{sdk:?}: {body}");
    })
    .await;
}

#[tokio::test]
async fn completions_embeddings_and_models_are_what_the_sdk_expects() {
    with_each(async |org, sdk| {
        let returned = echo(org, sdk, &["completions", "--content", PROMPT]).await;
        assert_eq!(
            (&returned["object"], &returned["choices"][0]["text"]),
            (&json!("text_completion"), &json!(PROMPT))
        );
        for format in [&["--encoding-format", "float"][..], &["--encoding-format", "base64"], &[]] {
            let args = [&["embeddings", "--content", PROMPT], format].concat();
            let returned = echo(org, sdk, &args).await;
            assert_eq!(returned["data"].as_array().unwrap().len(), 1, "{sdk:?} {format:?}");
            assert_eq!(returned["usage"]["total_tokens"], 3, "{sdk:?} {format:?}");
        }
        let returned = echo(org, sdk, &["models"]).await;
        let models = returned["data"].as_array().unwrap();
        assert!(models.iter().any(|model| model["id"] == "echo"), "{sdk:?}: {returned}");
        let rows = org.rows("", 5).await;
        let mut types: Vec<&str> = rows.iter().map(|row| row["request_type"].as_str().unwrap()).collect();
        types.sort_unstable();
        let mut expected = ["complete", "embed", "embed", "embed", "listModels"];
        expected.sort_unstable();
        assert_eq!(types.len(), expected.len());
        assert_eq!(types.iter().filter(|name| **name == "embed").count(), 3, "{types:?}");
        assert!(rows.iter().all(|row| row["response_status_code"] == 200), "{rows:?}");
    })
    .await;
}

#[tokio::test]
async fn errors_become_the_sdks_own_exceptions() {
    with_each(async |org, sdk| {
        let returned = echo(org, sdk, &["error"]).await;
        let unknown = &returned["unknown_provider"];
        assert_eq!(
            (&unknown["class"], &unknown["status"]),
            (&json!("BadRequestError"), &json!(400)),
            "{sdk:?}: {unknown}"
        );
        // The OpenAI SDK for Node, which is in Portkey's too, keeps of a body what is under `error`.
        let message = unknown["message"].as_str().unwrap();
        assert!(sdk.is_node() || message.contains("no-such-provider"), "{sdk:?}: {unknown}");
        let wrong = &returned["wrong_key"];
        assert_eq!(
            (&wrong["class"], &wrong["status"]),
            (&json!("AuthenticationError"), &json!(401)),
            "{sdk:?}: {wrong}"
        );
        // The one that is known to be ours is logged; the other is a stranger's.
        let (log, row) = the_log(org).await;
        assert_eq!(
            (&row["outcome"], &row["response_status_code"]),
            (&json!("refused"), &json!(400)),
            "{sdk:?}"
        );
        assert!(
            log["response"]["body"]["message"].as_str().unwrap().contains("no-such-provider"),
            "{sdk:?}: {log}"
        );
    })
    .await;
}

#[tokio::test]
async fn the_gateways_headers_reach_the_caller() {
    with_each(async |org, sdk| {
        let returned = echo(org, sdk, &["raw_headers", "--trace-id", "trace-1"]).await;
        let headers = &returned["headers"];
        // Portkey's SDK keeps the gateway's own, without their prefix.
        let name = |name: &str| {
            if sdk.is_openai() { format!("x-portkey-{name}") } else { name.to_owned() }
        };
        for (header, value) in [
            ("trace-id", "trace-1"),
            ("cache-status", "DISABLED"),
            ("retry-attempt-count", "0"),
            ("last-used-option-index", "config"),
        ] {
            assert_eq!(headers[name(header)], value, "{sdk:?}: {headers}");
        }
        if sdk.is_openai() {
            let (log, _) = the_log(org).await;
            assert_eq!(headers["x-turnpike-log-id"], log["_id"], "{headers}");
        }
    })
    .await;
}

#[tokio::test]
async fn debug_false_keeps_the_statistics_and_nothing_of_the_content() {
    with_each(async |org, sdk| {
        let secret = "kanari in the mine";
        let args =
            ["debug_false", "--content", secret, "--trace-id", "trace-1", "--metadata", r#"{"env":"test"}"#];
        let returned = echo(org, sdk, &args).await;
        assert_eq!(returned["choices"][0]["message"]["content"], secret, "{sdk:?}");
        let (log, row) = the_log(org).await;
        assert!(!format!("{log}{row}").contains("kanari"), "{sdk:?}: {log}");
        assert_eq!((&row["payload"], &row["trace_id"]), (&json!("withheld"), &json!("trace-1")), "{sdk:?}");
        assert_eq!(row["metadata"], json!({"env": "test"}), "{sdk:?}");
        assert_eq!(row["total_tokens"], returned["usage"]["total_tokens"], "{sdk:?}");
        assert_eq!(
            org.app.count("SELECT count(*) FROM log_payload WHERE id IN (SELECT id FROM log)").await,
            0
        );
    })
    .await;
}

#[tokio::test]
async fn a_virtual_key_is_a_provider_to_the_sdks() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let mut upstream = Upstream::start().await;
    let key = json!({
        "name": "mine", "provider": "openai", "key": "sk-of-the-virtual-key", "custom_host": upstream.url()
    });
    let made = org.request(Method::POST, "/v1/virtual-keys").json(&key).send().await.unwrap();
    let made: Value = made.json().await.unwrap();
    let slug = made["data"]["slug"].as_str().unwrap().to_owned();
    for (n, sdk) in SDKS.into_iter().enumerate() {
        let provider = format!("@{slug}");
        let answering = async {
            let exchange = upstream.asked().await;
            let authorization = exchange.header("authorization").map(str::to_owned);
            exchange.json(200, &answer("hello")).await;
            authorization
        };
        let args = ["chat", "--model", "gpt-4o-mini"];
        let (returned, authorization) =
            tokio::join!(sdk.run(&org, &provider, &args, &Value::Null), answering);
        assert_eq!(returned["choices"][0]["message"]["content"], "hello", "{sdk:?}");
        assert_eq!(authorization.as_deref(), Some("Bearer sk-of-the-virtual-key"), "{sdk:?}");
        let row = &org.rows("", n + 1).await[0];
        assert_eq!((&row["virtual_key"], &row["cost"]), (&json!(slug), &json!(0.027)), "{sdk:?}");
    }
}

#[tokio::test]
async fn the_people_of_an_organisation_are_invited_changed_and_removed_by_the_sdk() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let person = org.person("member", &[]).await;
    let told = json!({"key": org.admin_key, "workspace": org.workspace, "user": person.id});
    let seen = Sdk("portkey_users.py").run(&org, "", &[], &told).await;
    assert_eq!(seen["retrieve"]["email"], person.email, "{seen}");
    assert_eq!(
        (&seen["list"]["total"], &seen["list"]["data"][0]["id"]),
        (&json!(1), &json!(person.id)),
        "{seen}"
    );
    let invite = &seen["invites.create"];
    assert!(invite["invite_link"].as_str().unwrap().contains("/invites/tpi_"), "{seen}");
    let shown = &seen["invites.retrieve"];
    assert_eq!((&shown["id"], &shown["status"]), (&invite["id"], &json!("pending")), "{seen}");
    assert_eq!(shown["workspaces"], json!([{"workspace_id": org.workspace, "role": "manager"}]), "{seen}");
    assert_eq!(seen["invites.list"]["data"][0]["id"], invite["id"], "{seen}");
    assert!(seen["invites.resend"].to_string().contains("/invites/tpi_"), "{seen}");
    let list = async |path: &str| -> Value {
        org.admin().request(Method::GET, path).send().await.unwrap().json().await.unwrap()
    };
    assert_eq!(list("/v1/admin/users/invites?status=cancelled").await["total"], 1);
    assert_eq!(list("/v1/admin/users").await["total"], 1, "the owner is left");
}

#[tokio::test]
async fn what_a_workspace_keeps_is_made_read_changed_and_ended_by_the_sdk() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let seen = Sdk("portkey_resources.py").run(&org, "", &[], &Value::Null).await;
    let key = &seen["virtual_keys.create"]["slug"];
    assert_eq!(&seen["virtual_keys.retrieve"]["slug"], key, "{seen}");
    assert_eq!(seen["virtual_keys.retrieve"]["provider"], "openai");
    let listed = &seen["virtual_keys.list"];
    assert_eq!((&listed["object"], &listed["total"]), (&json!("list"), &json!(1)));
    assert_eq!(
        (&listed["data"][0]["name"], &listed["data"][0]["models"]),
        (&json!("ours"), &json!(["gpt-4o*"]))
    );

    let config = &seen["configs.create"];
    let retrieved = &seen["configs.retrieve"];
    assert_eq!((&retrieved["slug"], &retrieved["version_id"]), (&config["slug"], &config["version_id"]));
    assert_eq!((&retrieved["name"], &retrieved["is_default"]), (&json!("prod"), &json!(1)));
    assert_eq!(&retrieved["config"]["targets"][0]["virtual_key"], key);
    assert_ne!(seen["configs.update"]["version_id"], config["version_id"]);
    assert_eq!(
        (&seen["configs.list"]["total"], &seen["configs.list"]["data"][0]["name"]),
        (&json!(1), &json!("test"))
    );

    let made = &seen["api_keys.retrieve"];
    assert_eq!(made["id"], seen["api_keys.create"]["id"]);
    assert_eq!(made["defaults"]["config_id"], config["slug"]);
    assert_eq!(made["defaults"]["metadata"], json!({"env": "dev"}));
    assert_eq!(made["alert_emails"], json!(["ops@example.com"]));
    assert_eq!(made["rotation_policy"]["status"], "ACTIVE");
    assert_eq!(seen["api_keys.list"]["data"][0]["name"], "cd");
    for path in ["/v1/configs", "/v1/virtual-keys"] {
        let left: Value = org.get(path).await.json().await.unwrap();
        assert_eq!(left["total"], 0, "{path}");
    }
}

#[tokio::test]
async fn workspaces_and_their_members_are_made_read_changed_and_ended_by_the_sdk() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let user = org.person("member", &[]).await.id;
    let told = json!({"key": org.admin_key, "user": user});
    let seen = Sdk("portkey_workspaces.py").run(&org, "", &[], &told).await;
    let made = &seen["create"];
    assert_eq!((&made["name"], &made["defaults"]["metadata"]["team"]), (&json!("Search"), &json!("search")));
    assert_eq!(seen["retrieve"]["users"][0]["id"], json!(user), "{seen}");
    let list = &seen["list"];
    assert_eq!((&list["total"], &list["data"][0]["slug"]), (&json!(1), &made["slug"]), "{seen}");
    let members = &seen["users.list"];
    assert_eq!((&members["total"], &members["data"][0]["role"]), (&json!(1), &json!("manager")), "{seen}");
    assert_eq!(
        (&seen["users.retrieve"]["role"], &seen["users.retrieve"]["id"]),
        (&json!("manager"), &json!(user))
    );
    let archived = org.admin().request(reqwest::Method::GET, "/v1/admin/workspaces?status=archived");
    let archived: Value = archived.send().await.unwrap().json().await.unwrap();
    assert_eq!((&archived["total"], &archived["data"][0]["name"]), (&json!(1), &json!("Find")), "{archived}");
}
