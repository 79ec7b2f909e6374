//! What can be wrong on each route of the control plane.

use serde_json::{Value, json};

use super::{Case, case};

mod configs;
mod destinations;
mod exports;
mod guardrails;
mod lists;
mod users;
mod workspaces;

pub const ID: &str = "01900000-0000-7000-8000-000000000001";
const KEY: &str = "33333333-3333-4333-8333-333333333333";

/// What is wrong on a route of the control plane. A route that is new has no row here, which fails the test.
pub fn mistakes(route: &api::Route) -> Vec<Case> {
    match (route.method, route.path) {
        (_, path) if path.starts_with("/v1/auth/") => of_sign_in(route),
        (_, path) if path.starts_with("/v1/admin/users") => users::mistakes(route),
        ("GET", "/v1/model-configs/pricing/{provider}/{model}") => unknown_prices(),
        ("GET", "/v1/logs") => lists::of_logs(),
        ("GET", "/v1/logs/values") => lists::of_values(),
        ("GET", path) if path.starts_with("/v1/analytics/") => lists::of_graphs(path),
        ("GET", "/v1/traces" | "/v1/traces/{trace_id}") => lists::of_traces(route.path),
        (_, path) if path.starts_with("/v1/logs/filters") => lists::of_saved_filters(route),
        (_, path) if path.starts_with("/v1/logs/exports") => exports::mistakes(route),
        ("POST", "/v1/logs") => bad_inserts(),
        ("POST", "/v1/logs/{id}/replay") => bad_replays(),
        ("GET", "/v1/logs/{id}") => bad_log_ids(),
        (method, path) if path.starts_with("/v1/feedback") => bad_feedback(method),
        ("POST", path) if path == "/v1/traces" || path.contains("/otel/v1/") => bad_exports(path),
        ("GET", "/v1/usage") => vec![
            case("GET", "/v1/usage?year=1", 400, "year: no such parameter"),
            case("GET", "/v1/usage?month=1", 400, "month: found `1`"),
            case("GET", "/v1/usage?month=9999-12", 400, "month: found `9999-12`"),
            case("GET", "/v1/usage?by=hour", 400, "by: found `hour`"),
            case("GET", "/v1/usage?format=xml", 400, "format: found `xml`"),
        ],
        ("GET", "/v1/api-keys") => bad_pages("/v1/api-keys", Some("workspace_id")),
        ("POST", "/v1/api-keys/{type}/{sub_type}") => bad_keys(),
        ("GET" | "DELETE", "/v1/api-keys/{id}") => vec![
            case(route.method, "/v1/api-keys/nonsense", 400, "id: found `nonsense`"),
            case(route.method, format!("/v1/api-keys/{KEY}?x=1"), 400, "x: no such parameter"),
            case(route.method, format!("/v1/api-keys/{KEY}"), 404, "no API key"),
        ],
        ("POST" | "DELETE", "/v1/api-keys/{id}/rotate") => bad_rotations(route.method),
        // The rest is in `audit::filters`.
        ("GET", "/v1/audit-logs") => vec![
            case("GET", "/v1/audit-logs", 400, "start_time: missing"),
            case("GET", "/v1/audit-logs?start_time=soon", 400, "start_time: found `soon`"),
            case("GET", "/v1/audit-logs?uri=a%00b", 400, "uri: a NUL character"),
            case("GET", "/v1/audit-logs?page_size=101", 400, "page_size: found `101`"),
        ],
        ("PUT", "/v1/api-keys/{id}") => bad_changes(),
        ("GET", "/v1/virtual-keys") => bad_pages("/v1/virtual-keys", Some("workspace_id")),
        ("POST", "/v1/virtual-keys") => bad_virtual_keys(),
        ("GET" | "DELETE", "/v1/virtual-keys/{slug}") => vec![
            case(route.method, "/v1/virtual-keys/nobody", 404, "no virtual key"),
            case(route.method, "/v1/virtual-keys/no%00body", 404, "no virtual key"),
            case(route.method, "/v1/virtual-keys/nobody?x=1", 400, "x: no such parameter"),
            case(route.method, format!("/v1/virtual-keys/{}", "n".repeat(5000)), 404, "no virtual key"),
        ],
        ("PUT", "/v1/virtual-keys/{slug}") => {
            let put = |body| case("PUT", "/v1/virtual-keys/nobody", 400, "name: found a number").json(body);
            vec![
                case("PUT", "/v1/virtual-keys/nobody", 404, "no virtual key").json(json!({"name": "x"})),
                Case { says: "body: found an array", ..put(json!([])) },
                Case { says: "workspace_id: found a number", ..put(json!({"workspace_id": 7})) },
            ]
        }
        (_, path) if path.starts_with("/v1/guardrails") => guardrails::mistakes(route),
        (_, path) if path.starts_with("/v1/configs") => configs::mistakes(route),
        ("GET", "/v1/billing/alerts") => bad_pages("/v1/billing/alerts", None),
        ("GET", "/v1/billing/alerts/webhooks") => {
            vec![case("GET", "/v1/billing/alerts/webhooks?x=1", 400, "x: no such parameter")]
        }
        ("POST", "/v1/billing/alerts/webhooks") => bad_webhooks(),
        ("PUT", "/v1/billing/alerts/webhooks/{id}") => bad_changes_of_webhooks(),
        (method, path) if path.starts_with("/v1/billing/alerts/") => {
            let at = |id: &str| path.replace("{id}", id);
            vec![
                case(method, at("nonsense"), 400, "id: found `nonsense`"),
                case(method, at("%00"), 400, "id: "),
                case(method, at(ID) + "?x=1", 400, "x: no such parameter"),
                case(
                    method,
                    at(ID),
                    404,
                    if path.contains("webhooks") { "no webhook" } else { "no delivery" },
                ),
            ]
        }
        (_, path) if path.starts_with("/v1/otel/destinations") => destinations::mistakes(route),
        (_, path) if path.starts_with("/v1/admin/workspaces") => workspaces::mistakes(route),
        ("GET", "/v1/billing/invoices") => bad_pages("/v1/billing/invoices", None),
        ("GET", "/v1/billing/plan") => vec![case("GET", "/v1/billing/plan?x=1", 400, "x: no such parameter")],
        // What is wrong with its fields is for the owner in person: see `billing`.
        ("PUT", "/v1/billing/plan" | "/v1/billing/caps") => {
            vec![case("PUT", route.path, 403, "the access token of the organisation's owner")]
        }
        ("GET", "/v1/billing/invoices/{id}" | "/v1/billing/invoices/{id}/html") => {
            let at = |id: &str| route.path.replace("{id}", id);
            vec![
                case("GET", at("nonsense"), 400, "id: found `nonsense`"),
                case("GET", at("2026-13"), 400, "id: found `2026-13`"),
                case("GET", at("2020-01"), 404, "no invoice"),
                case("GET", at(ID) + "?x=1", 400, "x: no such parameter"),
                case("GET", at(ID), 404, "no invoice"),
            ]
        }
        // With a secret in the settings it is looked at closer: see `payments`.
        ("POST", "/v1/billing/stripe/webhook") => vec![
            case("POST", route.path, 404, "no route").json(json!({})),
            case("POST", "/v1/billing/stripe/webhook?x=1", 400, "x: no such parameter"),
        ],
        (method, path) => panic!("{method} {path} is new: say here what is wrong input for it"),
    }
}

