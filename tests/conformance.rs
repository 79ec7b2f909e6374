//! The server and its OpenAPI document: every operation is called with generated requests, good and bad ones, and each
//! answer is held against the document.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use entity::log_export;
use plans::Plan;
use reqwest::Method;
use sea_orm::{ActiveModelTrait as _, EntityTrait as _, IntoActiveModel as _, Set};
use serde_json::{Value, json};

use crate::harness::{NEVER, Org, TestApp, chat, log_id};
use crate::invites::token;

/// Statuses and how often each came, by operation.
type Statuses = BTreeMap<String, BTreeMap<String, u64>>;

const OPERATOR_TOKEN: &str = "the-token-of-the-operator";

/// Runs `tests/clients/conformance.py` as who sends `headers`, with things of the organisation's to name and one in `part` of the
/// generated requests.
async fn run(org: &Org<'_>, headers: Value, part: u8) -> Statuses {
    let (mut paths, file) = (paths(org).await, "GET /v1/logs/exports/{id}/file");
    let (id, token) = linked_export(org).await;
    paths[file] = json!({"id": id});
    let asked = json!({
        "url": org.app.url(""), "headers": headers, "paths": paths, "bodies": bodies(org).await,
        "queries": {file: {"token": token}}, "part": part
    });
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let python = root.join("target/venv/bin/python");
    assert!(python.exists(), "{} is missing; run: make test", python.display());
    let script = root.join("tests/clients/conformance.py");
    let output = tokio::task::spawn_blocking(move || {
        let mut command = Command::new(python);
        command.arg(script).env("PYTHONDONTWRITEBYTECODE", "1").current_dir(std::env::temp_dir());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(asked.to_string().as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    });
    let output = output.await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    let failures: Vec<&str> =
        found["failures"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
    serde_json::from_value(found["statuses"].clone()).unwrap()
}

/// Path parameters by operation: what is deleted is nothing that another operation needs.
async fn paths(org: &Org<'_>) -> Value {
    let post = async |path: &str, body: Value| -> Value {
        let response = org.request(Method::POST, path).json(&body).send().await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
        response.json().await.unwrap()
    };
    let mut paths = json!({
        "POST /v1/api-keys/{type}/{sub_type}": {"type": "workspace", "sub_type": "service"},
        "GET /v1/model-configs/pricing/{provider}/{model}": {"provider": "openai", "model": "gpt-4o"},
    });
    for operation in ["GET {}", "PUT {}", "DELETE {}", "GET {}/versions"] {
        let config = post("/v1/configs", json!({"name": "x", "config": {"provider": "echo"}})).await;
        paths[operation.replace("{}", "/v1/configs/{slug}")] = json!({"slug": config["slug"]});
    }
    for method in ["GET", "PUT", "DELETE"] {
        let guardrail = json!({"name": "x", "checks": [{"id": "default.notNull"}], "actions": {}});
        let guardrail = post("/v1/guardrails", guardrail).await;
        paths[format!("{method} /v1/guardrails/{{guardrail}}")] = json!({"guardrail": guardrail["slug"]});
        let key = json!({"name": "x", "scopes": ["logs.list"]});
        let key = post("/v1/api-keys/workspace/service", key).await;
        let virtual_key = post("/v1/virtual-keys", json!({"name": "x", "provider": "echo"})).await;
        paths[format!("{method} /v1/api-keys/{{id}}")] = json!({"id": key["id"]});
        paths[format!("{method} /v1/virtual-keys/{{slug}}")] = json!({"slug": virtual_key["data"]["slug"]});
    }
    for method in ["POST", "DELETE"] {
        let key = post("/v1/api-keys/workspace/service", json!({"name": "x", "scopes": ["logs.list"]})).await;
        paths[format!("{method} /v1/api-keys/{{id}}/rotate")] = json!({"id": key["id"]});
    }
    add_webhooks(org, &mut paths).await;
    add_people(org, &mut paths).await;
    add_destinations(org, &mut paths).await;
    for operation in ["GET {}", "PUT {}", "GET {}/users", "POST {}/users"] {
        let operation = operation.replace("{}", "/v1/admin/workspaces/{workspace}");
        paths[operation] = json!({"workspace": org.workspace});
    }
    let workspace = org.workspace_id(&org.workspace).await;
    for method in ["GET", "PUT", "DELETE"] {
        let member = org.person("member", &[(workspace, "member")]).await.id;
        paths[format!("{method} /v1/admin/workspaces/{{workspace}}/users/{{user}}")] =
            json!({"workspace": org.workspace, "user": member});
    }
    let (_, slug) = org.another_workspace("of-no-use").await;
    paths["DELETE /v1/admin/workspaces/{workspace}"] = json!({"workspace": slug});
    paths["GET /v1/billing/invoices/{id}"] = json!({"id": "gathering"});
    paths["GET /v1/billing/invoices/{id}/html"] = json!({"id": "gathering"});
    let log = json!({"request": {"url": "/v1/x", "body": {}}, "response": {"body": {}},
        "metadata": {"traceId": "trace of one"}});
    let id = post("/v1/logs", log).await["ids"][0].clone();
    org.log(id.as_str().unwrap()).await;
    paths["GET /v1/logs/{id}"] = json!({"id": id});
    let call = org.echo("/v1/chat/completions").json(&chat("hi")).send().await.unwrap();
    let called = log_id(&call);
    org.log(&called).await;
    paths["POST /v1/logs/{id}/replay"] = json!({"id": called});
    let feedback = post("/v1/feedback", json!({"trace_id": "x", "value": 1})).await;
    paths["GET /v1/traces/{trace_id}"] = json!({"trace_id": "trace of one"});
    for method in ["GET", "PUT", "DELETE"] {
        let saved = post("/v1/logs/filters", json!({"name": "x", "filters": {"trace_id": "x"}})).await;
        paths[format!("{method} /v1/logs/filters/{{id}}")] = json!({"id": saved["id"]});
    }
    add_exports(org, &mut paths).await;
    paths["PUT /v1/feedback/{id}"] = json!({"id": feedback["feedback_ids"][0]});
    paths
}

/// One for each operation, in the state that it is good for.
async fn add_exports(org: &Org<'_>, paths: &mut Value) {
    let path = "/v1/logs/exports";
    for (operation, state) in [
        ("GET {}", "draft"),
        ("PUT {}", "draft"),
        ("POST {}/start", "draft"),
        ("POST {}/cancel", "in_progress"),
        ("GET {}/download", "success"),
    ] {
        let made = make_export(org, state).await;
        paths[operation.replace("{}", &format!("{path}/{{id}}"))] = json!({"id": made});
    }
}

/// An export in this state; its id.
async fn make_export(org: &Org<'_>, state: &str) -> String {
    let new = json!({"filters": {}, "requested_data": ["id"]});
    let made = org.request(Method::POST, "/v1/logs/exports").json(&new).send().await.unwrap();
    let made: Value = made.json().await.unwrap();
    let row = log_export::ActiveModel {
        id: Set(made["id"].as_str().unwrap().parse().unwrap()),
        status: Set(state.to_owned()),
        ..Default::default()
    };
    row.update(&org.app.running.db).await.unwrap().id.to_string()
}

/// An export with a file, and the token of a link to it.
async fn linked_export(org: &Org<'_>) -> (String, String) {
    let id = make_export(org, "success").await;
    let link: Value = org.get(&format!("/v1/logs/exports/{id}/download")).await.json().await.unwrap();
    let token = link["url"].as_str().unwrap().split_once("?token=").unwrap().1.to_owned();
    (id, token)
}

/// One for each operation: what is deleted is not called again.
async fn add_webhooks(org: &Org<'_>, paths: &mut Value) {
    let post = async |path: &str, body: Value| -> Value {
        let path = format!("/v1/billing/alerts/webhooks{path}");
        let response = org.admin().request(Method::POST, &path).json(&body).send().await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
        response.json().await.unwrap()
    };
    let webhook = post("", json!({"url": "https://hooks.example.com/one"})).await;
    let delivery = post(&format!("/{}/test", webhook["id"].as_str().unwrap()), json!({})).await;
    let deleted = post("", json!({"url": "https://hooks.example.com/other"})).await;
    paths["POST /v1/billing/alerts/deliveries/{id}/redeliver"] = json!({"id": delivery["id"]});
    let path = "/v1/billing/alerts/webhooks/{id}";
    for operation in ["GET {}", "PUT {}", "POST {}/rotate", "POST {}/test", "GET {}/deliveries"] {
        paths[operation.replace("{}", path)] = json!({"id": webhook["id"]});
    }
    paths[format!("DELETE {path}")] = json!({"id": deleted["id"]});
}

/// One for each operation: who is removed is nobody that another needs, nor what is cancelled.
async fn add_people(org: &Org<'_>, paths: &mut Value) {
    for method in ["GET", "PUT", "DELETE"] {
        paths[format!("{method} /v1/admin/users/{{user}}")] =
            json!({"user": org.person("member", &[]).await.id});
    }
    for operation in ["GET {}", "DELETE {}", "POST {}/resend"] {
        let operation = operation.replace("{}", "/v1/admin/users/invites/{invite}");
        paths[operation] = json!({"invite": invite(org).await["id"]});
    }
    let sessions = org.owner().await.request(Method::GET, "/v1/auth/sessions").send().await.unwrap();
    let sessions: Value = sessions.json().await.unwrap();
    let session = sessions["data"].as_array().unwrap().iter().find(|row| row["current"] == true).unwrap();
    paths["DELETE /v1/auth/sessions/{id}"] = json!({"id": session["id"]});
}

/// Somebody new who is invited.
async fn invite(org: &Org<'_>) -> Value {
    let email = format!("{}@example.com", org.app.running.ids.fresh().simple());
    let body = json!({"email": email, "role": "member", "workspaces": []});
    let request = org.admin().request(Method::POST, "/v1/admin/users/invites").json(&body);
    request.send().await.unwrap().json().await.unwrap()
}

/// A token that somebody may reset their password with.
async fn reset_token(org: &Org<'_>) -> String {
    let (token, user) = (format!("tpw_{}", "0123456789abcdef".repeat(3)), org.person("member", &[]).await.id);
    // Each run has its own.
    let token = token.replace("89abcdef", &org.id.simple().to_string()[24..]);
    let row = entity::password_reset::Model {
        account: tenancy::secret::hash(&user.to_string()).to_vec(),
        user_id: Some(user),
        token_hash: tenancy::secret::hash(&token).to_vec(),
        created_at: 0,
        expires_at: i64::MAX,
    };
    let insert = entity::password_reset::Entity::insert(row.into_active_model());
    insert.exec_without_returning(&org.app.running.db).await.unwrap();
    token
}

/// One for each operation: that which is tested stays where nobody listens.
async fn add_destinations(org: &Org<'_>, paths: &mut Value) {
    let path = "/v1/otel/destinations";
    for operation in ["GET {}", "PUT {}", "DELETE {}", "POST {}/test"] {
        let new = json!({"name": "x", "endpoint": "http://127.0.0.1:1"});
        let response = org.admin().request(Method::POST, path).json(&new).send().await.unwrap();
        let made: Value = response.json().await.unwrap();
        paths[operation.replace("{}", &format!("{path}/{{id}}"))] = json!({"id": made["id"]});
    }
}

/// What a good request has that the document's example cannot know.
async fn bodies(org: &Org<'_>) -> Value {
    let empty = json!({"resourceSpans": []});
    let newcomer = org.person("member", &[]).await.id;
    json!({
        "POST /v1/traces": empty,
        "POST /v1/otel/v1/traces": empty,
        "POST /v1/logs/otel/v1/traces": empty,
        "POST /v1/otel/v1/logs": {"resourceLogs": []},
        "POST /v1/logs/otel/v1/logs": {"resourceLogs": []},
        "POST /v1/auth/login": {"email": org.email, "password": org.password},
        "POST /v1/auth/refresh": {"refresh_token": org.sign_in().await["refresh_token"]},
        "POST /v1/auth/password": {"current_password": org.password, "new_password": "correct horse battery"},
        "POST /v1/logs/{id}/replay": {"metadata": {"try": "2"}},
        "POST /v1/admin/workspaces/{workspace}/users": {"users": [{"id": newcomer, "role": "manager"}]},
        "POST /v1/auth/password/reset/confirm":
            {"token": reset_token(org).await, "new_password": "staple battery horse correct"},
        "POST /v1/auth/invites/accept":
            {"token": token(&invite(org).await["invite_link"]), "password": "correct horse battery staple"},
        "POST /v1/admin/users/invites": {
            "email": "invited@example.com", "role": "member", "workspaces": [{"id": org.workspace, "role": "member"}],
            "workspace_api_key_details": {"scopes": ["completions.write"]}
        },
        "POST /v1/virtual-keys": {"name": "x", "provider": "echo", "workspace_id": org.workspace},
        "POST /v1/configs": {"name": "x", "config": {"provider": "echo"}, "workspace_id": org.workspace},
        "PUT /v1/configs/{slug}": {"config": {"provider": "echo", "retry": {"attempts": 1}}, "workspace_id": org.workspace},
        "POST /v1/guardrails": {"name": "x", "checks": [{"id": "default.notNull"}], "actions": {"deny": true}},
        "PUT /v1/guardrails/{guardrail}": {"checks": [{"id": "default.contains", "parameters": {"words": ["x"]}}]},
        "PUT /v1/virtual-keys/{slug}": {"name": "y", "workspace_id": org.workspace},
        "POST /v1/logs/filters": {"name": "x", "filters": {"status_code": "429"}},
        // Nothing is denied that others ask for.
        "PUT /v1/logs/exports/field-restrictions": {"denied_fields": [], "workspace_id": org.workspace},
        "POST /v1/logs/exports":
            {"filters": {"metadata": {"env": "prod"}}, "requested_data": ["id"], "workspace_id": org.workspace},
        "PUT /v1/logs/exports/{id}": {"filters": {}, "requested_data": ["id"], "workspace_id": org.workspace},
        "PUT /v1/logs/filters/{id}": {"filters": {"status_code": [429]}},
        "POST /v1/api-keys/{type}/{sub_type}":
            {"name": "x", "scopes": ["logs.list"], "workspace_id": org.workspace},
    })
}

async fn start() -> TestApp {
    TestApp::with(|settings| {
        settings.operator_token = Some(OPERATOR_TOKEN.into());
        // An export that is in progress stays so.
        NEVER.clone_into(&mut settings.jobs.log_exports_cron);
        // So that each of who calls has an address, and none has to wait for another's failed sign-ins.
        settings.auth.trust_forwarded_for = true;
    })
    .await
}

/// Whether it was done once. With a clock that is not PostgreSQL's, a server says that it is not ready.
fn done(operation: &str, statuses: &BTreeMap<String, u64>) -> bool {
    statuses.contains_key("200")
        || (operation == "GET /readyz" && statuses.contains_key("503"))
        // Only Stripe can.
        || (operation == "POST /v1/billing/stripe/webhook" && statuses.contains_key("404"))
}

#[tokio::test]
async fn every_operation_answers_as_its_document_says_whoever_calls() {
    let app = start().await;
    let (first, second, third) =
        (app.org(Plan::Production).await, app.org(Plan::Production).await, app.org(Plan::Production).await);
    let bearer = |token: &str| format!("Bearer {token}");
    // Who manages an organisation, and is the operator too.
    let admin = json!({
        "x-portkey-api-key": first.admin_key, "authorization": bearer(OPERATOR_TOKEN), "x-forwarded-for": "192.0.2.1"
    });
    let key = json!({"x-portkey-api-key": second.key, "x-forwarded-for": "192.0.2.2"});
    let owner = bearer(third.sign_in().await["access_token"].as_str().unwrap());
    let owner = json!({"authorization": owner, "x-forwarded-for": "192.0.2.3"});
    // All of it where the database is the stricter.
    let part = if scratch::on_postgres() { 1 } else { 4 };
    let (admin, key, owner) =
        tokio::join!(run(&first, admin, part), run(&second, key, part), run(&third, owner, part));
    let runs = [admin, key, owner];

    let document: Value = app.http.get(app.url("/openapi.json")).send().await.unwrap().json().await.unwrap();
    let documented = document["paths"].as_object().unwrap().values().filter_map(Value::as_object);
    for run in &runs {
        assert_eq!(run.len(), documented.clone().map(serde_json::Map::len).sum::<usize>());
    }
    // Nothing was refused to all of them: what came of good requests was looked at too.
    for operation in runs[0].keys() {
        assert!(runs.iter().any(|run| done(operation, &run[operation])), "{operation} was never done");
    }
}

#[tokio::test]
async fn who_may_less_is_answered_as_the_document_says_too() {
    let app = start().await;
    let orgs =
        [app.org(Plan::Production).await, app.org(Plan::Production).await, app.org(Plan::Production).await];
    let [first, second, third] = &orgs;
    let manager = first.person("member", &[(first.workspace_id(&first.workspace).await, "manager")]).await;
    let member = second.person("member", &[(second.workspace_id(&second.workspace).await, "member")]).await;
    let in_person = |tokens: &Value, address: &str| {
        let bearer = format!("Bearer {}", tokens["access_token"].as_str().unwrap());
        json!({"authorization": bearer, "x-forwarded-for": address})
    };
    let (manager, member) = (in_person(&manager.tokens, "192.0.2.4"), in_person(&member.tokens, "192.0.2.5"));
    // To whom all that is named is of another workspace.
    let next_door = json!({"x-portkey-api-key": third.neighbour().await.0, "x-forwarded-for": "192.0.2.6"});
    let (manager, member, next_door) =
        tokio::join!(run(first, manager, 4), run(second, member, 4), run(third, next_door, 4));
    for operation in ["PUT /v1/virtual-keys/{slug}", "DELETE /v1/guardrails/{guardrail}"] {
        assert!(manager[operation].contains_key("200"), "{operation}: {:?}", manager[operation]);
        for (who, lesser) in [("a member", &member), ("a key from next door", &next_door)] {
            assert!(!lesser[operation].contains_key("200"), "{who}: {operation}: {:?}", lesser[operation]);
        }
    }
    assert!(member["GET /v1/logs"].contains_key("200"), "{:?}", member["GET /v1/logs"]);
}

#[tokio::test]
async fn without_credentials_nothing_is_done_but_what_is_open_to_all() {
    let app = start().await;
    let org = app.org(Plan::Production).await;
    let document: Value = app.http.get(app.url("/openapi.json")).send().await.unwrap().json().await.unwrap();
    for (name, statuses) in run(&org, json!({}), 4).await {
        let (method, path) = name.split_once(' ').unwrap();
        let operation = &document["paths"][path][method.to_lowercase()];
        if operation["security"].as_array().is_some_and(|needs| !needs.is_empty()) {
            assert_eq!(statuses.keys().collect::<Vec<_>>(), ["401"], "{name}");
        } else {
            assert!(done(&name, &statuses), "{name}: {statuses:?}");
        }
    }
}

#[tokio::test]
async fn the_page_loads_nothing_from_elsewhere() {
    let app = TestApp::start().await;
    let get = async |path: &str| {
        let response = app.http.get(app.url(path)).send().await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
        response.text().await.unwrap()
    };
    let page = get("/docs").await;
    let loaded: Vec<&str> = page
        .split(['\n', ' '])
        .filter_map(|word| word.strip_prefix("src=\"").or_else(|| word.strip_prefix("href=\"")))
        .map(|rest| rest.split('"').next().unwrap())
        .collect();
    assert!(loaded.len() >= 5, "{page}");
    for file in loaded {
        get(&format!("/docs/{file}")).await;
    }
    let start = get("/docs/swagger-initializer.js").await;
    assert!(start.contains(r#""url": "/openapi.json""#), "{start}");
    assert!(start.contains(r#""validatorUrl": "none""#), "{start}");
    assert!(!start.contains("://"), "{start}");
}
