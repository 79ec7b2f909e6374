//! What can be wrong with a saved guardrail; what is not there is refused as another's is.

use serde_json::{Value, json};

use super::{Case, bad_pages, but, case, without};

const PATH: &str = "/v1/guardrails";

pub fn mistakes(route: &api::Route) -> Vec<Case> {
    match (route.method, route.path) {
        ("GET", PATH) => {
            let mut cases = bad_pages(PATH, None);
            cases.push(case("GET", "/v1/guardrails?workspace_id=nobody", 403, "no workspace"));
            cases
        }
        ("POST", PATH) => bad_guardrails(),
        ("PUT", _) => bad_changes(),
        (method, path) => {
            let at = |named: &str| path.replace("{guardrail}", named);
            vec![
                case(method, at("nobody"), 403, "no guardrail"),
                case(method, at("no%00body"), 403, "no guardrail"),
                case(method, at("nobody") + "?x=1", 400, "x: no such parameter"),
                case(method, at("nobody") + "?workspace_id=nobody", 403, "no workspace"),
                case(method, at(&"n".repeat(5000)), 403, "no guardrail"),
            ]
        }
    }
}

fn bad_guardrails() -> Vec<Case> {
    let good = json!({"name": "x", "checks": [{"id": "default.notNull", "parameters": {}}], "actions": {}});
    let post = |body, says| case("POST", PATH, 400, says).json(body);
    let mut cases = vec![
        case("POST", PATH, 400, "body: ").bytes("[1,"),
        case("POST", PATH, 413, "the body is too large").bytes(" ".repeat((256 << 10) + 1)),
        case("POST", "/v1/guardrails?x=1", 400, "x: no such parameter").json(good.clone()),
        case("POST", PATH, 403, "no workspace").json(but(&good, "/workspace_id", json!("nobody"))),
        case("POST", PATH, 403, "no organisation").json(but(&good, "/organisation_id", json!("nobody"))),
        post(without(&good, "/name"), "name: missing"),
        post(without(&good, "/checks"), "checks: missing"),
        post(without(&good, "/actions"), "actions: missing"),
    ];
    for (pointer, value, says) in [
        ("/name", json!("n".repeat(101)), "name: too long"),
        ("/checks", json!({}), "checks: must be an array of 1 to 50 checks"),
        ("/checks", json!([]), "checks: must be an array of 1 to 50 checks"),
        ("/checks", json!(vec![json!({"id": "default.notNull"}); 51]), "checks: must be an array of 1 to 50"),
        ("/checks", json!([7]), "checks[0].id: must be a check's id"),
        ("/checks", json!([{"id": "default.nope"}]), "checks[0].id: no check is called default.nope"),
        ("/checks", json!([{"id": "patronus.pii"}]), "checks[0].id: needs a service outside"),
        (
            "/checks",
            json!([{"id": "default.contains", "parameters": {"words": 7}}]),
            "checks[0].parameters.words: must be an array",
        ),
        (
            "/checks",
            json!([{"id": "default.webhook", "parameters": {"webhookURL": "https://x.example", "headers": {"a": "b…c"}}}]),
            "checks[0].parameters.headers.a: this is a mask",
        ),
        ("/actions", json!([]), "actions: must be an object"),
        ("/actions", json!({"deny": "yes"}), "actions.deny: must be true or false"),
        (
            "/actions",
            json!({"on_fail": {"feedback": {"value": 70}}}),
            "actions.on_fail.feedback.value: must be a whole number",
        ),
        ("/strange", json!(1), "strange: no such field"),
    ] {
        cases.push(post(but(&good, pointer, value), says));
    }
    cases
}

fn bad_changes() -> Vec<Case> {
    let put = |status, body: Value, says| case("PUT", "/v1/guardrails/nobody", status, says).json(body);
    vec![
        put(403, json!({"name": "x"}), "no guardrail"),
        put(403, json!({"workspace_id": "nobody"}), "no workspace"),
        put(400, json!([]), "body: found an array"),
        put(400, json!({"name": 7}), "name: found a number"),
        put(400, json!({"strange": 1}), "strange: no such field"),
    ]
}