fn unknown_prices() -> Vec<Case> {
    let at = |rest: &str| format!("/v1/model-configs/pricing/{rest}");
    vec![
        case("GET", at("openai/gpt-4o?x=1"), 400, "x: no such parameter"),
        case("GET", at("openai/nothing"), 404, "Model not found"),
        case("GET", at("nobody/gpt-4o"), 404, "Model not found"),
        case("GET", at("openai/no%00body"), 404, "Model not found"),
        case("GET", at(&format!("openai/{}", "n".repeat(5000))), 404, "Model not found"),
    ]
}

fn bad_replays() -> Vec<Case> {
    let post =
        |body: Value, status, says| case("POST", format!("/v1/logs/{ID}/replay"), status, says).json(body);
    vec![
        case("POST", "/v1/logs/nonsense/replay", 400, "id: found `nonsense`"),
        case("POST", format!("/v1/logs/{ID}/replay?x=1"), 400, "x: no such parameter"),
        case("POST", format!("/v1/logs/{ID}/replay"), 404, "no log"),
        post(json!([]), 400, "body: found an array"),
        post(json!({"body": "text"}), 400, "body: found a string"),
        post(json!({"model": 7}), 400, "model: found a number"),
        post(json!({"virtual_key": ""}), 400, "virtual_key: found an empty string"),
        post(json!({"config": "x".repeat(257)}), 400, "config: too long"),
        post(json!({"config": "pc-x", "virtual_key": "x"}), 400, "config: sent beside virtual_key"),
        post(json!({"metadata": {"a": 1}}), 400, "metadata.a: found a number"),
        post(json!({"x": 1}), 400, "x: no such field"),
    ]
}

