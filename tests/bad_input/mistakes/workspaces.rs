//! What can be wrong with workspaces and who works in them.

use serde_json::{Value, json};

use super::{Case, ID, bad_pages, case};

const PATH: &str = "/v1/admin/workspaces";

pub fn mistakes(route: &api::Route) -> Vec<Case> {
    match (route.method, route.path) {
        ("GET", PATH) => {
            let mut cases = bad_pages(PATH, None);
            cases.push(case("GET", format!("{PATH}?pageSize=0"), 400, "pageSize: found `0`"));
            cases.push(case("GET", format!("{PATH}?currentPage=x"), 400, "currentPage: found `x`"));
            cases.push(case("GET", format!("{PATH}?status=gone"), 400, "status: found `gone`"));
            cases
        }
        ("POST", PATH) => bad_workspaces(PATH, "POST"),
        ("PUT", "/v1/admin/workspaces/{workspace}") => {
            let nobody = || format!("{PATH}/nobody");
            vec![
                case("PUT", nobody(), 404, "no workspace").json(json!({"rate_limits": []})),
                case("PUT", nobody(), 400, "body: found an array").json(json!([])),
            ]
        }
        ("DELETE", "/v1/admin/workspaces/{workspace}") => vec![
            case("DELETE", format!("{PATH}/nobody"), 404, "no workspace"),
            case("DELETE", format!("{PATH}/nobody?x=1"), 400, "x: no such parameter"),
            case("DELETE", format!("{PATH}/nobody"), 400, "body: ").bytes("{"),
        ],
        ("POST", _) => bad_members(),
        ("PUT", _) => {
            let put = |body: Value, status, says| {
                case("PUT", format!("{PATH}/nobody/users/{ID}"), status, says).json(body)
            };
            vec![
                put(json!({}), 400, "role: missing"),
                put(json!({"role": "owner"}), 400, "role: found `owner`"),
                put(json!({"role": 1}), 400, "role: found a number"),
                put(json!({"role": "admin", "user_id": "another"}), 400, "user_id: is not as in the path"),
                put(json!({"role": "admin", "x": 1}), 400, "x: no such field"),
                put(json!({"role": "admin"}), 404, "no workspace"),
            ]
        }
        (method, path) => {
            let at = |workspace: &str| path.replace("{workspace}", workspace).replace("{user}", ID);
            let mut cases = vec![
                case(method, at("nobody"), 404, "no workspace"),
                case(method, at("no%00body"), 404, "no workspace"),
                case(method, at("nobody") + "?x=1", 400, "x: no such parameter"),
            ];
            if path.ends_with("/users") {
                cases.extend(bad_pages(&at("nobody"), None));
                cases.push(case("GET", at("nobody") + "?role=owner", 400, "role: found `owner`"));
            }
            cases
        }
    }
}

fn bad_workspaces(path: &str, method: &'static str) -> Vec<Case> {
    let many: Vec<&str> = vec![ID; 101];
    [
        (json!({}), "name: missing"),
        (json!({"name": ""}), "name: found an empty string"),
        (json!({"name": "x".repeat(101)}), "name: too long"),
        (json!({"name": "x\ny"}), "name: a control character"),
        (json!({"name": "x", "description": 7}), "description: found a number"),
        (json!({"name": "x", "description": "x".repeat(501)}), "description: too long"),
        (json!({"name": "x", "defaults": []}), "defaults: found an array"),
        (json!({"name": "x", "defaults": {"metadata": 7}}), "defaults.metadata: found a number"),
        (json!({"name": "x", "defaults": {"metadata": {"a": 1}}}), "defaults.metadata.a: found a number"),
        (
            json!({"name": "x", "defaults": {"user_api_key_config": "pc-x"}}),
            "defaults.user_api_key_config: this workspace has no config `pc-x`",
        ),
        (json!({"name": "x", "defaults": {"x": 1}}), "defaults.x: no such field"),
        (json!({"name": "x", "users": "me"}), "users: found a string"),
        (json!({"name": "x", "users": many}), "users: 101 items"),
        (json!({"name": "x", "users": ["me"]}), "users[0]: found \"me\""),
        (json!({"name": "x", "users": [ID]}), "users[0]: found `01900000"),
        (json!({"name": "x", "usage_limits": [{"type": "cost"}]}), "usage_limits"),
        (json!({"name": "x", "x": 1}), "x: no such field"),
    ]
    .into_iter()
    .map(|(body, says)| case(method, path, 400, says).json(body))
    .collect()
}

fn bad_members() -> Vec<Case> {
    let post =
        |body: Value, status, says| case("POST", format!("{PATH}/nobody/users"), status, says).json(body);
    let one = |id: Value, role: Value| json!({"users": [{"id": id, "role": role}]});
    let many: Vec<Value> = vec![json!({"id": ID, "role": "member"}); 101];
    vec![
        post(json!({}), 400, "users: missing"),
        post(json!({"users": []}), 400, "users: 0 items"),
        post(json!({"users": many}), 400, "users: 101 items"),
        post(json!({"users": {}}), 400, "users: found an object"),
        post(json!({"users": [7]}), 400, "users[0]: found a number"),
        post(one(json!("x"), json!("member")), 400, "users[0].id: found `x`"),
        post(one(json!(ID), json!("owner")), 400, "users[0].role: found `owner`"),
        post(one(json!(ID), json!(null)), 400, "users[0].role: missing"),
        post(json!({"users": [{"id": ID, "role": "member", "x": 1}]}), 400, "users[0].x: no such field"),
        post(one(json!(ID), json!("member")), 404, "no workspace"),
    ]
}
