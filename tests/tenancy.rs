//! Nobody reaches what is another's, and nobody can tell whether it is there.

mod keys;
mod ways;

use plans::Plan;
use reqwest::{Method, RequestBuilder, Response};
use sea_orm::{EntityTrait as _, IntoActiveModel as _};
use serde_json::{Value, json};

use crate::harness::{Caller, Org, TestApp, chat, log_id};
use crate::routes::{GATEWAY, JSON, method};
pub use keys::some_path;
use ways::{Ask, ways, ways_to_call};

/// A provider that can never be reached.
const NOWHERE: &str = "http://127.0.0.1:1/v1";

/// What only its owner may ever see.
const THEIRS: &str = "for-their-eyes-only";

/// The ids of one organisation's things, or of nobody's.
struct Ids {
    organisation: String,
    workspace: String,
    user: String,
    member: String,
    invite: String,
    log: String,
    api_key: String,
    virtual_key: String,
    config: String,
    guardrail: String,
    webhook: String,
    delivery: String,
    feedback: String,
    saved_filter: String,
    destination: String,
    invoice: String,
    trace: String,
    cursor: String,
}

impl Ids {
    /// Well formed, and nobody's.
    fn nobodys() -> Self {
        Self {
            organisation: "11111111-1111-4111-8111-111111111111".to_owned(),
            workspace: "ws-nobody-000000".to_owned(),
            user: "22222222-2222-4222-8222-222222222222".to_owned(),
            member: "99999999-9999-4999-8999-999999999999".to_owned(),
            invite: "99999999-9999-4999-8999-999999999998".to_owned(),
            log: "01900000-0000-7000-8000-000000000001".to_owned(),
            api_key: "33333333-3333-4333-8333-333333333333".to_owned(),
            virtual_key: "nobody-000000".to_owned(),
            config: "pc-of-nobody-111111".to_owned(),
            guardrail: "pg-of-nobody-111111".to_owned(),
            webhook: "44444444-4444-4444-8444-444444444444".to_owned(),
            delivery: "55555555-5555-4555-8555-555555555555".to_owned(),
            feedback: "77777777-7777-4777-8777-777777777777".to_owned(),
            saved_filter: "99999999-9999-4999-8999-999999999999".to_owned(),
            destination: "88888888-8888-4888-8888-888888888888".to_owned(),
            invoice: "66666666-6666-4666-8666-666666666666".to_owned(),
            trace: "trace-of-nobody".to_owned(),
            cursor: "AZAAAAAAcACAAAAAAAAAAQ".to_owned(),
        }
    }

    fn all(&self) -> [&str; 17] {
        [
            &self.organisation,
            &self.workspace,
            &self.user,
            &self.member,
            &self.invite,
            &self.log,
            &self.api_key,
            &self.virtual_key,
            &self.config,
            &self.guardrail,
            &self.webhook,
            &self.delivery,
            &self.feedback,
            &self.saved_filter,
            &self.destination,
            &self.invoice,
            &self.trace,
        ]
    }
}