fn bad_log_ids() -> Vec<Case> {
    vec![
        case("GET", "/v1/logs/nonsense", 400, "id: found `nonsense`"),
        case("GET", format!("/v1/logs/{ID}?x=1"), 400, "x: no such parameter"),
        case("GET", format!("/v1/logs/{ID}"), 404, "no log"),
        case("GET", "/v1/logs/%00", 400, "id: "),
        case("GET", "/v1/logs/%FF", 400, "id"),
    ]
}

/// What is wrong with its fields: see `feedback`.
fn bad_feedback(method: &'static str) -> Vec<Case> {
    if method == "POST" {
        return vec![
            case("POST", "/v1/feedback", 400, "body: ").bytes("["),
            case("POST", "/v1/feedback?x=1", 400, "x: no such parameter"),
            case("POST", "/v1/feedback", 413, "the body is too large").bytes(" ".repeat((2 << 20) + 1)),
        ];
    }
    vec![
        case(method, "/v1/feedback/nonsense", 400, "id: found `nonsense`"),
        case(method, "/v1/feedback/%00", 400, "id: "),
        case(method, format!("/v1/feedback/{ID}?x=1"), 400, "x: no such parameter"),
        case(method, format!("/v1/feedback/{ID}"), 404, "no feedback"),
    ]
}

fn bad_logins() -> Vec<Case> {
    let good = json!({"email": "nobody@example.com", "password": "x"});
    let path = "/v1/auth/login";
    let post = |body, says| case("POST", path, 400, says).json(body);
    let mut cases = vec![
        case("POST", path, 400, "body: ").bytes(""),
        case("POST", path, 400, "body: ").bytes("[".repeat(10_000)),
        case("POST", path, 413, "the body is too large").bytes(" ".repeat((16 << 10) + 1)),
        case("POST", "/v1/auth/login?x=1", 400, "x: no such parameter").json(good.clone()),
        case("POST", path, 401, "no such e-mail address, password and organisation").json(good.clone()),
        post(json!([]), "body: found an array"),
        post(without(&good, "/email"), "email: missing"),
        post(without(&good, "/password"), "password: missing"),
    ];
    for (pointer, value, says) in [
        ("/email", json!(7), "email: found a number"),
        ("/email", json!("e".repeat(255)), "email: too long"),
        ("/password", json!(""), "password: found an empty string"),
        ("/password", json!("p".repeat(257)), "password: too long"),
        ("/organisation_id", json!("nobody"), "organisation_id: found `nobody`"),
        ("/strange", json!(1), "strange: no such field"),
    ] {
        cases.push(post(but(&good, pointer, value), says));
    }
    cases
}

fn of_sign_in(route: &api::Route) -> Vec<Case> {
    match (route.method, route.path) {
        ("POST", "/v1/auth/login") => bad_logins(),
        ("POST", "/v1/auth/refresh" | "/v1/auth/logout") => bad_refresh_tokens(route.path),
        // What is wrong with its fields is for who shows an access token: see `sign_in`.
        ("POST", "/v1/auth/password") => vec![case("POST", route.path, 403, "the access token of a person")],
        (
            "POST",
            "/v1/auth/password/reset" | "/v1/auth/password/reset/confirm" | "/v1/auth/invites/accept",
        ) => users::public(route.path),
        (method, path) if path.starts_with("/v1/auth/sessions") => {
            vec![case(method, path.replace("{id}", ID), 403, "the access token of a person")]
        }
        (method, path) => vec![case(method, format!("{path}?x=1"), 400, "x: no such parameter")],
    }
}

