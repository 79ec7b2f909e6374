//! What can be wrong where logs, and what is made of them, are listed.

use serde_json::json;

use super::ID;
use crate::bad_input::{Case, case};

pub fn of_logs() -> Vec<Case> {
    [
        ("limit=0", "limit: found `0`"),
        ("limit=-1", "limit: found `-1`"),
        ("limit=1001", "limit: found `1001`"),
        ("limit=99999999999999999999999", "limit: found"),
        ("limit=ten", "limit: found `ten`"),
        ("limit=1&limit=2", "limit: given twice"),
        ("cursor=nonsense", "cursor: found `nonsense`"),
        ("cursor=AAAA", "cursor: found"),
        ("trace_id=%00", "trace_id: a NUL character"),
        ("text=", "text: there is no word"),
        ("text=%20%22%2A%20", "text: there is no word"),
        ("text=%00", "text: a NUL character"),
        ("cursor=%F0%9F%92%A9", "cursor: found"),
        ("status_code=ok", "status_code: found `ok`"),
        ("status_code=200,1000", "status_code: found `1000`"),
        ("time_of_generation_min=yesterday", "time_of_generation_min: found `yesterday`"),
        ("time_of_generation_max=2026-13-01T00:00:00Z", "time_of_generation_max: found"),
        ("cost_min=-1", "cost_min: found `-1`"),
        ("cost_max=NaN", "cost_max: found `NaN`"),
        ("cost_max=inf", "cost_max: found `inf`"),
        ("cost_max=1e300", "cost_max: found `1e300`"),
        ("total_units_min=1.5", "total_units_min: found `1.5`"),
        ("prompt_token_max=-3", "prompt_token_max: found `-3`"),
        ("completion_token_min=x", "completion_token_min: found `x`"),
        ("response_time_min=-5", "response_time_min: found `-5`"),
        ("metadata=nonsense", "metadata: found `nonsense`"),
        ("metadata=[1]", "metadata: found"),
        ("metadata={\"a\":1}", "metadata: the value of `a` is not a string"),
        ("metadata={\"a\":\"\\u0000\"}", "metadata: a NUL character"),
        ("api_key_ids=nonsense", "api_key_ids: found `nonsense`"),
        ("cache_status=WARM", "cache_status: found `WARM`"),
        ("retry_status=perhaps", "retry_status: found `perhaps`"),
        ("ai_org_model=gpt-4o", "ai_org_model: found `gpt-4o`"),
        ("sort=model", "sort: found `model`"),
        ("order=up", "order: found `up`"),
        ("sort=cost&cursor=AZAAAAAAcACAAAAAAAAAAQ", "cursor: it is of a page in another order"),
        ("weighted_feedback_min=-10.5", "weighted_feedback_min: found `-10.5`"),
        ("weighted_feedback_max=NaN", "weighted_feedback_max: found `NaN`"),
        ("outcome=fine", "outcome: found `fine`"),
        ("source=elsewhere", "source: found `elsewhere`"),
        ("mode=random", "mode: found `random`"),
        ("page=2", "page: no such parameter"),
        ("%FF=1", "no such parameter"),
    ]
    .into_iter()
    .map(|(query, says)| case("GET", format!("/v1/logs?{query}"), 400, says))
    .chain([
        case("GET", "/v1/logs?workspace_slug=nobody", 404, "no workspace"),
        case("GET", format!("/v1/logs?status_code={}", "200,".repeat(101)), 400, "status_code: 101 items"),
    ])
    .collect()
}

pub fn of_values() -> Vec<Case> {
    let all = [
        ("", "field: missing"),
        ("field=colour", "field: found `colour`"),
        ("field=metadata_value", "key: missing"),
        ("field=model&key=env", "key: it is for field=metadata_value"),
        ("field=model&limit=0", "limit: found `0`"),
        ("field=model&limit=1001", "limit: found `1001`"),
        ("field=model&q=%00", "q: a NUL character"),
        ("field=model&time_of_generation_min=now", "time_of_generation_min: found `now`"),
        ("field=model&x=1", "x: no such parameter"),
    ];
    let all = all.into_iter().map(|(query, says)| case("GET", format!("/v1/logs/values?{query}"), 400, says));
    all.chain([case("GET", "/v1/logs/values?field=model&workspace_slug=nobody", 404, "no workspace")])
        .collect()
}

