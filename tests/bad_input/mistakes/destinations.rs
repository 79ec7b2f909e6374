//! What can be wrong with where spans go.

use serde_json::{Value, json};

use super::{Case, ID, but, case, without};

const PATH: &str = "/v1/otel/destinations";

pub fn mistakes(route: &api::Route) -> Vec<Case> {
    match (route.method, route.path) {
        ("GET", PATH) => vec![case("GET", format!("{PATH}?x=1"), 400, "x: no such parameter")],
        ("POST", PATH) => bad_destinations(),
        ("PUT", _) => bad_changes(),
        (method, path) => {
            let at = |id: &str| path.replace("{id}", id);
            vec![
                case(method, at("nonsense"), 400, "id: found `nonsense`"),
                case(method, at("%00"), 400, "id: "),
                case(method, at(ID) + "?x=1", 400, "x: no such parameter"),
                case(method, at(ID), 404, "no destination"),
            ]
        }
    }
}

/// A field, and what is said of it.
fn bad_fields() -> Vec<(&'static str, Value, &'static str)> {
    let many: serde_json::Map<String, Value> = (0..33).map(|n| (format!("x-{n}"), json!("x"))).collect();
    vec![
        ("/name", json!(""), "name: found an empty string"),
        ("/name", json!("x".repeat(101)), "name: too long"),
        ("/endpoint", json!(7), "endpoint: found a number"),
        ("/endpoint", json!("otlp.example.com:4317"), "endpoint: must be an absolute http"),
        ("/endpoint", json!("http://otlp.example.com"), "endpoint: must be https"),
        ("/endpoint", json!("https://10.0.0.1:4318"), "endpoint: points to a private"),
        ("/endpoint", json!("https://169.254.169.254/latest"), "endpoint: points to a private"),
        ("/endpoint", json!("https://u:p@otlp.example.com"), "endpoint: "),
        ("/endpoint", json!("https://otlp.example.com/?key=x"), "endpoint: must not carry"),
        ("/protocol", json!("http"), "protocol: found `http`"),
        ("/protocol", json!(1), "protocol: found a number"),
        ("/headers", json!(["authorization"]), "headers: found an array"),
        ("/headers", json!({"authorization": 7}), "headers.authorization: found a number"),
        ("/headers", json!({"api key": "x"}), "headers.api key: must be named"),
        ("/headers", json!({"x-key": "s\u{f6}"}), "headers.x-key: must be printable ASCII"),
        ("/headers", json!({"x-key": "a\r\nb: c"}), "headers.x-key: a control character"),
        ("/headers", json!({"Content-Type": "text/plain"}), "headers.Content-Type: is set by this server"),
        ("/headers", json!({"host": "elsewhere"}), "headers.host: is set by this server"),
        ("/headers", json!({"x-key": "x".repeat(4_097)}), "headers.x-key: too long"),
        ("/headers", json!(many), "headers: found 33 pairs"),
        ("/sampling", json!(1.1), "sampling: found 1.1"),
        ("/sampling", json!(-0.1), "sampling: found -0.1"),
        ("/sampling", json!("1"), "sampling: found a string"),
        ("/filters", json!([]), "filters: found an array"),
        ("/filters", json!({"colour": ["red"]}), "filters.colour: no such field"),
        ("/filters", json!({"models": "gpt-4o"}), "filters.models: found a string"),
        ("/filters", json!({"models": [7]}), "filters.models: found a number in it"),
        ("/filters", json!({"models": [""]}), "filters.models: an empty string is in it"),
        ("/filters", json!({"providers": vec!["x"; 101]}), "filters.providers: found 101 of them"),
        ("/filters", json!({"metadata": {"team": 7}}), "filters.metadata.team: found a number"),
        ("/filters", json!({"failed_only": "yes"}), "filters.failed_only: found a string"),
        ("/content", json!("yes"), "content: found a string"),
        ("/metrics", json!(1), "metrics: found 1"),
        ("/resource", json!("service.name=x"), "resource: found a string"),
        ("/resource", json!({"": "x"}), "resource.: its name is empty"),
        ("/flavour", json!("openinference"), "flavour: found `openinference`"),
        ("/status", json!("off"), "status: found `off`"),
        ("/strange", json!(1), "strange: no such field"),
    ]
}

fn bad_destinations() -> Vec<Case> {
    let good = json!({"name": "x", "endpoint": "https://otlp.example.com"});
    let post = |body, says| case("POST", PATH, 400, says).json(body);
    let mut cases = vec![
        case("POST", PATH, 400, "body: ").bytes("{"),
        case("POST", PATH, 413, "the body is too large").bytes(" ".repeat((256 << 10) + 1)),
        case("POST", format!("{PATH}?x=1"), 400, "x: no such parameter").json(good.clone()),
        case("POST", PATH, 404, "no workspace").json(but(&good, "/workspace_id", json!("nobody"))),
        post(without(&good, "/name"), "name: missing"),
        post(without(&good, "/endpoint"), "endpoint: missing"),
        post(but(&good, "/workspace_id", json!(7)), "workspace_id: found a number"),
    ];
    for (pointer, value, says) in bad_fields() {
        cases.push(post(but(&good, pointer, value), says));
    }
    cases
}

fn bad_changes() -> Vec<Case> {
    let path = format!("{PATH}/{ID}");
    let put = |body, says| case("PUT", &path, 400, says).json(body);
    let mut cases = vec![
        case("PUT", format!("{PATH}/nonsense"), 400, "id: found `nonsense`").json(json!({})),
        case("PUT", &path, 404, "no destination").json(json!({"status": "paused"})),
        case("PUT", &path, 400, "body: ").bytes("nonsense"),
        put(json!({"workspace_id": "x"}), "workspace_id: no such field"),
    ];
    for (pointer, value, says) in bad_fields() {
        cases.push(put(but(&json!({}), pointer, value), says));
    }
    cases
}