fn bad_refresh_tokens(path: &'static str) -> Vec<Case> {
    let post = |body, says| case("POST", path, 400, says).json(body);
    vec![
        case("POST", path, 400, "body: ").bytes("nonsense"),
        case("POST", path, 413, "the body is too large").bytes(" ".repeat((16 << 10) + 1)),
        post(json!({}), "refresh_token: missing"),
        post(json!({"refresh_token": ["x"]}), "refresh_token: found an array"),
        post(json!({"refresh_token": "t".repeat(257)}), "refresh_token: too long"),
        post(json!({"refresh_token": "t", "strange": 1}), "strange: no such field"),
    ]
}

/// `workspace`: the parameter that names one.
fn bad_pages(path: &str, workspace: Option<&str>) -> Vec<Case> {
    [
        ("page_size=0", "page_size: found `0`"),
        ("page_size=1001", "page_size: found `1001`"),
        ("page_size=-1", "page_size: found `-1`"),
        ("current_page=-1", "current_page: found `-1`"),
        ("current_page=18446744073709551615", "current_page: found"),
        ("x=1", "x: no such parameter"),
        ("page_size=1&page_size=1", "page_size: given twice"),
    ]
    .into_iter()
    .map(|(query, says)| case("GET", format!("{path}?{query}"), 400, says))
    .chain(workspace.map(|name| case("GET", format!("{path}?{name}=nobody"), 404, "no workspace")))
    .collect()
}

/// `good` with one field at a JSON pointer put in, or taken out with null.
fn but(good: &Value, pointer: &str, value: Value) -> Value {
    let mut body = good.clone();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    body.pointer_mut(parent).unwrap().as_object_mut().unwrap().insert(name.to_owned(), value);
    body
}

fn without(good: &Value, pointer: &str) -> Value {
    let mut body = good.clone();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    body.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(name);
    body
}

fn bad_inserts() -> Vec<Case> {
    let good = json!({"request": {"url": "/v1/x", "body": {}}, "response": {"body": {}}, "metadata": {}});
    let post = |body, says| case("POST", "/v1/logs", 400, says).json(body);
    let mut cases = vec![
        case("POST", "/v1/logs", 400, "body: ").bytes(""),
        case("POST", "/v1/logs", 400, "body: ").bytes("{\"request\":"),
        case("POST", "/v1/logs", 400, "body: ").bytes(b"\xff\xfe\x00".to_vec()),
        case("POST", "/v1/logs", 400, "body: ").bytes("[".repeat(100_000)),
        case("POST", "/v1/logs", 400, "body: ").bytes("{\"a\":".repeat(100_000)),
        case("POST", "/v1/logs", 413, "the body is too large").bytes(" ".repeat((8 << 20) + 1)),
        case("POST", "/v1/logs?x=1", 400, "x: no such parameter").json(good.clone()),
        post(json!(7), "body: found a number"),
        post(json!([]), "body: no logs"),
        post(json!([good, 7]), "[1]: found a number"),
    ];
    for (pointer, value, says) in [
        ("/request", json!(7), "request: found a number"),
        ("/request/url", json!(7), "request.url: found a number"),
        ("/request/url", json!("not a url"), "request.url: not a URL"),
        ("/request/url", json!("//evil"), "request.url: not a URL"),
        ("/request/url", json!("/".repeat(9000)), "request.url: too long"),
        ("/request/method", json!("a b"), "request.method: found `a b`"),
        ("/request/provider", json!("p".repeat(129)), "request.provider: too long"),
        ("/request/strange", json!(1), "request.strange: no such field"),
        ("/request/headers", json!([]), "request.headers: found an array"),
        ("/request/headers", json!({"a": {}}), "request.headers.a: found an object"),
        ("/response/status", json!("ok"), "response.status: found a string"),
        ("/response/status", json!(99), "response.status: found 99"),
        ("/response/status", json!(-200), "response.status: found -200"),
        ("/response/status", json!(1e300), "response.status: found"),
        ("/response/response_time", json!(-1), "response.response_time: found -1"),
        ("/response/response_time", json!("fast"), "response.response_time: found a string"),
        ("/response/streamingMode", json!("yes"), "response.streamingMode: found a string"),
        ("/response/strange", json!(1), "response.strange: no such field"),
        ("/metadata", json!("x"), "metadata: found a string"),
        ("/metadata/traceId", json!(7), "metadata.traceId: found a number"),
        ("/metadata/traceId", json!("t\u{0}"), "metadata.traceId: a control character"),
        ("/metadata/env", json!(7), "metadata.env: found a number"),
        ("/metadata/env", json!("e".repeat(129)), "metadata.env: too long"),
        ("/id", json!(7), "id: found a number"),
        ("/id", json!(""), "id: found an empty string"),
        ("/strange", json!(1), "strange: no such field"),
    ] {
        cases.push(post(but(&good, pointer, value), says));
    }
    for (pointer, says) in [
        ("/request", "request: missing"),
        ("/response", "response: missing"),
        ("/request/url", "request.url: missing"),
        ("/request/body", "request.body: missing"),
        ("/response/body", "response.body: missing"),
    ] {
        cases.push(post(without(&good, pointer), says));
    }
    cases
}