/// Makes one of each thing in the organisation's workspace.
async fn furnish(org: &Org<'_>) -> Ids {
    let answer = async |request: RequestBuilder| -> Value {
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        response.json().await.unwrap()
    };
    let post = |path: &str| org.request(Method::POST, path);
    let key = json!({"name": THEIRS, "scopes": ["logs.list"]});
    let api_key = answer(post("/v1/api-keys/workspace/service").json(&key)).await;
    let key = json!({"name": "theirs", "provider": "openai", "key": format!("sk-{THEIRS}"), "note": THEIRS,
        "custom_host": NOWHERE});
    let virtual_key = answer(post("/v1/virtual-keys").json(&key)).await;
    let config = json!({"name": THEIRS, "config": {"virtual_key": virtual_key["data"]["slug"]}});
    let config = answer(post("/v1/configs").json(&config)).await;
    let guardrail = answer(post("/v1/guardrails").json(&guardrail(THEIRS))).await;
    let to = |path: &str| org.admin().request(Method::POST, &format!("/v1/billing/alerts/webhooks{path}"));
    let webhook = answer(to("").json(&json!({"url": format!("http://127.0.0.1:1/{THEIRS}")}))).await;
    let webhook = webhook["id"].as_str().unwrap().to_owned();
    let delivery = answer(to(&format!("/{webhook}/test"))).await;
    let destination = json!({"name": THEIRS, "endpoint": format!("http://127.0.0.1:1/{THEIRS}")});
    let to_tool = org.admin().request(Method::POST, "/v1/otel/destinations");
    let destination = answer(to_tool.json(&destination)).await;
    let call = org.echo("/v1/chat/completions").header("x-portkey-trace-id", "trace-of-theirs");
    let log = log_id(&call.json(&chat(THEIRS)).send().await.unwrap());
    org.log(&log).await;
    let feedback = post("/v1/feedback").json(&json!({"trace_id": "trace-of-theirs", "value": 3}));
    let feedback = answer(feedback).await;
    let saved = json!({"name": THEIRS, "filters": {"trace_id": "trace-of-theirs"}});
    let saved = answer(post("/v1/logs/filters").json(&saved)).await;
    let invite = json!({"email": format!("{THEIRS}@example.com"), "role": "member", "workspaces": []});
    let invite = answer(org.admin().request(Method::POST, "/v1/admin/users/invites").json(&invite)).await;
    let page: Value = org.get("/v1/logs?limit=1").await.json().await.unwrap();
    assert_eq!(page["data"][0]["id"], log.as_str());
    let user = entity::membership::Entity::find().all(&org.app.running.db).await.unwrap();
    let is_owner = |row: &&entity::membership::Model| row.organisation_id == org.id && row.role == "owner";
    let user = user.iter().find(is_owner).unwrap().user_id;
    let member = org.person("member", &[(org.workspace_id(&org.workspace).await, "member")]).await.id;
    Ids {
        organisation: org.id.to_string(),
        workspace: org.workspace.clone(),
        user: user.to_string(),
        member: member.to_string(),
        invite: invite["id"].as_str().unwrap().to_owned(),
        api_key: api_key["id"].as_str().unwrap().to_owned(),
        virtual_key: virtual_key["data"]["slug"].as_str().unwrap().to_owned(),
        config: config["slug"].as_str().unwrap().to_owned(),
        guardrail: guardrail["slug"].as_str().unwrap().to_owned(),
        webhook,
        delivery: delivery["id"].as_str().unwrap().to_owned(),
        feedback: feedback["feedback_ids"][0].as_str().unwrap().to_owned(),
        saved_filter: saved["id"].as_str().unwrap().to_owned(),
        destination: destination["id"].as_str().unwrap().to_owned(),
        invoice: invoiced(org).await,
        trace: "trace-of-theirs".to_owned(),
        cursor: Ids::nobodys().cursor,
        log,
    }
}

/// What a guardrail of that name is made from.
fn guardrail(name: &str) -> Value {
    json!({"name": name, "checks": [{"id": "default.notNull", "parameters": {}}], "actions": {"deny": true}})
}

/// Drafts an invoice of the organisation; its id.
async fn invoiced(org: &Org<'_>) -> String {
    let row = entity::invoice::Model {
        id: org.app.running.ids.fresh(),
        organisation_id: org.id,
        month: 202_610,
        status: "draft".to_owned(),
        number: None,
        catalogue_version: plans::CATALOGUE_VERSION.to_owned(),
        total_cents: 0,
        document: json!({}),
        drafted_at: org.app.clock.now_ms(),
        finalised_at: None,
    };
    let id = row.id.to_string();
    let insert = entity::invoice::Entity::insert(row.into_active_model());
    insert.exec_without_returning(&org.app.running.db).await.unwrap();
    id
}

async fn send(caller: &Caller<'_>, verb: &str, ask: &Ask) -> Response {
    let mut request = caller.request(method(verb), &ask.path);
    for (name, value) in &ask.headers {
        request = request.header(*name, value);
    }
    if let Some(body) = &ask.body {
        request = request.json(body);
    }
    request.send().await.unwrap()
}

/// Status and body, with every id that was asked for made the same.
async fn answer(caller: &Caller<'_>, verb: &str, ask: &Ask, ids: &Ids) -> (u16, String) {
    let response = send(caller, verb, ask).await;
    let status = response.status().as_u16();
    let mut body = response.text().await.unwrap();
    for id in ids.all() {
        body = body.replace(id, "[id]");
    }
    (status, body)
}

