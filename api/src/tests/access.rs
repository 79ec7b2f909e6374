use std::collections::HashSet;
use std::time::Duration;

use secrecy::ExposeSecret as _;
use serde_json::json;
use tenancy::{KeyKind, Scope};

use super::fixture::{Fixture, refused};
use crate::{Access, ROUTES, Route};

/// A path that a route matches, about nothing that is there.
fn example(path: &str) -> String {
    path.replace("{id}", "018f0000-0000-7000-8000-000000000000")
        .replace("{user}", "018f0000-0000-7000-8000-000000000000")
        .replace("{invite}", "018f0000-0000-7000-8000-000000000000")
        .replace("{slug}", "nobodys-a1b2c3")
        .replace("{provider}/{model}", "nobody/nothing")
        .replace("{type}/{sub_type}", "workspace/service")
        .replace("/audit-logs", "/audit-logs?start_time=2026-01-01T00:00:00Z&end_time=2027-01-01T00:00:00Z")
}

/// What a route cannot do without in its query.
fn needed(path: &str) -> &'static str {
    match path {
        "/v1/logs/values" => "?field=model",
        // One of ours by its look.
        "/v1/logs/exports/{id}/file" => "?token=eyJhbGciOiJFZERTQSIsImtpZCI6IngifQ.e30.c2ln",
        path if path.starts_with("/v1/analytics/") => {
            "?time_of_generation_min=2026-11-22T00:00:00Z&time_of_generation_max=2026-11-23T00:00:00Z"
        }
        _ => "",
    }
}

#[actix_web::test]
async fn every_route_turns_away_who_has_no_key_and_who_may_not() {
    let f = Fixture::new().await;
    let other: Vec<Scope> = vec![Scope::PromptsPublish];
    let powerless = f.key(KeyKind::WorkspaceService, &other).await;
    for route in ROUTES {
        let path = example(route.path);
        let (method, body) = (route.method, Some("not JSON"));
        let scope = match route.access {
            Access::Public => {
                assert_ne!(f.send(method, &path, &[], body).await.0, 401, "{path} is for everybody");
                continue;
            }
            Access::Person => "the access token of a person",
            Access::Owner => "the organisation's owner",
            Access::OwnerOr(scope) | Access::PersonOr(scope) => scope.as_str(),
            Access::AnyOf(scopes) | Access::AllOf(scopes) => scopes[0].as_str(),
        };
        refused(&f.send(method, &path, &[], body).await, 401, "AB05", "Unauthorised");
        let wrong = [("x-portkey-api-key", "tpk_wrong")];
        refused(&f.send(method, &path, &wrong, body).await, 401, "AB05", "no such API key");
        let powerless = [("x-portkey-api-key", powerless.expose_secret())];
        refused(&f.send(method, &path, &powerless, body).await, 403, "AB03", scope);
    }
}

#[actix_web::test]
async fn the_scopes_that_a_route_names_are_enough_for_it() {
    let f = Fixture::new().await;
    for route in ROUTES {
        let sets: Vec<Vec<Scope>> = match route.access {
            Access::Public | Access::Person | Access::Owner | Access::OwnerOr(_) => continue,
            Access::PersonOr(scope) => vec![vec![scope]],
            Access::AnyOf(scopes) => scopes.iter().map(|scope| vec![*scope]).collect(),
            Access::AllOf(scopes) => vec![scopes.to_vec()],
        };
        for scopes in
            sets.into_iter().filter(|scopes| scopes.iter().all(|s| KeyKind::WorkspaceService.may_hold(*s)))
        {
            let key = f.key(KeyKind::WorkspaceService, &scopes).await;
            let path = example(route.path).replace(
                "service",
                if scopes[0] == Scope::WorkspaceUserApiKeysCreate { "user" } else { "service" },
            );
            let (status, body) = f.call(route.method, &path, &key, Some(json!({}))).await;
            assert!(
                matches!(status, 200 | 400 | 404 | 415)
                    || body["error"]["message"].as_str().is_some_and(|said| said.starts_with("no guardrail")),
                "{} {path} with {scopes:?}: {status} {body}",
                route.method
            );
        }
    }
}