fn bad_keys() -> Vec<Case> {
    let good = json!({"name": "x", "scopes": ["logs.list"]});
    let path = "/v1/api-keys/workspace/service";
    let post = |body, says| case("POST", path, 400, says).json(body);
    let mut cases = vec![
        case("POST", "/v1/api-keys/organisation/user", 400, "organisation/user").json(good.clone()),
        case("POST", "/v1/api-keys/x/y", 400, "x/y").json(good.clone()),
        case("POST", path, 400, "body: ").bytes("nonsense"),
        case("POST", path, 400, "body: ").bytes("{".repeat(100_000)),
        case("POST", path, 413, "the body is too large").bytes(" ".repeat((256 << 10) + 1)),
        case("POST", "/v1/api-keys/workspace/user", 400, "user_id: missing").json(good.clone()),
        case("POST", "/v1/api-keys/organisation/service", 403, "it needs").json(good.clone()),
        post(without(&good, "/name"), "name: missing"),
        post(without(&good, "/scopes"), "scopes: missing"),
    ];
    for (pointer, value, says) in [
        ("/name", json!(""), "name: found an empty string"),
        ("/name", json!("n".repeat(101)), "name: too long"),
        ("/name", json!("a\nb"), "name: a control character"),
        ("/name", json!(["x"]), "name: found an array"),
        ("/scopes", json!("logs.list"), "scopes: found a string"),
        ("/scopes", json!([]), "scopes: found an empty array"),
        ("/scopes", json!([7]), "scopes[0]: found a number"),
        ("/scopes", json!(["logs.list", "fly"]), "scopes[1]: found `fly`"),
        (
            "/scopes",
            json!(["organisation_users.create"]),
            "scopes[0]: `organisation_users.create` is not for",
        ),
        ("/expires_at", json!("soon"), "expires_at: found `soon`"),
        ("/expires_at", json!("2020-01-01T00:00:00Z"), "expires_at: `2020-01-01T00:00:00Z` is past"),
        (
            "/rate_limits",
            json!([{"type": "requests", "unit": "rps", "value": 1}]),
            "rate_limits[0].unit: found `rps`",
        ),
        ("/type", json!("organisation"), "type: is not as in the path"),
        ("/sub-type", json!(7), "sub-type: is not as in the path"),
        ("/defaults", json!([]), "defaults: found an array"),
        ("/defaults", json!({"metadata": {"a": 7}}), "defaults.metadata.a: found a number"),
        (
            "/defaults",
            json!({"metadata": {"a\u{0}": "b"}}),
            "defaults.metadata.a\u{0}: its name is too long or has a NUL",
        ),
        ("/defaults", json!({"config_id": "no\u{0}body"}), "defaults.config_id: a control character"),
        ("/defaults", json!({"config_id": "nobody"}), "defaults.config_id: this workspace has no config"),
        ("/defaults", json!({"x": 1}), "defaults.x: no such field"),
        ("/user_id", json!(KEY), "user_id: only a user's key has one"),
        ("/strange", json!(1), "strange: no such field"),
    ] {
        cases.push(post(but(&good, pointer, value), says));
    }
    cases
}

