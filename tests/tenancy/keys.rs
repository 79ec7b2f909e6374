//! Which key opens what, and until when.

use std::time::Duration;

use plans::Plan;
use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::harness::{Org, TestApp, chat, log_id, until};
use crate::routes::{GATEWAY, method};

/// A path of the route with parameters that may or may not exist: whoever is turned away is so before that matters.
pub fn some_path(route: &api::Route) -> String {
    const NOBODYS: &str = "01900000-0000-7000-8000-000000000001";
    let path = route.path.replace("{type}/{sub_type}", "workspace/service");
    let names = ["{id}", "{slug}", "{guardrail}", "{workspace}", "{user}", "{invite}"];
    names.iter().fold(path, |path, name| path.replace(name, NOBODYS))
}

/// The routes that ask who calls.
fn guarded() -> impl Iterator<Item = &'static api::Route> {
    api::ROUTES.iter().filter(|route| route.access != api::Access::Public)
}

async fn assert_refused(response: Response, status: u16, code: &str, what: &str) {
    assert_eq!(response.status(), status, "{what}");
    let body: Value = response.json().await.unwrap();
    // Guardrails are refused in a shape of their own (1.5).
    if what.contains("/v1/guardrails") {
        assert_eq!(body["error"]["code"], code, "{what}: {body}");
        assert!(body["error"]["message"].is_string() && body["error"]["type"].is_string(), "{what}: {body}");
        return;
    }
    assert_eq!(
        (&body["success"], &body["data"]["errorCode"]),
        (&json!(false), &json!(code)),
        "{what}: {body}"
    );
    assert!(body["data"]["message"].is_string(), "{what}: {body}");
}

async fn assert_failure(response: Response, status: u16, what: &str) {
    assert_eq!(response.status(), status, "{what}");
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["status"], "failure", "{what}: {body}");
    assert!(body["message"].is_string(), "{what}: {body}");
}

#[tokio::test]
async fn without_a_key_or_with_a_wrong_one_every_route_is_401() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let long = "k".repeat(10_000);
    let wrong =
        ["tpk_000000000000000000000000000000000000000000000000", "nonsense", "' OR 1=1 --", long.as_str()];
    let keys = [None].into_iter().chain(wrong.map(Some));
    for key in keys {
        let to = |verb: &str, path: &str| match key {
            Some(key) => org.with_key(key).request(method(verb), path),
            None => app.http.request(method(verb), app.url(path)),
        };
        for route in guarded() {
            let response = to(route.method, &some_path(route)).send().await.unwrap();
            let what = format!("{} {} with {key:?}", route.method, route.path);
            assert_refused(response, 401, "AB05", &what).await;
        }
        for (verb, path) in GATEWAY {
            let response = to(verb, path).json(&chat("hi")).send().await.unwrap();
            assert_failure(response, 401, &format!("{verb} {path} with {key:?}")).await;
        }
    }
    assert_eq!(app.count("SELECT count(*) FROM usage").await, 0, "strangers are on nobody's meter");
}

/// A key of the organisation's workspace with these scopes alone; its secret and id.
async fn key_with(org: &Org<'_>, more: &Value) -> (String, String) {
    let mut body = json!({"name": "a key", "scopes": ["prompts.read"]});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let response =
        org.request(Method::POST, "/v1/api-keys/workspace/service").json(&body).send().await.unwrap();
    assert_eq!(response.status(), 200);
    let made: Value = response.json().await.unwrap();
    (made["key"].as_str().unwrap().to_owned(), made["id"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn without_the_scope_every_route_is_403() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let (key, _) = key_with(&org, &json!({})).await;
    let caller = org.with_key(&key);
    for route in guarded() {
        let response = caller.request(method(route.method), &some_path(route)).send().await.unwrap();
        assert_refused(response, 403, "AB03", &format!("{} {}", route.method, route.path)).await;
    }
    for (verb, path) in GATEWAY {
        let response = caller.request(method(verb), path).json(&chat("hi")).send().await.unwrap();
        assert_failure(response, 403, &format!("{verb} {path}")).await;
    }
    for half in ["completions.write", "logs.write"] {
        let (key, _) = key_with(&org, &json!({"scopes": [half]})).await;
        let response =
            org.with_key(&key).request(Method::POST, "/v1/logs").json(&json!({})).send().await.unwrap();
        assert_refused(response, 403, "AB03", &format!("POST /v1/logs with {half} alone")).await;
    }
}

#[tokio::test]
async fn each_route_opens_with_the_scopes_that_it_names_and_no_others() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    for route in api::ROUTES {
        let path = some_path(route);
        let (any, all) = match &route.access {
            // No key of a workspace opens what is a person's or the owner's.
            api::Access::Public | api::Access::Person | api::Access::Owner | api::Access::OwnerOr(_) => {
                continue;
            }
            api::Access::PersonOr(scope) => (std::slice::from_ref(scope), &[][..]),
            api::Access::AnyOf(scopes) => (*scopes, &[][..]),
            api::Access::AllOf(scopes) => (&[][..], *scopes),
        };
        let may = |scope: &&tenancy::Scope| tenancy::KeyKind::WorkspaceService.may_hold(**scope);
        let sets = any.iter().filter(may).map(|scope| vec![scope.as_str()]);
        let whole: Vec<&str> = all.iter().map(|scope| scope.as_str()).collect();
        for scopes in sets.chain([whole]).filter(|scopes| !scopes.is_empty()) {
            let (key, _) = key_with(&org, &json!({"scopes": scopes})).await;
            let request = org.with_key(&key).request(method(route.method), &path);
            let response = request.json(&json!({"name": "x"})).send().await.unwrap();
            let status = response.status().as_u16();
            let body = response.text().await.unwrap();
            // One that is not there is as one of another workspace.
            let unknown = status == 403 && body.contains("no guardrail");
            let turned_away = status == 401 || (status == 403 && !unknown && !body.contains("it needs"));
            assert!(!turned_away, "{} {path} with {scopes:?}: {status} {body}", route.method);
            assert!(
                status != 403 || unknown || path.contains("api-keys/"),
                "{} {path} with {scopes:?}: {body}",
                route.method
            );
        }
    }
}

#[tokio::test]
async fn an_expired_key_is_401_from_its_last_moment_on() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let (key, _) = key_with(
        &org,
        &json!({"scopes": ["completions.write", "logs.list"], "expires_at": "2026-11-15T13:00:00Z"}),
    )
    .await;
    let caller = org.with_key(&key);
    let call = async || {
        let request =
            caller.request(Method::POST, "/v1/chat/completions").header("x-portkey-provider", "echo");
        request.json(&chat("hi")).send().await.unwrap()
    };
    let list = async || caller.request(Method::GET, "/v1/logs").send().await.unwrap();
    assert_eq!((call().await.status().as_u16(), list().await.status().as_u16()), (200, 200));
    // Within the time that keys are believed, too.
    app.clock.advance(Duration::from_secs(3597));
    assert_eq!((call().await.status().as_u16(), list().await.status().as_u16()), (200, 200));
    app.clock.advance(Duration::from_secs(3));
    assert_failure(call().await, 401, "a call").await;
    assert_refused(list().await, 401, "AB05", "the list").await;
}