#[actix_web::test]
async fn one_of_two_scopes_is_not_both() {
    let f = Fixture::new().await;
    for scope in [Scope::CompletionsWrite, Scope::LogsWrite] {
        let key = f.key(KeyKind::WorkspaceService, &[scope]).await;
        let answer = f.call("POST", "/v1/logs", &key, Some(json!({}))).await;
        refused(&answer, 403, "AB03", "completions.write and logs.write");
    }
}

#[actix_web::test]
async fn routes_are_named_once_and_other_methods_are_refused_in_words() {
    let f = Fixture::new().await;
    let mut seen = HashSet::new();
    assert!(ROUTES.iter().all(|route| seen.insert((route.method, route.path))));
    for path in ROUTES.iter().map(|route| example(route.path)).collect::<HashSet<_>>() {
        let answer = f.call("PATCH", &path, &f.made.api_key, None).await;
        refused(&answer, 405, "AB01", "no PATCH here; expected ");
    }
}

#[actix_web::test]
async fn a_key_comes_in_either_header_and_the_contracts_own_wins() {
    let f = Fixture::new().await;
    let key = f.made.api_key.expose_secret();
    let bearer = format!("Bearer {key}");
    for (headers, status) in [
        (vec![("x-portkey-api-key", key)], 200),
        (vec![("authorization", bearer.as_str())], 200),
        (vec![("authorization", key)], 401),
        (vec![("authorization", "Bearer sk-of-a-provider")], 401),
        (vec![("authorization", "Bearer sk-of-a-provider"), ("x-portkey-api-key", key)], 200),
        (vec![("authorization", bearer.as_str()), ("x-portkey-api-key", "tpk_wrong")], 401),
        (vec![("x-portkey-api-key", "")], 401),
    ] {
        assert_eq!(f.send("GET", "/v1/usage", &headers, None).await.0, status, "{headers:?}");
    }
}

#[actix_web::test]
async fn an_unknown_or_malformed_parameter_is_named() {
    let f = Fixture::new().await;
    for (path, message) in [
        ("/v1/logs?limit=0", "limit: found `0`; expected a number from 1 to 1000"),
        (&*format!("/v1/logs?limit={}", "9".repeat(1_000)), "9999…; expected a number"),
        ("/v1/logs?limit=x", "limit: found `x`"),
        ("/v1/logs?page=2", "page: no such parameter; expected only "),
        ("/v1/logs?cursor=abc", "cursor: found `abc`"),
        ("/v1/logs?limit=1&limit=2", "limit: given twice"),
        ("/v1/logs?status_code=200,abc", "status_code: found `abc`"),
        ("/v1/logs?cost_min=-1", "cost_min: found `-1`; expected cents"),
        ("/v1/logs?cost_max=NaN", "cost_max: found `NaN`"),
        ("/v1/logs?total_units_min=1.5", "total_units_min"),
        (
            "/v1/logs?time_of_generation_min=yesterday",
            "time_of_generation_min: found `yesterday`; expected a time",
        ),
        ("/v1/logs?metadata=env", "metadata: found `env`; expected a JSON object"),
        ("/v1/logs?metadata=%7B%22a%22%3A1%7D", "metadata: the value of `a`"),
        ("/v1/logs?cache_status=WARM", "cache_status: found `WARM`; expected DISABLED"),
        ("/v1/logs?retry_status=maybe", "retry_status: found `maybe`"),
        ("/v1/logs?api_key_ids=1", "api_key_ids: found `1`"),
        ("/v1/logs?ai_org_model=openai", "ai_org_model: found `openai`"),
        ("/v1/usage?year=1", "year: no such parameter; expected only by, format, month"),
        ("/v1/usage?month=1", "month: found `1`; expected a month up to 20"),
        ("/v1/api-keys?page_size=0", "page_size: found `0`"),
        ("/v1/api-keys?current_page=-1", "current_page: found `-1`"),
        ("/v1/logs/not-an-id", "id: found `not-an-id`; expected a UUID"),
        ("/v1/api-keys/not-an-id", "id: found `not-an-id`; expected a UUID"),
    ] {
        refused(&f.get(path).await, 400, "AB01", message);
    }
}