fn bad_rotations(method: &'static str) -> Vec<Case> {
    let at = |id: &str| format!("/v1/api-keys/{id}/rotate");
    let mut cases = vec![
        case(method, at("nonsense"), 400, "id: found `nonsense`"),
        case(method, at(KEY) + "?x=1", 400, "x: no such parameter"),
        case(method, at(KEY), 404, "no API key"),
    ];
    if method == "POST" {
        cases.extend([
            case(method, at(KEY), 400, "body: found an array").json(json!([])),
            case(method, at(KEY), 400, "body: ").bytes("nonsense"),
            case(method, at(KEY), 404, "no workspace").json(json!({"workspace_id": "nobody"})),
            case(method, at(KEY), 413, "the body is too large").bytes(" ".repeat((256 << 10) + 1)),
        ]);
    }
    cases
}

fn bad_changes() -> Vec<Case> {
    let put = |body, says| case("PUT", format!("/v1/api-keys/{KEY}"), 400, says).json(body);
    vec![
        case("PUT", "/v1/api-keys/nonsense", 400, "id: found `nonsense`").json(json!({"name": "x"})),
        case("PUT", format!("/v1/api-keys/{KEY}"), 404, "no API key").json(json!({"name": "x"})),
        case("PUT", format!("/v1/api-keys/{KEY}"), 400, "body: ").bytes("nonsense"),
        put(json!([]), "body: found an array"),
        put(json!({"workspace_id": {}}), "workspace_id: found an object"),
        case("PUT", format!("/v1/api-keys/{KEY}"), 404, "no organisation")
            .json(json!({"organisation_id": ID})),
    ]
}

fn bad_virtual_keys() -> Vec<Case> {
    let good = json!({"name": "x", "provider": "openai", "key": "sk-1"});
    let post = |body, says| case("POST", "/v1/virtual-keys", 400, says).json(body);
    let mut cases = vec![
        case("POST", "/v1/virtual-keys", 400, "body: ").bytes("[1,"),
        case("POST", "/v1/virtual-keys", 404, "no workspace").json(but(
            &good,
            "/workspace_id",
            json!("nobody"),
        )),
        post(without(&good, "/name"), "name: missing"),
        post(without(&good, "/provider"), "provider: missing"),
        post(without(&good, "/key"), "key: missing"),
    ];
    for (pointer, value, says) in [
        ("/provider", json!("nobody"), "provider: found `nobody`"),
        ("/key", json!("s\u{f6}"), "key: a character that no header may hold"),
        ("/key", json!("k".repeat(16_385)), "key: too long"),
        ("/custom_host", json!("ftp://x"), "custom_host: must be an absolute http"),
        ("/custom_host", json!("http://10.0.0.1/v1"), "custom_host: points to a private"),
        ("/custom_host", json!("http://169.254.169.254/"), "custom_host: points to a private"),
        ("/custom_host", json!("https://u:p@x.com"), "custom_host: "),
        ("/note", json!(7), "note: found a number"),
        ("/models", json!([7]), "models[0]: found a number"),
        ("/models", json!([]), "models: found 0 of them"),
        ("/models", json!(vec!["m"; 501]), "models: found 501 of them"),
        ("/models", json!(["m\u{0}"]), "models[0]: a control character"),
        ("/expires_at", json!("soon"), "expires_at: found `soon`"),
        ("/awsRegion", json!("eu-west-1"), "awsRegion: openai has none"),
        ("/openaiProject", json!("p\u{f6}"), "openaiProject: a character that no header may hold"),
        ("/openaiProject", json!("p".repeat(1025)), "openaiProject: too long"),
        ("/deploymentConfig", json!([{}]), "deploymentConfig: openai has none"),
        ("/usage_limits", json!({"credit_limit": 0}), "usage_limits.credit_limit: found 0"),
        ("/strange", json!(1), "strange: no such field"),
    ] {
        cases.push(post(but(&good, pointer, value), says));
    }
    cases
}

