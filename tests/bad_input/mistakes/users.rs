//! What can be wrong with people and invites, and with what anybody may send to become or be one.

use serde_json::{Value, json};

use super::{Case, ID, bad_pages, but, case, without};

const USERS: &str = "/v1/admin/users";
const INVITES: &str = "/v1/admin/users/invites";

pub fn mistakes(route: &api::Route) -> Vec<Case> {
    let named = |id: &str| route.path.replace("{user}", id).replace("{invite}", id);
    match (route.method, route.path) {
        ("GET", USERS) => {
            let mut cases = bad_pages(USERS, None);
            cases.extend(bad_camel_pages(USERS));
            cases.push(case("GET", format!("{USERS}?role=king"), 400, "role: found `king`"));
            cases
        }
        ("GET", INVITES) => {
            let mut cases = bad_pages(INVITES, None);
            cases.extend(bad_camel_pages(INVITES));
            cases.push(case("GET", format!("{INVITES}?role=owner"), 400, "role: found `owner`"));
            cases.push(case("GET", format!("{INVITES}?status=open"), 400, "status: found `open`"));
            cases
        }
        ("POST", INVITES) => bad_invites(),
        ("PUT", _) => {
            let put = |body, says| case("PUT", named(ID), 400, says).json(body);
            vec![
                case("PUT", named("nonsense"), 400, "id: found `nonsense`").json(json!({"role": "admin"})),
                case("PUT", named(ID), 404, "no user").json(json!({"role": "admin"})),
                case("PUT", named(ID), 400, "body: ").bytes("nonsense"),
                put(json!({}), "role: missing"),
                put(json!({"role": "owner"}), "role: found `owner`"),
                put(json!({"role": 7}), "role: found a number"),
                put(json!({"role": "admin", "strange": 1}), "strange: no such field"),
            ]
        }
        (method, path) => {
            let what = if path.contains("{invite}") { "no invite" } else { "no user" };
            vec![
                case(method, named("nonsense"), 400, "id: found `nonsense`"),
                case(method, named("%00"), 400, "id: "),
                case(method, named(ID) + "?x=1", 400, "x: no such parameter"),
                case(method, named(ID), 404, what),
            ]
        }
    }
}

fn bad_camel_pages(path: &str) -> Vec<Case> {
    [
        ("pageSize=0", "pageSize: found `0`"),
        ("pageSize=1001", "pageSize: found `1001`"),
        ("currentPage=-1", "currentPage: found `-1`"),
    ]
    .map(|(query, says)| case("GET", format!("{path}?{query}"), 400, says))
    .into()
}

fn bad_invites() -> Vec<Case> {
    let good = json!({"email": "a@b.co", "role": "member", "workspaces": []});
    let post = |body, says| case("POST", INVITES, 400, says).json(body);
    let place = |place: Value| json!([place]);
    let mut cases = vec![
        case("POST", INVITES, 400, "body: ").bytes("[1,"),
        case("POST", INVITES, 413, "the body is too large").bytes(" ".repeat((256 << 10) + 1)),
        case("POST", format!("{INVITES}?x=1"), 400, "x: no such parameter").json(good.clone()),
        case("POST", INVITES, 404, "no workspace").json(but(
            &good,
            "/workspaces",
            place(json!({"id": "nobody", "role": "member"})),
        )),
        post(without(&good, "/email"), "email: missing"),
        post(without(&good, "/role"), "role: missing"),
        post(without(&good, "/workspaces"), "workspaces: missing"),
    ];
    for (pointer, value, says) in [
        ("/email", json!("nobody"), "email: no @ is in it"),
        ("/email", json!("a@b@c.co"), "email: not an address"),
        ("/email", json!("a@b..co"), "email: what follows the @ is not a domain"),
        ("/email", json!("a\u{0}@b.co"), "email: a control character"),
        ("/email", json!("e".repeat(255)), "email: too long"),
        ("/role", json!("owner"), "role: found `owner`"),
        ("/role", json!("manager"), "role: found `manager`"),
        ("/workspaces", json!({}), "workspaces: found an object"),
        ("/workspaces", json!([7]), "workspaces[0]: found a number"),
        ("/workspaces", json!(vec![json!({}); 101]), "workspaces: 101 of them"),
        ("/workspaces", place(json!({"role": "member"})), "workspaces[0].id: missing"),
        ("/workspaces", place(json!({"id": "x"})), "workspaces[0].role: missing"),
        ("/workspaces", place(json!({"id": "x", "role": "owner"})), "workspaces[0].role: found `owner`"),
        (
            "/workspaces",
            place(json!({"id": "x", "role": "member", "strange": 1})),
            "workspaces[0].strange: no such field",
        ),
        ("/workspace_api_key_details", json!([]), "workspace_api_key_details: found an array"),
        ("/workspace_api_key_details", json!({}), "workspace_api_key_details.scopes: missing"),
        (
            "/workspace_api_key_details",
            json!({"scopes": ["organisation_users.create"]}),
            "workspace_api_key_details.scopes[0]: `organisation_users.create` is not for",
        ),
        (
            "/workspace_api_key_details",
            json!({"scopes": ["workspace_user_api_keys.create"]}),
            "workspace_api_key_details.scopes[0]: `workspace_user_api_keys.create` is not for",
        ),
        ("/strange", json!(1), "strange: no such field"),
    ] {
        cases.push(post(but(&good, pointer, value), says));
    }
    cases
}

/// Of what anybody may send.
pub fn public(path: &'static str) -> Vec<Case> {
    let post = |body, says| case("POST", path, 400, says).json(body);
    let mut cases = vec![
        case("POST", path, 400, "body: ").bytes("["),
        case("POST", path, 413, "the body is too large").bytes(" ".repeat((16 << 10) + 1)),
        case("POST", format!("{path}?x=1"), 400, "x: no such parameter").json(json!({})),
        post(json!({"strange": 1, "email": "a@b.co", "token": "x", "new_password": "x"}), "no such field"),
    ];
    let password = "correct horse battery";
    cases.extend(match path {
        "/v1/auth/password/reset" => vec![
            post(json!({}), "email: missing"),
            post(json!({"email": 7}), "email: found a number"),
            post(json!({"email": "nobody"}), "email: no @ is in it"),
            post(json!({"email": "e".repeat(255)}), "email: too long"),
        ],
        "/v1/auth/password/reset/confirm" => vec![
            post(json!({"new_password": password}), "token: missing"),
            post(json!({"token": "x"}), "new_password: missing"),
            post(json!({"token": "x", "new_password": password}), "token: does not work"),
            post(json!({"token": "x", "new_password": "p".repeat(257)}), "new_password: too long"),
        ],
        _ => vec![
            post(json!({"password": password}), "token: missing"),
            post(json!({"token": "x", "password": password}), "token: does not work"),
            post(json!({"token": "x", "first_name": "a\nb"}), "first_name: a control character"),
            post(json!({"token": "x", "last_name": "n".repeat(101)}), "last_name: too long"),
            post(json!({"token": "x", "password": 7}), "password: found a number"),
            case("POST", path, 401, "the access token is not valid")
                .header("authorization", "Bearer eyJ.e.e")
                .json(json!({"token": "x", "password": password})),
        ],
    });
    cases
}
