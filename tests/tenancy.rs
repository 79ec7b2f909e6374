//! Nobody reaches what is another's, and nobody can tell whether it is there.

mod document;
mod furnish;
mod ids;
mod keys;
mod ways;

use plans::Plan;
use reqwest::{Method, Response};
use sea_orm::EntityTrait as _;
use sea_orm::prelude::Uuid;
use serde_json::{Value, json};

use crate::harness::{Caller, Org, TestApp, chat, log_id};
use crate::routes::{GATEWAY, method};
use document::Document;
use furnish::{THEIRS, furnish, furnish_own};
use ids::{Ids, Place};
pub use keys::some_path;
use ways::{Ask, ways_to_call};

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

/// Status and body, with every id that may have been asked for made the same.
async fn answer(caller: &Caller<'_>, verb: &str, ask: &Ask, ids: [&Ids; 2]) -> (u16, String) {
    let response = send(caller, verb, ask).await;
    let status = response.status().as_u16();
    let body = response.text().await.unwrap();
    let ids = ids.iter().flat_map(|ids| ids.all());
    (status, ids.fold(body, |body, (_, id)| body.replace(id, "[id]")))
}

/// Tries every route with `theirs` and with nobody's ids: the answers must be the same, and have nothing of theirs.
async fn try_everything(caller: &Caller<'_>, own: &Ids, theirs: &Ids, place: Place, calls: bool) {
    let (nobodys, document) = (theirs.nobodys(), Document::of(caller).await);
    let both = [theirs, &nobodys];
    // What is made or changed here may have their ids for names.
    let order = |route: &&api::Route| ["GET", "DELETE"].iter().position(|method| *method == route.method);
    let mut routes: Vec<_> = api::ROUTES.iter().collect();
    routes.sort_by_key(|route| order(route).unwrap_or(2));
    for route in routes {
        for pairs in theirs.pairs(&nobodys, &document, route, own, place) {
            for (with_theirs, with_nobodys) in &pairs {
                let expected = answer(caller, route.method, with_nobodys, both).await;
                let seen = answer(caller, route.method, with_theirs, both).await;
                let about = format!("{} {with_theirs:?}: {seen:?}", route.method);
                assert!(seen.0 < 500 && !seen.1.contains(THEIRS), "{about}");
                assert_eq!(seen.0, expected.0, "{about} {expected:?}");
                if route.method != "GET" && seen.0 < 400 {
                    // It takes any text. What is made or changed has ids and times of its own.
                    break;
                }
                assert_eq!(seen.1, expected.1, "{about}");
            }
        }
    }
    if !calls {
        return;
    }
    for (verb, path) in GATEWAY {
        for (with_theirs, with_nobodys) in
            ways_to_call(path, theirs).iter().zip(&ways_to_call(path, &nobodys))
        {
            let seen = answer(caller, verb, with_theirs, both).await;
            let expected = answer(caller, verb, with_nobodys, both).await;
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
    let feedback = entity::feedback::Entity::find_by_id(ids.feedback.parse::<Uuid>().unwrap());
    assert_eq!(feedback.one(&org.app.running.db).await.unwrap().unwrap().value, 3);
    let saved: Value = org.get(&format!("/v1/logs/filters/{}", ids.saved_filter)).await.json().await.unwrap();
    assert_eq!(saved["name"], THEIRS, "{saved}");
    let export: Value = org.get(&format!("/v1/logs/exports/{}", ids.log_export)).await.json().await.unwrap();
    assert_eq!((&export["description"], &export["status"]), (&json!(THEIRS), &json!("draft")), "{export}");
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
    let other = app.org(Plan::Developer).await;
    let theirs = furnish(&other).await;
    for who in 0..3 {
        let org = app.org(Plan::Developer).await;
        let maker = org.with_key(&org.key);
        let own = furnish_own(&maker, &org.workspace, &theirs).await;
        let caller = match who {
            0 => maker,
            1 => org.admin(),
            _ => org.owner().await,
        };
        nothing_is_theirs(&org, &theirs).await;
        try_everything(&caller, &own, &theirs, Place::Organisation, who == 0).await;
    }
    assert_untouched(&other, &theirs).await;
}

/// Of what is listed without naming anything.
async fn nothing_is_theirs(org: &Org<'_>, theirs: &Ids) {
    for path in ["/v1/billing/alerts", "/v1/billing/alerts/webhooks", "/v1/otel/destinations"] {
        let body = org.admin().request(Method::GET, path).send().await.unwrap().text().await.unwrap();
        assert!(body.contains(r#""total":0"#), "{path}: {body}");
    }
    for path in ["/v1/admin/users", "/v1/admin/users/invites"] {
        let body = org.admin().request(Method::GET, path).send().await.unwrap().text().await.unwrap();
        for secret in theirs.all().iter().map(|(_, id)| *id).chain([THEIRS]) {
            assert!(!body.contains(secret), "{path} has {secret}: {body}");
        }
    }
    for path in [
        "/v1/logs",
        "/v1/logs/values?field=api_key",
        "/v1/logs/values?field=workspace",
        "/v1/logs/filters",
        "/v1/logs/exports",
        "/v1/traces",
        "/v1/api-keys",
        "/v1/virtual-keys",
        "/v1/configs",
        "/v1/guardrails",
        "/v1/usage",
        "/v1/models",
    ] {
        let body = org.get(path).await.text().await.unwrap();
        for secret in theirs.all().iter().map(|(_, id)| *id).chain([THEIRS]) {
            assert!(!body.contains(secret), "{path} has {secret}: {body}");
        }
    }
}

#[tokio::test]
async fn the_same_attempts_are_another_matter_for_those_whose_ids_they_are() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Enterprise).await;
    let theirs = furnish(&org).await;
    let nobodys = theirs.nobodys();
    let both = [&theirs, &nobodys];
    let owner = org.with_key(&org.key);
    let document = Document::of(&owner).await;
    for (verb, path) in GATEWAY.into_iter().filter(|(_, path)| *path != "/v1/realtime") {
        for (with_theirs, with_nobodys) in
            ways_to_call(path, &theirs).iter().zip(&ways_to_call(path, &nobodys))
        {
            let seen = answer(&owner, verb, with_theirs, both).await;
            assert_ne!(seen, answer(&owner, verb, with_nobodys, both).await, "{verb} {path}");
        }
    }
    for route in api::ROUTES {
        let mut differs = false;
        let of_all = ["/v1/billing/", "/v1/otel/", "/v1/admin/", "/v1/audit-logs"]
            .iter()
            .any(|prefix| route.path.starts_with(prefix));
        let owner = if of_all { org.admin() } else { org.with_key(&org.key) };
        let pairs = theirs.pairs(&nobodys, &document, route, &theirs, Place::Organisation);
        for (with_theirs, with_nobodys) in pairs.flatten() {
            let seen = answer(&owner, route.method, &with_theirs, both).await;
            let expected = answer(&owner, route.method, &with_nobodys, both).await;
            differs = if route.method == "GET" { seen != expected } else { seen.0 != expected.0 };
            if differs {
                break;
            }
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
            // By its link's token alone.
            || route.path == "/v1/logs/exports/{id}/file"
            || route.path.starts_with("/v1/model-configs/")
            || route.path.contains("/otel/v1/")
            || route.path == "/v1/billing/stripe/webhook";
        assert_eq!(differs, !nameless, "{} {}: the attempts prove nothing", route.method, route.path);
    }
}

#[tokio::test]
async fn another_workspaces_ids_are_as_nobodys_on_every_route() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let theirs = furnish(&org).await;
    let (key, slug) = org.neighbour().await;
    let next_door = org.with_key(&key);
    let call = next_door.request(Method::POST, "/v1/chat/completions").header("x-portkey-provider", "echo");
    org.log_for(&next_door, &log_id(&call.json(&chat("hi")).send().await.unwrap())).await;
    // The organisation's own key reaches both, one at a time or together.
    for (query, count) in [
        (format!("workspace_slug={slug}"), 1),
        (format!("workspace_slug={}", org.workspace), 1),
        (String::new(), 2),
    ] {
        let page = org.admin().request(Method::GET, &format!("/v1/logs?{query}")).send().await.unwrap();
        assert_eq!(page.json::<Value>().await.unwrap()["data"].as_array().unwrap().len(), count, "{query}");
    }
    let own = furnish_own(&next_door, &slug, &theirs).await;
    try_everything(&next_door, &own, &theirs, Place::Workspace, true).await;
    assert_untouched(&org, &theirs).await;
    for path in [
        "/v1/logs",
        "/v1/logs/exports",
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
}

#[tokio::test]
async fn to_people_of_another_workspace_its_ids_are_as_nobodys_on_every_route() {
    let app = TestApp::start().await;
    for role in ["manager", "member"] {
        let org = app.org(Plan::Developer).await;
        let theirs = furnish(&org).await;
        let (key, slug) = org.another_workspace(role).await;
        let person = org.person("member", &[(org.workspace_id(&slug).await, role)]).await;
        let own = furnish_own(&org.with_key(&key), &slug, &theirs).await;
        try_everything(&person.caller, &own, &theirs, Place::Workspace, false).await;
        let lists = [
            "/v1/logs",
            "/v1/logs/exports",
            "/v1/traces",
            "/v1/virtual-keys",
            "/v1/configs",
            "/v1/guardrails",
        ];
        for path in lists {
            let seen = person.caller.request(Method::GET, path).send().await.unwrap();
            let body = seen.text().await.unwrap();
            assert!(!body.contains(THEIRS) && !body.contains(&theirs.log), "{role}: {path}: {body}");
        }
        assert_untouched(&org, &theirs).await;
    }
}

#[tokio::test]
async fn who_may_only_read_learns_nothing_from_trying_to_change() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let theirs = furnish(&org).await;
    let nobodys = theirs.nobodys();
    let both = [&theirs, &nobodys];
    let member = org.person("member", &[(org.workspace_id(&org.workspace).await, "member")]).await.caller;
    let document = Document::of(&member).await;
    // What is theirs to do: their logs, what they think of them, and how they look for them.
    let logs = ["/v1/logs/filters", "/v1/logs/otel/", "/v1/logs/{id}/"];
    let own = [&logs[..], &["/v1/auth/", "/v1/feedback", "/v1/billing/stripe"]].concat();
    let routes = api::ROUTES.iter().filter(|route| route.method != "GET");
    for route in routes.filter(|route| !own.iter().any(|prefix| route.path.starts_with(prefix))) {
        let pairs = theirs.pairs(&nobodys, &document, route, &theirs, Place::Organisation);
        for (with_theirs, with_nobodys) in pairs.filter_map(|pairs| pairs.into_iter().next()) {
            let seen = answer(&member, route.method, &with_theirs, both).await;
            let expected = answer(&member, route.method, &with_nobodys, both).await;
            assert_eq!(seen, expected, "{} {with_theirs:?}", route.method);
            assert_eq!(seen.0, 403, "{} {with_theirs:?}: {}", route.method, seen.1);
        }
    }
    assert_untouched(&org, &theirs).await;
}