/// A field of a webhook, and what is said of it.
fn bad_fields_of_webhooks() -> [(&'static str, Value, &'static str); 17] {
    [
        ("/url", json!(7), "url: found a number"),
        ("/url", json!(""), "url: found an empty string"),
        ("/url", json!("hooks.example.com"), "url: must be an absolute http"),
        ("/url", json!("ftp://hooks.example.com"), "url: must be an absolute http"),
        ("/url", json!("http://hooks.example.com/in"), "url: must be https"),
        ("/url", json!("https://10.0.0.1/in"), "url: points to a private"),
        ("/url", json!("https://169.254.169.254/latest"), "url: points to a private"),
        ("/url", json!("https://metadata.google.internal/"), "url: points to a private"),
        ("/url", json!("https://u:p@hooks.example.com"), "url: "),
        ("/url", json!("https://hooks.example.com/?token=x"), "url: must not carry"),
        ("/url", json!(format!("https://hooks.example.com/{}", "x".repeat(2048))), "url: too long"),
        ("/events", json!("usage.block_opened"), "events: found a string"),
        ("/events", json!([]), "events: found an empty array"),
        ("/events", json!([7]), "events: found a number in it"),
        ("/events", json!(["usage.block_opened", "webhook.test"]), "events: found `webhook.test`"),
        ("/secret", json!("whsec_AAAA"), "secret: no such field"),
        ("/strange", json!(1), "strange: no such field"),
    ]
}

fn bad_webhooks() -> Vec<Case> {
    let path = "/v1/billing/alerts/webhooks";
    let good = json!({"url": "https://hooks.example.com/in"});
    let post = |body, says| case("POST", path, 400, says).json(body);
    let mut cases = vec![
        case("POST", path, 400, "body: ").bytes("{"),
        case("POST", path, 413, "the body is too large").bytes(" ".repeat((256 << 10) + 1)),
        case("POST", "/v1/billing/alerts/webhooks?x=1", 400, "x: no such parameter").json(good.clone()),
        post(json!({}), "url: missing"),
    ];
    for (pointer, value, says) in bad_fields_of_webhooks() {
        cases.push(post(but(&good, pointer, value), says));
    }
    cases
}

fn bad_changes_of_webhooks() -> Vec<Case> {
    let path = format!("/v1/billing/alerts/webhooks/{ID}");
    let put = |body, says| case("PUT", &path, 400, says).json(body);
    let mut cases = vec![
        case("PUT", "/v1/billing/alerts/webhooks/nonsense", 400, "id: found `nonsense`").json(json!({})),
        case("PUT", &path, 404, "no webhook").json(json!({"status": "paused"})),
        case("PUT", &path, 400, "body: ").bytes("nonsense"),
        put(json!({"status": "off"}), "status: found `off`"),
        put(json!({"status": 7}), "status: found a number"),
    ];
    for (pointer, value, says) in bad_fields_of_webhooks() {
        cases.push(put(but(&json!({}), pointer, value), says));
    }
    cases
}

fn bad_exports(path: &'static str) -> Vec<Case> {
    let post = |status, says| case("POST", path, status, says);
    let (spans, field) =
        if path.ends_with("traces") { ("resourceSpans", "spans") } else { ("resourceLogs", "logRecords") };
    let scope = field.replace("spans", "scopeSpans").replace("logRecords", "scopeLogs");
    let one = |id: &str| {
        let mut body = json!({});
        body[spans] = json!([{}]);
        body[spans][0][&scope] = json!([{}]);
        body[spans][0][&scope][0][field] = json!([{"traceId": id}]);
        body
    };
    vec![
        case("POST", format!("{path}?x=1"), 400, "x: no such parameter").json(json!({})),
        post(415, "content-type: found ``; expected application/x-protobuf or application/json"),
        post(415, "content-type: found `text/plain`").bytes_as("{}", "text/plain"),
        post(415, "content-type: found `application/jsonx`").bytes_as("{}", "application/jsonx"),
        post(415, "content-encoding: found `br`").json(json!({})).header("content-encoding", "br"),
        post(400, "body: ").bytes(""),
        post(400, "body: ").bytes("{"),
        post(400, "body: ").bytes("7"),
        post(400, "body: ").bytes("[".repeat(100_000)),
        post(400, "body: ").bytes(b"{\"\xff\": 1}".to_vec()),
        post(400, "body: invalid type").json(json!({spans: 7})),
        post(400, "body: ").json(one("not hexadecimal")),
        post(400, "expected gzip").json(json!({})).header("content-encoding", "gzip"),
        post(413, "at most 8388608 bytes").bytes(" ".repeat((8 << 20) + 1)),
    ]
}
