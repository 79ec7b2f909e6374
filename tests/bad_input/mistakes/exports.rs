//! What can be wrong of exports of logs.

use serde_json::json;

use super::{Case, ID, case};

const PATH: &str = "/v1/logs/exports";

pub fn mistakes(route: &api::Route) -> Vec<Case> {
    let at = |id: &str| route.path.replace("{id}", id);
    match (route.method, route.path) {
        ("GET", PATH) => vec![
            case("GET", format!("{PATH}?x=1"), 400, "x: no such parameter"),
            case("GET", format!("{PATH}?page_size=0"), 400, "page_size: found `0`"),
            case("GET", format!("{PATH}?page_size=1001"), 400, "page_size: found `1001`"),
            case("GET", format!("{PATH}?current_page=-1"), 400, "current_page: found `-1`"),
            case("GET", format!("{PATH}?workspace_id=nobodys"), 404, "no workspace"),
        ],
        ("POST", PATH) => bodies("POST", PATH)
            .into_iter()
            .chain([
                case("POST", PATH, 400, "filters: missing").json(json!({"requested_data": ["id"]})),
                case("POST", PATH, 400, "requested_data: missing").json(json!({"filters": {}})),
                case("POST", PATH, 400, "description: too long")
                    .json(json!({"filters": {}, "requested_data": ["id"], "description": "d".repeat(1001)})),
                case("POST", PATH, 404, "no workspace")
                    .json(json!({"filters": {}, "requested_data": ["id"], "workspace_id": "nobodys"})),
            ])
            .collect(),
        ("PUT", "/v1/logs/exports/{id}") => bodies("PUT", &at(ID))
            .into_iter()
            .chain([
                case("PUT", at(ID), 404, "no export").json(json!({"filters": {}})),
                case("PUT", at("nonsense"), 400, "id: found `nonsense`").json(json!({"filters": {}})),
                case("PUT", at(ID), 400, "export_id: is not as in the path").json(json!({"export_id": "x"})),
            ])
            .collect(),
        ("GET", "/v1/logs/exports/field-restrictions") => vec![
            case("GET", format!("{}?x=1", route.path), 400, "x: no such parameter"),
            case("GET", format!("{}?workspace_id=nobodys", route.path), 404, "no workspace"),
        ],
        ("PUT", "/v1/logs/exports/field-restrictions") => {
            let put = |status, says, body| case("PUT", route.path, status, says).json(body);
            vec![
                put(400, "body: found an array", json!([])),
                put(400, "denied_fields: missing", json!({})),
                put(400, "denied_fields: found a string", json!({"denied_fields": "id"})),
                put(400, "denied_fields[1]: found `x`", json!({"denied_fields": ["id", "x"]})),
                put(400, "denied_fields: 21 items", json!({"denied_fields": vec!["id"; 21]})),
                put(404, "no workspace", json!({"denied_fields": [], "workspace_id": "nobodys"})),
                put(400, "x: no such field", json!({"denied_fields": [], "x": 1})),
            ]
        }
        (method, "/v1/logs/exports/{id}/file") => vec![
            case(method, at(ID), 400, "token: missing; expected that of a link"),
            case(method, at(ID) + "?token=x", 401, "the link is not valid"),
            case(method, at(ID) + "?token=x&x=1", 400, "x: no such parameter"),
            case(method, at("nonsense") + "?token=x", 400, "id: found `nonsense`"),
        ],
        (method, _) => vec![
            case(method, at("nonsense"), 400, "id: found `nonsense`"),
            case(method, at(ID) + "?x=1", 400, "x: no such parameter"),
            case(method, at(ID), 404, "no export"),
        ],
    }
}

/// What both bodies may have wrong.
fn bodies(method: &'static str, path: &str) -> Vec<Case> {
    let with = |says, body| case(method, path, 400, says).json(body);
    vec![
        with("body: found an array", json!([])),
        with("filters: found a string", json!({"filters": "user=u", "requested_data": ["id"]})),
        with("filters.order: no such parameter", json!({"filters": {"order": "asc"}})),
        with("filters.metadata: found `x`", json!({"filters": {"metadata": "x"}})),
        with("filters.metadata: a NUL character", json!({"filters": {"metadata": {"a": "\0"}}})),
        with("filters.page_size: found `50001`", json!({"filters": {"page_size": 50_001}})),
        with("filters.page_size: found `0`", json!({"filters": {"page_size": 0}})),
        with("filters.current_page: found `-1`", json!({"filters": {"current_page": -1}})),
        with("filters.cost_min: found `much`", json!({"filters": {"cost_min": "much"}})),
        with("filters.user: found a boolean", json!({"filters": {"user": true}})),
        with("filters.trace_id: it has no items", json!({"filters": {"trace_id": []}})),
        with("filters.trace_id: found ``", json!({"filters": {"trace_id": [""]}})),
        with("filters.trace_id: found `a,b`", json!({"filters": {"trace_id": ["a,b"]}})),
        with("filters.trace_id: found ` , `", json!({"filters": {"trace_id": " , "}})),
        with("filters: too long", json!({"filters": {"user": "u".repeat(20_000)}})),
        with("requested_data: found a string", json!({"filters": {}, "requested_data": "id"})),
        with("requested_data: 0 items", json!({"filters": {}, "requested_data": []})),
        with("requested_data[0]: found `ids`", json!({"filters": {}, "requested_data": ["ids"]})),
        with("requested_data[1]: found a number", json!({"filters": {}, "requested_data": ["id", 7]})),
        with("workspace_id: found a number", json!({"filters": {}, "workspace_id": 7})),
        with("x: no such field", json!({"filters": {}, "requested_data": ["id"], "x": 1})),
    ]
}