#[actix_web::test]
async fn a_database_that_cannot_answer_is_503_and_never_an_empty_list_or_401() {
    let f = Fixture::new().await;
    assert_eq!(f.get("/v1/logs").await.0, 200);
    assert_eq!(f.call("GET", "/v1/billing/alerts", &f.made.admin_api_key, None).await.0, 200);
    f.db.clone().close().await.unwrap();
    f.clock.advance(Duration::from_mins(1));
    // What is the owner's or a person's alone is asked in person, and a session is looked up too.
    let in_person = [Access::Owner, Access::Person];
    let asks = |route: &&Route| route.method != "POST" && !in_person.contains(&route.access);
    for route in ROUTES.iter().filter(asks) {
        let path = example(route.path) + needed(route.path);
        let body = match route.path {
            path if path.ends_with("{user}") => json!({"role": "member"}),
            path if path.ends_with("/field-restrictions") => json!({"denied_fields": []}),
            _ => json!({}),
        };
        let answer = f.call(route.method, &path, f.key_to(route), Some(body)).await;
        refused(&answer, 503, "AB04", "try again");
    }
    refused(&f.call("GET", "/v1/logs", &f.made.admin_api_key, None).await, 503, "AB04", "try again");
}

#[actix_web::test]
async fn another_organisations_things_are_as_if_they_were_not_there() {
    let mut f = Fixture::new().await;
    let stranger = f.organisation().await;
    let entry = json!({"request": {"url": "/v1/chat/completions", "body": {}}, "response": {"body": {}}});
    let log = f.post("/v1/logs", entry).await.1["ids"][0].as_str().unwrap().to_owned();
    let key = f.post("/v1/api-keys/workspace/service", json!({"name": "k", "scopes": ["logs.list"]})).await;
    let key = key.1["id"].as_str().unwrap().to_owned();
    let virtual_key = json!({"name": "v", "provider": "openai", "key": "sk-0123456789abcdef"});
    let slug = f.post("/v1/virtual-keys", virtual_key).await.1["data"]["slug"].as_str().unwrap().to_owned();
    f.ship().await;

    for caller in [&stranger.api_key, &stranger.admin_api_key] {
        let admin = std::ptr::eq(caller, &raw const stranger.admin_api_key);
        let workspace =
            if admin { format!("?workspace_id={}", stranger.workspace_id) } else { String::new() };
        for (method, path, there) in [
            ("GET", "/v1/logs/{id}", &log),
            ("GET", "/v1/api-keys/{id}", &key),
            ("PUT", "/v1/api-keys/{id}", &key),
            ("DELETE", "/v1/api-keys/{id}", &key),
            ("GET", "/v1/virtual-keys/{slug}", &slug),
            ("PUT", "/v1/virtual-keys/{slug}", &slug),
            ("DELETE", "/v1/virtual-keys/{slug}", &slug),
        ] {
            let (there_path, nowhere) = (path.replace("{id}", there).replace("{slug}", there), example(path));
            let body =
                (method == "PUT").then(|| json!({"name": "mine", "workspace_id": stranger.workspace_id}));
            let suffix = if method == "PUT" || path.contains("/logs/") { "" } else { workspace.as_str() };
            let found = f.call(method, &format!("{there_path}{suffix}"), caller, body.clone()).await;
            let missing = f.call(method, &format!("{nowhere}{suffix}"), caller, body).await;
            refused(&found, 404, "AB08", there);
            let nameless = |answer: &str, name: &str| answer.replace(name, "X");
            let missing_name = nowhere.rsplit('/').next().unwrap();
            assert_eq!(
                nameless(&found.1.to_string(), there),
                nameless(&missing.1.to_string(), missing_name),
                "the same answer whether or not it exists"
            );
        }
        for path in ["/v1/logs", "/v1/api-keys", "/v1/virtual-keys"] {
            let named = format!("{path}?workspace_id={}", f.made.workspace_id);
            refused(&f.call("GET", &named, caller, None).await, 404, "AB08", "workspace");
        }
    }
    assert_eq!(f.get(&format!("/v1/logs/{log}")).await.0, 200);
    assert_eq!(f.get(&format!("/v1/api-keys/{key}")).await.0, 200);
    assert_eq!(f.get(&format!("/v1/virtual-keys/{slug}")).await.0, 200);
}