pub fn of_traces(path: &str) -> Vec<Case> {
    if path.contains('{') {
        return vec![
            case("GET", "/v1/traces/nobodys", 404, "no trace"),
            case("GET", "/v1/traces/no%00bodys", 404, "no trace"),
            case("GET", format!("/v1/traces/{}", "n".repeat(5000)), 404, "no trace"),
            case("GET", "/v1/traces/x?workspace_id=nobody", 404, "no workspace"),
            case("GET", "/v1/traces/x?x=1", 400, "x: no such parameter"),
        ];
    }
    vec![
        case("GET", "/v1/traces?limit=0", 400, "limit: found `0`"),
        case("GET", "/v1/traces?limit=101", 400, "limit: found `101`"),
        case("GET", "/v1/traces?cursor=AAAA", 400, "cursor: found `AAAA`"),
        // One of a list of logs by cost.
        case("GET", "/v1/traces?cursor=AZAAAAAAcACAAAAAAAAAAQI", 400, "cursor: found"),
        case("GET", "/v1/traces?time_of_generation_max=now", 400, "time_of_generation_max: found `now`"),
        case("GET", "/v1/traces?workspace_slug=nobody", 404, "no workspace"),
        case("GET", "/v1/traces?x=1", 400, "x: no such parameter"),
    ]
}

pub fn of_graphs(path: &str) -> Vec<Case> {
    let (from, to) =
        ("time_of_generation_min=2026-11-01T00:00:00Z", "time_of_generation_max=2026-11-02T00:00:00Z");
    let asked = |query: String, says| case("GET", format!("{path}?{query}"), 400, says);
    vec![
        asked(to.to_owned(), "time_of_generation_min: missing"),
        asked(from.to_owned(), "time_of_generation_max: missing"),
        asked(format!("{from}&time_of_generation_max=then"), "time_of_generation_max: found `then`"),
        asked(
            format!("{from}&time_of_generation_max=2026-10-31T00:00:00Z"),
            "time_of_generation_max: it is before",
        ),
        asked(
            format!("{from}&time_of_generation_max=2036-01-01T00:00:00Z"),
            "time_of_generation_max: it is too far",
        ),
        asked(format!("{from}&{to}&ai_org_model=gpt-4o"), "ai_org_model: found `gpt-4o`"),
        asked(format!("{from}&{to}&limit=1"), "limit: no such parameter"),
        case("GET", format!("{path}?{from}&{to}&workspace_slug=nobody"), 404, "no workspace"),
    ]
}

pub fn of_saved_filters(route: &api::Route) -> Vec<Case> {
    let (method, path) = (route.method, route.path);
    let at = |id: &str| path.replace("{id}", id);
    let with = |says, body| case(method, at(ID), 400, says).json(body);
    let bodies = || {
        vec![
            with("body: found an array", json!([])),
            with("name: found a number", json!({"name": 7, "filters": {"user": "u"}})),
            with("name: found an empty string", json!({"name": "", "filters": {"user": "u"}})),
            with("filters: found a string", json!({"name": "x", "filters": "user=u"})),
            with("filters: there is none", json!({"name": "x", "filters": {}})),
            with("filters.order: no such parameter", json!({"name": "x", "filters": {"order": "asc"}})),
            with("filters.mode: found `random`", json!({"name": "x", "filters": {"mode": "random"}})),
            with("x: no such field", json!({"name": "x", "filters": {"user": "u"}, "x": 1})),
        ]
    };
    let ids = || {
        vec![
            case(method, at("nonsense"), 400, "id: found `nonsense`"),
            case(method, at(ID) + "?x=1", 400, "x: no such parameter"),
            case(method, at(ID), 404, "no saved filter"),
        ]
    };
    match (method, path) {
        ("GET", "/v1/logs/filters") => vec![case("GET", "/v1/logs/filters?x=1", 400, "x: no such parameter")],
        ("POST", _) => {
            let missing = with("name: missing", json!({"filters": {"user": "u"}}));
            bodies().into_iter().chain([missing, with("filters: missing", json!({"name": "x"}))]).collect()
        }
        ("PUT", _) => {
            let unknown = case("PUT", at(ID), 404, "no saved filter").json(json!({"name": "x"}));
            let malformed =
                case("PUT", at("nonsense"), 400, "id: found `nonsense`").json(json!({"name": "x"}));
            bodies().into_iter().chain([unknown, malformed]).collect()
        }
        _ => ids(),
    }
}