/// Tries every route with `theirs` and with nobody's ids: the answers must be the same, and have nothing of theirs.
async fn try_everything(caller: &Caller<'_>, own: &Ids, theirs: &Ids, stranger: bool, calls: bool) {
    let nobodys = Ids::nobodys();
    for route in api::ROUTES {
        let both = ways(route, theirs, own, stranger).into_iter().zip(ways(route, &nobodys, own, stranger));
        for (with_theirs, with_nobodys) in both {
            let seen = answer(caller, route.method, &with_theirs, theirs).await;
            let expected = answer(caller, route.method, &with_nobodys, &nobodys).await;
            assert_eq!(seen, expected, "{} {}", route.method, with_theirs.path);
            assert!(!seen.1.contains(THEIRS), "{} {}: {}", route.method, with_theirs.path, seen.1);
            let filtered =
                ["/v1/logs?", "/v1/audit-logs?"].iter().any(|list| with_theirs.path.starts_with(list));
            assert!(
                filtered || (400..500).contains(&seen.0),
                "{} {}: {seen:?}",
                route.method,
                with_theirs.path
            );
        }
    }
    if !calls {
        return;
    }
    for (verb, path) in GATEWAY {
        for (with_theirs, with_nobodys) in
            ways_to_call(path, theirs).iter().zip(&ways_to_call(path, &nobodys))
        {
            let seen = answer(caller, verb, with_theirs, theirs).await;
            let expected = answer(caller, verb, with_nobodys, &nobodys).await;
            assert_eq!(seen, expected, "{verb} {path}");
            let status = if path == "/v1/realtime" { 501 } else { 400 };
            assert_eq!(seen.0, status, "{verb} {path}: {}", seen.1);
        }
    }
}

/// That what was tried on them left everything as it was.
async fn assert_untouched(org: &Org<'_>, ids: &Ids) {
    let key: Value = org.get(&format!("/v1/api-keys/{}", ids.api_key)).await.json().await.unwrap();
    assert_eq!((&key["name"], &key["status"]), (&json!(THEIRS), &json!("active")), "{key}");
    let key: Value = org.get(&format!("/v1/virtual-keys/{}", ids.virtual_key)).await.json().await.unwrap();
    assert_eq!(
        (&key["data"]["name"], &key["data"]["note"], &key["data"]["status"]),
        (&json!("theirs"), &json!(THEIRS), &json!("active")),
        "{key}"
    );
    let config: Value = org.get(&format!("/v1/configs/{}", ids.config)).await.json().await.unwrap();
    assert_eq!((&config["name"], &config["status"]), (&json!(THEIRS), &json!("active")), "{config}");
    assert_eq!(config["config"], json!({"virtual_key": ids.virtual_key}));
    let guardrail: Value = org.get(&format!("/v1/guardrails/{}", ids.guardrail)).await.json().await.unwrap();
    assert_eq!(
        (&guardrail["name"], &guardrail["actions"]),
        (&json!(THEIRS), &json!({"deny": true})),
        "{guardrail}"
    );
    let path = format!("/v1/billing/alerts/webhooks/{}", ids.webhook);
    let hook: Value = org.admin().request(Method::GET, &path).send().await.unwrap().json().await.unwrap();
    assert!(hook["url"].as_str().unwrap().ends_with(THEIRS) && hook["status"] == "active", "{hook}");
    assert_eq!(org.app.count("SELECT count(*) FROM feedback WHERE value <> 3").await, 0);
    let saved: Value = org.get(&format!("/v1/logs/filters/{}", ids.saved_filter)).await.json().await.unwrap();
    assert_eq!(saved["name"], THEIRS, "{saved}");
    let path = format!("/v1/otel/destinations/{}", ids.destination);
    let tool: Value = org.admin().request(Method::GET, &path).send().await.unwrap().json().await.unwrap();
    assert!(tool["endpoint"].as_str().unwrap().ends_with(THEIRS) && tool["name"] == THEIRS, "{tool}");
    let path = format!("/v1/admin/users/invites/{}", ids.invite);
    let invite: Value = org.admin().request(Method::GET, &path).send().await.unwrap().json().await.unwrap();
    assert_eq!(invite["status"], "pending", "{invite}");
    let path = format!("/v1/admin/users/{}", ids.user);
    let user: Value = org.admin().request(Method::GET, &path).send().await.unwrap().json().await.unwrap();
    assert_eq!(user["role"], "owner", "{user}");
    let log = org.log(&ids.log).await;
    assert!(log.to_string().contains(THEIRS), "{log}");
    assert_eq!(org.list("").await.len(), 1);
}

