//! What can be wrong with a saved config.

use serde_json::{Value, json};

use super::{Case, bad_pages, but, case, without};

const PATH: &str = "/v1/configs";

pub fn mistakes(route: &api::Route) -> Vec<Case> {
    match (route.method, route.path) {
        ("GET", PATH) => bad_pages(PATH, Some("workspace_id")),
        ("POST", PATH) => bad_configs(),
        ("PUT", _) => bad_changes(),
        (method, path) => {
            let at = |slug: &str| path.replace("{slug}", slug);
            vec![
                case(method, at("nobody"), 404, "no config"),
                case(method, at("no%00body"), 404, "no config"),
                case(method, at("nobody") + "?x=1", 400, "x: no such parameter"),
                case(method, at("nobody") + "?workspace_id=nobody", 404, "no workspace"),
                case(method, at(&"n".repeat(5000)), 404, "no config"),
            ]
        }
    }
}

fn bad_configs() -> Vec<Case> {
    let good = json!({"name": "x", "config": {"provider": "echo"}});
    let post = |body, says| case("POST", PATH, 400, says).json(body);
    let mut cases = vec![
        case("POST", PATH, 400, "body: ").bytes("[1,"),
        case("POST", PATH, 400, "body: ").bytes("{\"config\":".repeat(20_000)),
        case("POST", PATH, 413, "the body is too large").bytes(" ".repeat((256 << 10) + 1)),
        case("POST", "/v1/configs?x=1", 400, "x: no such parameter").json(good.clone()),
        case("POST", PATH, 404, "no workspace").json(but(&good, "/workspace_id", json!("nobody"))),
        post(without(&good, "/name"), "name: missing"),
        post(without(&good, "/config"), "config: missing"),
    ];
    let deep = (0..60).fold(
        json!({"provider": "echo"}),
        |config, _| json!({"strategy": {"mode": "fallback"}, "targets": [config]}),
    );
    for (pointer, value, says) in [
        ("/name", json!("n".repeat(101)), "name: too long"),
        ("/config", json!("pc-x"), "config: found a string"),
        ("/config", json!([]), "config: found an array"),
        ("/config", json!({}), "config"),
        ("/config", deep, "config.targets[0]"),
        ("/config/retry", json!({"attempts": 9}), "config.retry.attempts: "),
        ("/config/virtual_key", json!("no\u{0}body"), "config.virtual_key: must be a string"),
        ("/config/api_key", json!("********"), "config.api_key: this is a mask"),
        ("/config/override_params", json!({"x": "y".repeat(70_000)}), "config: too large"),
        ("/isDefault", json!(-1), "isDefault: found -1; expected 0 or 1"),
        ("/is_default", json!("yes"), "is_default: found a string"),
        ("/status", json!("active"), "status: no such field"),
        ("/strange", json!(1), "strange: no such field"),
    ] {
        cases.push(post(but(&good, pointer, value), says));
    }
    cases
}

fn bad_changes() -> Vec<Case> {
    let put = |status, body: Value, says| case("PUT", "/v1/configs/nobody", status, says).json(body);
    vec![
        put(404, json!({"name": "x"}), "no config"),
        put(404, json!({"workspace_id": "nobody"}), "no workspace"),
        put(400, json!([]), "body: found an array"),
        put(400, json!({"status": "paused"}), "status: found `paused`"),
        put(400, json!({"slug": "pc-other"}), "slug: is not as in the path"),
        put(400, json!({"is_default": 7}), "is_default: found 7"),
        put(400, json!({"strange": 1}), "strange: no such field"),
    ]
}
