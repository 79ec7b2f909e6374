//! Nobody reaches what is another's, and nobody can tell whether it is there.

use std::time::Duration;

use entity::workspace;
use plans::Plan;
use reqwest::{Method, RequestBuilder, Response};
use sea_orm::{EntityTrait as _, IntoActiveModel as _};
use serde_json::{Value, json};

use crate::harness::{Caller, Org, TestApp, chat, log_id, until};
use crate::routes::{GATEWAY, JSON, method};

/// What only its owner may ever see.
const THEIRS: &str = "for-their-eyes-only";

/// The ids of one organisation's things, or of nobody's.
struct Ids {
    organisation: String,
    workspace: String,
    user: String,
    log: String,
    api_key: String,
    virtual_key: String,
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
            log: "01900000-0000-7000-8000-000000000001".to_owned(),
            api_key: "33333333-3333-4333-8333-333333333333".to_owned(),
            virtual_key: "nobody-000000".to_owned(),
            trace: "trace-of-nobody".to_owned(),
            cursor: "AZAAAAAAcACAAAAAAAAAAQ".to_owned(),
        }
    }

    fn all(&self) -> [&str; 7] {
        [
            &self.organisation,
            &self.workspace,
            &self.user,
            &self.log,
            &self.api_key,
            &self.virtual_key,
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
    let key = json!({"name": THEIRS, "provider": "openai", "key": format!("sk-{THEIRS}"), "note": THEIRS});
    let virtual_key = answer(post("/v1/virtual-keys").json(&key)).await;
    let call = org.echo("/v1/chat/completions").header("x-portkey-trace-id", "trace-of-theirs");
    let log = log_id(&call.json(&chat(THEIRS)).send().await.unwrap());
    org.log(&log).await;
    let page: Value = org.get("/v1/logs?limit=1").await.json().await.unwrap();
    assert_eq!(page["data"][0]["id"], log.as_str());
    let user = entity::membership::Entity::find().all(&org.app.running.db).await.unwrap();
    let user = user.iter().find(|row| row.organisation_id == org.id).unwrap().user_id;
    Ids {
        organisation: org.id.to_string(),
        workspace: org.workspace.clone(),
        user: user.to_string(),
        api_key: api_key["id"].as_str().unwrap().to_owned(),
        virtual_key: virtual_key["data"]["slug"].as_str().unwrap().to_owned(),
        trace: "trace-of-theirs".to_owned(),
        cursor: Ids::nobodys().cursor,
        log,
    }
}

/// One request, as far as it differs from route to route.
struct Ask {
    path: String,
    headers: Vec<(&'static str, String)>,
    body: Option<Value>,
}

fn ask(path: impl Into<String>) -> Ask {
    Ask { path: path.into(), headers: Vec::new(), body: None }
}

fn with_body(path: impl Into<String>, body: Value) -> Ask {
    Ask { body: Some(body), ..ask(path) }
}

/// Every way to name `ids` on a route of the control plane. `stranger`: to whom the organisation's id and members are
/// another's too. A route that is new has no row here, which fails the test.
fn ways(route: &api::Route, ids: &Ids, own: &Ids, stranger: bool) -> Vec<Ask> {
    let Ids { organisation, workspace, user, log, api_key, virtual_key, trace, cursor } = ids;
    let mine = &own.workspace;
    let new_key = |more: Value| {
        let mut body = json!({"name": "x", "scopes": ["logs.list"], "workspace_id": mine});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let new_virtual_key =
        |workspace: &str| json!({"name": "x", "provider": "echo", "workspace_id": workspace});
    match (route.method, route.path) {
        ("GET", "/v1/logs") => vec![
            ask(format!("/v1/logs?workspace_slug={workspace}")),
            ask(format!("/v1/logs?workspace_id={workspace}")),
            ask(format!("/v1/logs?api_key_ids={api_key}")),
            ask(format!("/v1/logs?virtual_keys={virtual_key}")),
            ask(format!("/v1/logs?trace_id={trace}")),
            ask(format!("/v1/logs?cursor={cursor}")),
        ],
        ("POST", "/v1/logs") => {
            let sides = json!({"request": {"url": "/v1/x", "body": {}}, "response": {"body": {}}});
            let with = |name: &str, id: &str| {
                let mut body = sides.clone();
                body[name] = json!(id);
                with_body("/v1/logs", body)
            };
            vec![with("organisation_id", organisation), with("workspace_id", workspace)]
        }
        ("GET", "/v1/logs/{id}") => vec![ask(format!("/v1/logs/{log}"))],
        ("GET", "/v1/usage") => vec![
            ask(format!("/v1/usage?organisation_id={organisation}")),
            ask(format!("/v1/usage?workspace_id={workspace}")),
        ],
        ("GET", "/v1/api-keys") => vec![ask(format!("/v1/api-keys?workspace_id={workspace}"))],
        ("POST", "/v1/api-keys/{type}/{sub_type}") => {
            let service = |body| with_body("/v1/api-keys/workspace/service", body);
            let mut ways = vec![service(new_key(json!({"workspace_id": workspace})))];
            if stranger {
                let of_user = new_key(json!({"user_id": user}));
                ways.push(with_body("/v1/api-keys/workspace/user", of_user));
                ways.push(service(new_key(json!({"organisation_id": organisation}))));
            }
            ways
        }
        ("GET", "/v1/api-keys/{id}") => vec![
            ask(format!("/v1/api-keys/{api_key}")),
            ask(format!("/v1/api-keys/{}?workspace_id={workspace}", own.api_key)),
        ],
        ("PUT", "/v1/api-keys/{id}") => {
            let change = json!({"name": "taken over"});
            let elsewhere = json!({"name": "mine", "workspace_id": workspace});
            vec![
                with_body(format!("/v1/api-keys/{api_key}"), change),
                with_body(format!("/v1/api-keys/{}", own.api_key), elsewhere),
            ]
        }
        ("DELETE", "/v1/api-keys/{id}") => vec![
            ask(format!("/v1/api-keys/{api_key}")),
            ask(format!("/v1/api-keys/{}?workspace_id={workspace}", own.api_key)),
        ],
        ("GET", "/v1/virtual-keys") => vec![ask(format!("/v1/virtual-keys?workspace_id={workspace}"))],
        ("POST", "/v1/virtual-keys") => vec![with_body("/v1/virtual-keys", new_virtual_key(workspace))],
        ("GET" | "DELETE", "/v1/virtual-keys/{slug}") => vec![
            ask(format!("/v1/virtual-keys/{virtual_key}?workspace_id={mine}")),
            ask(format!("/v1/virtual-keys/{}?workspace_id={workspace}", own.virtual_key)),
            ask(format!("/v1/virtual-keys/{virtual_key}?workspace_id={workspace}")),
        ],
        ("PUT", "/v1/virtual-keys/{slug}") => {
            let change = |workspace: &str| json!({"name": "taken over", "workspace_id": workspace});
            vec![
                with_body(format!("/v1/virtual-keys/{virtual_key}"), change(mine)),
                with_body(format!("/v1/virtual-keys/{}", own.virtual_key), change(workspace)),
                with_body(format!("/v1/virtual-keys/{virtual_key}"), change(workspace)),
            ]
        }
        (method, path) => panic!("{method} {path} is new: say here how another's ids are named on it"),
    }
}

/// Every way to name a virtual key in a model call.
fn ways_to_call(path: &str, ids: &Ids) -> Vec<Ask> {
    let slug = &ids.virtual_key;
    let body = |model: String| {
        let mut body = chat("hi");
        body["model"] = json!(model);
        JSON.contains(&path).then_some(body)
    };
    let call = |name: &'static str, value: String| Ask {
        headers: vec![(name, value)],
        body: body("m".to_owned()),
        ..ask(path)
    };
    let mut ways =
        vec![call("x-portkey-virtual-key", slug.clone()), call("x-portkey-provider", format!("@{slug}"))];
    if JSON.contains(&path) {
        ways.push(Ask { body: body(format!("@{slug}/m")), ..ask(path) });
    }
    ways
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
    assert!(!body.contains(THEIRS), "{verb} {}: {body}", ask.path);
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
            let filtered = with_theirs.path.starts_with("/v1/logs?");
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
    assert_eq!((&key["data"]["name"], &key["data"]["status"]), (&json!(THEIRS), &json!("active")), "{key}");
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
    assert_untouched(&other, &theirs).await;

    // Without naming anything.
    for path in ["/v1/logs", "/v1/api-keys", "/v1/virtual-keys", "/v1/usage", "/v1/models"] {
        let body = org.get(path).await.text().await.unwrap();
        for secret in theirs.all().into_iter().chain([THEIRS]) {
            assert!(!body.contains(secret), "{path} has {secret}: {body}");
        }
    }
}

/// As [`furnish`], with content of no interest.
async fn furnish_own(org: &Org<'_>) -> Ids {
    let post = |path: &str, body: Value| org.request(Method::POST, path).json(&body).send();
    let key = json!({"name": "mine", "scopes": ["logs.list"]});
    let api_key: Value = post("/v1/api-keys/workspace/service", key).await.unwrap().json().await.unwrap();
    let key = json!({"name": "mine", "provider": "echo"});
    let virtual_key: Value = post("/v1/virtual-keys", key).await.unwrap().json().await.unwrap();
    Ids {
        workspace: org.workspace.clone(),
        api_key: api_key["id"].as_str().unwrap().to_owned(),
        virtual_key: virtual_key["data"]["slug"].as_str().unwrap().to_owned(),
        ..Ids::nobodys()
    }
}

/// A second workspace of the organisation, and a key to it with every scope of the first one's.
async fn neighbour(org: &Org<'_>) -> (String, String) {
    let app = org.app;
    let row = workspace::Model {
        id: app.running.ids.fresh(),
        organisation_id: org.id,
        slug: "ws-next-door-abcdef".to_owned(),
        name: "Next door".to_owned(),
        is_default: false,
        created_at: app.clock.now_ms(),
    };
    let slug = row.slug.clone();
    workspace::Entity::insert(row.into_active_model()).exec_without_returning(&app.running.db).await.unwrap();
    let scopes = tenancy::KeyKind::WorkspaceService.scopes().to_json();
    let body = json!({"name": "next door", "scopes": scopes, "workspace_id": slug});
    let made = org.admin().request(Method::POST, "/v1/api-keys/workspace/service").json(&body);
    let made: Value = made.send().await.unwrap().json().await.unwrap();
    (made["key"].as_str().unwrap().to_owned(), slug)
}

#[tokio::test]
async fn another_workspaces_ids_are_as_nobodys_on_every_route() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let theirs = furnish(&org).await;
    let (key, slug) = neighbour(&org).await;
    let next_door = org.with_key(&key);
    let post = |path: &str, body: Value| next_door.request(Method::POST, path).json(&body).send();
    let made = post("/v1/api-keys/workspace/service", json!({"name": "mine", "scopes": ["logs.list"]}));
    let made: Value = made.await.unwrap().json().await.unwrap();
    let virtual_key = post("/v1/virtual-keys", json!({"name": "mine", "provider": "echo"}));
    let virtual_key: Value = virtual_key.await.unwrap().json().await.unwrap();
    let own = Ids {
        workspace: slug.clone(),
        api_key: made["id"].as_str().unwrap().to_owned(),
        virtual_key: virtual_key["data"]["slug"].as_str().unwrap().to_owned(),
        ..Ids::nobodys()
    };
    try_everything(&next_door, &own, &theirs, false, true).await;
    assert_untouched(&org, &theirs).await;
    for path in ["/v1/logs", "/v1/api-keys", "/v1/virtual-keys", "/v1/models"] {
        let body = next_door.request(Method::GET, path).send().await.unwrap().text().await.unwrap();
        assert!(!body.contains(THEIRS) && !body.contains(&theirs.log), "{path}: {body}");
    }
    // The organisation's own key reaches both, one at a time or together.
    let count = async |query: &str| {
        let page =
            org.admin().request(Method::GET, &format!("/v1/logs?limit=1000{query}")).send().await.unwrap();
        page.json::<Value>().await.unwrap()["data"].as_array().unwrap().len()
    };
    let next_doors = next_door.request(Method::GET, "/v1/logs?limit=1000").send().await.unwrap();
    let next_doors = next_doors.json::<Value>().await.unwrap()["data"].as_array().unwrap().len();
    assert!(next_doors > 0);
    assert_eq!(count(&format!("&workspace_slug={slug}")).await, next_doors);
    assert_eq!(count(&format!("&workspace_slug={}", org.workspace)).await, 1);
    assert_eq!(count("").await, next_doors + 1);
}

/// A path of the route with parameters that may or may not exist: whoever is turned away is so before that matters.
fn some_path(route: &api::Route) -> String {
    let nobodys = Ids::nobodys();
    route
        .path
        .replace("{id}", &nobodys.log)
        .replace("{slug}", &nobodys.virtual_key)
        .replace("{type}/{sub_type}", "workspace/service")
}

async fn assert_shape_a(response: Response, status: u16, code: &str, what: &str) {
    assert_eq!(response.status(), status, "{what}");
    let body: Value = response.json().await.unwrap();
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
        for route in api::ROUTES {
            let response = to(route.method, &some_path(route)).send().await.unwrap();
            let what = format!("{} {} with {key:?}", route.method, route.path);
            assert_shape_a(response, 401, "AB05", &what).await;
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
    for route in api::ROUTES {
        let response = caller.request(method(route.method), &some_path(route)).send().await.unwrap();
        assert_shape_a(response, 403, "AB03", &format!("{} {}", route.method, route.path)).await;
    }
    for (verb, path) in GATEWAY {
        let response = caller.request(method(verb), path).json(&chat("hi")).send().await.unwrap();
        assert_failure(response, 403, &format!("{verb} {path}")).await;
    }
    for half in ["completions.write", "logs.write"] {
        let (key, _) = key_with(&org, &json!({"scopes": [half]})).await;
        let response =
            org.with_key(&key).request(Method::POST, "/v1/logs").json(&json!({})).send().await.unwrap();
        assert_shape_a(response, 403, "AB03", &format!("POST /v1/logs with {half} alone")).await;
    }
}

#[tokio::test]
async fn each_route_opens_with_the_scopes_that_it_names_and_no_others() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    for route in api::ROUTES {
        let path = some_path(route);
        let (any, all) = match route.access {
            api::Access::AnyOf(scopes) => (scopes, &[][..]),
            api::Access::AllOf(scopes) => (&[][..], scopes),
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
            let turned_away = status == 401 || (status == 403 && !body.contains("it needs"));
            assert!(!turned_away, "{} {path} with {scopes:?}: {status} {body}", route.method);
            assert!(
                status != 403 || path.contains("api-keys/"),
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
    assert_shape_a(list().await, 401, "AB05", "the list").await;
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
    let hex = id.replace('-', "");
    app.execute(&format!("UPDATE api_key SET status = 'archived' WHERE hex(id) = upper('{hex}')")).await;
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
    assert_shape_a(response, 403, "AB03", "POST /v1/logs").await;
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
        assert_shape_a(response, 503, "AB04", key).await;
    }
    assert_shape_a(org.get("/v1/logs").await, 503, "AB04", "a list is never empty for want of a database")
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