#[tokio::test]
async fn another_organisations_ids_are_as_nobodys_on_every_route() {
    let app = TestApp::start().await;
    let (org, other) = (app.org(Plan::Developer).await, app.org(Plan::Developer).await);
    let theirs = furnish(&other).await;
    let mut own = furnish_own(&org).await;
    try_everything(&org.with_key(&org.key), &own, &theirs, true, true).await;
    // The attempts deleted nothing but were made on our own things too.
    own.api_key = furnish_own(&org).await.api_key;
    try_everything(&org.admin(), &own, &theirs, true, false).await;
    own.api_key = furnish_own(&org).await.api_key;
    try_everything(&org.owner().await, &own, &theirs, true, false).await;
    assert_untouched(&other, &theirs).await;

    for path in ["/v1/billing/alerts", "/v1/billing/alerts/webhooks", "/v1/otel/destinations"] {
        let body = org.admin().request(Method::GET, path).send().await.unwrap().text().await.unwrap();
        assert!(body.contains(r#""total":0"#), "{path}: {body}");
    }
    for path in ["/v1/admin/users", "/v1/admin/users/invites"] {
        let body = org.admin().request(Method::GET, path).send().await.unwrap().text().await.unwrap();
        for secret in theirs.all().into_iter().chain([THEIRS]) {
            assert!(!body.contains(secret), "{path} has {secret}: {body}");
        }
    }
    // Without naming anything.
    for path in [
        "/v1/logs",
        "/v1/logs/values?field=api_key",
        "/v1/logs/values?field=workspace",
        "/v1/logs/filters",
        "/v1/traces",
        "/v1/api-keys",
        "/v1/virtual-keys",
        "/v1/configs",
        "/v1/guardrails",
        "/v1/usage",
        "/v1/models",
    ] {
        let body = org.get(path).await.text().await.unwrap();
        for secret in theirs.all().into_iter().chain([THEIRS]) {
            assert!(!body.contains(secret), "{path} has {secret}: {body}");
        }
    }
}

#[tokio::test]
async fn the_same_attempts_are_another_matter_for_those_whose_ids_they_are() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Enterprise).await;
    let (theirs, nobodys) = (furnish(&org).await, Ids::nobodys());
    let owner = org.with_key(&org.key);
    for (verb, path) in GATEWAY.into_iter().filter(|(_, path)| *path != "/v1/realtime") {
        for (with_theirs, with_nobodys) in
            ways_to_call(path, &theirs).iter().zip(&ways_to_call(path, &nobodys))
        {
            let seen = answer(&owner, verb, with_theirs, &theirs).await;
            assert_ne!(seen, answer(&owner, verb, with_nobodys, &nobodys).await, "{verb} {path}");
        }
    }
    for route in api::ROUTES {
        let mut differs = false;
        let of_all = ["/v1/billing/", "/v1/otel/", "/v1/admin/", "/v1/audit-logs"]
            .iter()
            .any(|prefix| route.path.starts_with(prefix));
        let owner = if of_all { org.admin() } else { org.with_key(&org.key) };
        let both = ways(route, &theirs, &theirs, true).into_iter().zip(ways(route, &nobodys, &theirs, true));
        for (with_theirs, with_nobodys) in both {
            let seen = answer(&owner, route.method, &with_theirs, &theirs).await;
            differs |= seen != answer(&owner, route.method, &with_nobodys, &nobodys).await;
        }
        // On these nothing can be named at all, or only by who shows a password too.
        let nameless = matches!((route.method, route.path), ("POST", "/v1/logs") | ("GET", "/v1/usage"))
            || route.path.starts_with("/v1/auth/")
            || matches!(route.path, "/v1/billing/alerts" | "/v1/billing/alerts/webhooks")
            || matches!(route.path, "/v1/billing/plan" | "/v1/billing/caps" | "/v1/billing/invoices")
            || (route.method, route.path) == ("GET", "/v1/otel/destinations")
            || (route.method, route.path) == ("GET", "/v1/admin/workspaces")
            || matches!((route.method, route.path), ("GET", "/v1/admin/users" | "/v1/admin/users/invites"))
            || (route.method, route.path) == ("POST", "/v1/traces")
            || route.path == "/v1/logs/filters"
            || route.path.starts_with("/v1/model-configs/")
            || route.path.contains("/otel/v1/")
            || route.path == "/v1/billing/stripe/webhook";
        assert_eq!(differs, !nameless, "{} {}: the attempts prove nothing", route.method, route.path);
    }
}