#[tokio::test]
async fn an_archived_key_ends_at_once_here_and_within_the_caches_time_elsewhere() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let status = async |key: &str| {
        let request = org.with_key(key).request(Method::POST, "/v1/chat/completions");
        let request = request.header("x-portkey-provider", "echo").json(&chat("hi"));
        request.send().await.unwrap().status().as_u16()
    };
    let scopes = json!({"scopes": ["completions.write"]});
    let (key, id) = key_with(&org, &scopes).await;
    assert_eq!(status(&key).await, 200);
    let deleted = org.request(Method::DELETE, &format!("/v1/api-keys/{id}")).send().await.unwrap();
    assert_eq!(deleted.status(), 200);
    assert_eq!(status(&key).await, 401);
    assert_eq!(org.get(&format!("/v1/api-keys/{id}")).await.status(), 404);

    let (key, id) = key_with(&org, &scopes).await;
    assert_eq!(status(&key).await, 200);
    let this = app.is("id", id.parse().unwrap());
    app.execute(&format!("UPDATE api_key SET status = 'archived' WHERE {this}")).await;
    app.clock.advance(app.running.settings.gateway.key_cache_ttl);
    assert_eq!(status(&key).await, 401);
}

#[tokio::test]
async fn an_organisations_key_makes_no_model_calls_and_inserts_no_logs() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    for (verb, path) in GATEWAY {
        let request = org.admin().request(method(verb), path).header("x-portkey-provider", "echo");
        assert_failure(request.json(&chat("hi")).send().await.unwrap(), 403, &format!("{verb} {path}")).await;
    }
    let response = org.admin().request(Method::POST, "/v1/logs").json(&json!({})).send().await.unwrap();
    assert_refused(response, 403, "AB03", "POST /v1/logs").await;
}

const TABLES: [&str; 4] = ["api_key", "organisation", "log", "spool_mark"];

#[tokio::test]
async fn while_the_database_is_away_known_keys_call_on_and_no_key_is_called_wrong() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let stranger = app.org(Plan::Developer).await;
    let call = async |key: &str| {
        let request = org.with_key(key).request(Method::POST, "/v1/chat/completions");
        request.header("x-portkey-provider", "echo").json(&chat("hi")).send().await.unwrap()
    };
    assert_eq!(call(&org.key).await.status(), 200);
    org.usage_of(1).await;
    for table in TABLES {
        app.execute(&format!("ALTER TABLE {table} RENAME TO {table}_away")).await;
    }
    let settings = &app.running.settings;
    app.clock.advance(settings.gateway.key_cache_ttl + Duration::from_secs(1));
    let served = call(&org.key).await;
    assert_eq!(served.status(), 200);
    let id = log_id(&served);
    for key in [stranger.key.as_str(), "tpk_wrong"] {
        let response = call(key).await;
        assert!(response.headers().contains_key("retry-after"));
        assert_failure(response, 503, key).await;
        let response = org.with_key(key).request(Method::GET, "/v1/logs").send().await.unwrap();
        assert_refused(response, 503, "AB04", key).await;
    }
    assert_refused(org.get("/v1/logs").await, 503, "AB04", "a list is never empty for want of a database")
        .await;
    app.clock.advance(settings.auth.stale_max);
    assert_failure(call(&org.key).await, 503, "too long").await;

    for table in TABLES {
        app.execute(&format!("ALTER TABLE {table}_away RENAME TO {table}")).await;
    }
    app.clock.advance(Duration::from_secs(2));
    until("the database is believed again", || async {
        (call("tpk_wrong").await.status() == 401).then_some(())
    })
    .await;
    assert_eq!(org.log(&id).await["outcome"], "answered", "the call from without the database is logged");
    assert_eq!(call(&stranger.key).await.status(), 200);
}