/// As [`furnish`], with content of no interest.
async fn furnish_own(org: &Org<'_>) -> Ids {
    let post = |path: &str, body: Value| org.request(Method::POST, path).json(&body).send();
    let key = json!({"name": "mine", "scopes": ["logs.list"]});
    let api_key: Value = post("/v1/api-keys/workspace/service", key).await.unwrap().json().await.unwrap();
    let key = json!({"name": "mine", "provider": "echo"});
    let virtual_key: Value = post("/v1/virtual-keys", key).await.unwrap().json().await.unwrap();
    let config = json!({"name": "mine", "config": {"provider": "echo"}});
    let config: Value = post("/v1/configs", config).await.unwrap().json().await.unwrap();
    let guardrail = post("/v1/guardrails", guardrail("mine"));
    let guardrail: Value = guardrail.await.unwrap().json().await.unwrap();
    Ids {
        workspace: org.workspace.clone(),
        api_key: api_key["id"].as_str().unwrap().to_owned(),
        virtual_key: virtual_key["data"]["slug"].as_str().unwrap().to_owned(),
        config: config["slug"].as_str().unwrap().to_owned(),
        guardrail: guardrail["slug"].as_str().unwrap().to_owned(),
        ..Ids::nobodys()
    }
}

#[tokio::test]
async fn another_workspaces_ids_are_as_nobodys_on_every_route() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let theirs = furnish(&org).await;
    let (key, slug) = org.neighbour().await;
    let next_door = org.with_key(&key);
    let post = |path: &str, body: Value| next_door.request(Method::POST, path).json(&body).send();
    let made = post("/v1/api-keys/workspace/service", json!({"name": "mine", "scopes": ["logs.list"]}));
    let made: Value = made.await.unwrap().json().await.unwrap();
    let virtual_key = post("/v1/virtual-keys", json!({"name": "mine", "provider": "echo"}));
    let virtual_key: Value = virtual_key.await.unwrap().json().await.unwrap();
    let config = post("/v1/configs", json!({"name": "mine", "config": {"provider": "echo"}}));
    let config: Value = config.await.unwrap().json().await.unwrap();
    let guardrail = post("/v1/guardrails", guardrail("mine"));
    let guardrail: Value = guardrail.await.unwrap().json().await.unwrap();
    let own = Ids {
        workspace: slug.clone(),
        api_key: made["id"].as_str().unwrap().to_owned(),
        virtual_key: virtual_key["data"]["slug"].as_str().unwrap().to_owned(),
        config: config["slug"].as_str().unwrap().to_owned(),
        guardrail: guardrail["slug"].as_str().unwrap().to_owned(),
        ..Ids::nobodys()
    };
    try_everything(&next_door, &own, &theirs, false, true).await;
    assert_untouched(&org, &theirs).await;
    for path in [
        "/v1/logs",
        "/v1/logs/values?field=virtual_key",
        "/v1/traces",
        "/v1/api-keys",
        "/v1/virtual-keys",
        "/v1/configs",
        "/v1/guardrails",
        "/v1/models",
    ] {
        let body = next_door.request(Method::GET, path).send().await.unwrap().text().await.unwrap();
        assert!(!body.contains(THEIRS) && !body.contains(&theirs.log), "{path}: {body}");
    }
    // Each way twice, and the models above.
    let calls = 2 * (4 * GATEWAY.len() + JSON.len()) + 1;
    org.usage_of(u64::try_from(calls).unwrap() + 1).await;
    // The organisation's own key reaches both, one at a time or together.
    let count = async |query: &str| {
        let page =
            org.admin().request(Method::GET, &format!("/v1/logs?limit=1000{query}")).send().await.unwrap();
        page.json::<Value>().await.unwrap()["data"].as_array().unwrap().len()
    };
    assert_eq!(count(&format!("&workspace_slug={slug}")).await, calls);
    assert_eq!(count(&format!("&workspace_slug={}", org.workspace)).await, 1);
    assert_eq!(count("").await, calls + 1);
}
