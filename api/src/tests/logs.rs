use std::time::Duration;

use entity::{log, log_payload};
use plans::Month;
use sea_orm::prelude::*;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use super::fixture::{Fixture, NOW, refused};

fn entry() -> Value {
    json!({
        "request": {
            "url": "https://api.openai.com/v1/chat/completions?key=s3cret",
            "provider": "openai",
            "headers": {"Authorization": "Bearer sk-secret", "X-Custom": "seen"},
            "body": {"model": "gpt-4o", "messages": []}
        },
        "response": {
            "status": 200,
            "headers": {"content-type": "application/json"},
            "body": {"model": "gpt-4o-2024-08-06", "choices": [], "usage": {"prompt_tokens": 12, "completion_tokens": 30}},
            "response_time": 820
        },
        "metadata": {"traceId": "t-1", "spanId": "s-1", "span_name": "LLM", "parent_span_id": "p-1", "_user": "u1"}
    })
}

#[actix_web::test]
async fn an_inserted_log_is_listed_and_shown_in_full() {
    let mut f = Fixture::new().await;
    let (status, answer) = f.post("/v1/logs", entry()).await;
    assert_eq!((status, &answer["status"]), (200, &json!("success")));
    let id = answer["ids"][0].as_str().unwrap();
    f.ship().await;

    let (status, list) = f.get("/v1/logs").await;
    assert_eq!((status, &list["object"], &list["next_cursor"]), (200, &json!("list"), &Value::Null));
    let row = &list["data"][0];
    for (field, value) in [
        ("id", json!(id)),
        ("trace_id", json!("t-1")),
        ("request_type", json!("chatComplete")),
        ("request_method", json!("POST")),
        ("request_path", json!("/v1/chat/completions")),
        ("request_url", json!("https://api.openai.com/v1/chat/completions?key=********")),
        ("provider", json!("openai")),
        ("model", json!("gpt-4o-2024-08-06")),
        ("prompt_tokens", json!(12)),
        ("completion_tokens", json!(30)),
        ("total_tokens", json!(42)),
        ("tokens_estimated", json!(false)),
        ("cost_currency", json!("USD")),
        ("response_time", json!(820)),
        ("response_status_code", json!(200)),
        ("is_success", json!(true)),
        ("debug", json!(true)),
        ("source", json!("insert")),
        ("metadata", json!({"_user": "u1"})),
        ("workspace_id", json!(f.made.workspace_id)),
    ] {
        assert_eq!(row[field], value, "{field} of {row}");
    }
    assert_eq!(row["status"]["cache"], "Cache Disabled");
    assert_eq!(row["status"]["retry"], "Retry Not Triggered");
    assert!(row["created_at"].as_str().unwrap().starts_with("2026-11-23T00:00:"));
    assert!(row["cost"].as_f64().unwrap() > 0.0);

    let (status, log) = f.get(&format!("/v1/logs/{id}")).await;
    assert_eq!((status, &log["_id"]), (200, &json!(id)));
    assert_eq!(log["organisation_id"], json!(f.made.organisation_id));
    assert_eq!(log["request"]["headers"], json!({"authorization": "********", "x-custom": "seen"}));
    assert_eq!(log["request"]["body"], entry()["request"]["body"]);
    assert_eq!(log["response"]["body"], entry()["response"]["body"]);
    assert_eq!(log["response"]["responseTime"], 820);
    assert_eq!(log["response"]["lastUsedOptionJsonPath"], "config");
    assert_eq!(log["request"]["portkeyHeaders"]["x-portkey-trace-id"], "t-1");
    assert_eq!(log["metrics"]["metadata.key"], json!(["_user"]));
    assert_eq!(
        (&log["metrics"]["span_name"], &log["metrics"]["parent_span_id"]),
        (&json!("LLM"), &json!("p-1"))
    );
    assert!(!log.to_string().contains("secret"), "{log}");
}

#[actix_web::test]
async fn many_logs_go_in_at_once_and_come_out_by_page() {
    let mut f = Fixture::new().await;
    let entries: Vec<Value> = (0..5)
        .map(|n| {
            json!({
                "request": {"url": "https://api.groq.com/openai/v1/embeddings", "method": "POST", "body": {}},
                "response": {"body": format!("text {n}"), "status": 200 + n, "time": n},
                "metadata": {"trace_id": "t", "n": n.to_string()}
            })
        })
        .collect();
    let (status, answer) = f.post("/v1/logs", json!(entries)).await;
    assert_eq!((status, answer["ids"].as_array().unwrap().len()), (200, 5));
    f.ship().await;

    let (_, first) = f.get("/v1/logs?limit=3&trace_id=t").await;
    let cursor = first["next_cursor"].as_str().unwrap();
    let (_, second) = f.get(&format!("/v1/logs?limit=3&trace_id=t&cursor={cursor}")).await;
    assert_eq!(second["next_cursor"], Value::Null);
    let mut seen: Vec<&str> = [&first, &second]
        .iter()
        .flat_map(|page| page["data"].as_array().unwrap())
        .map(|row| row["id"].as_str().unwrap())
        .collect();
    let mut ids: Vec<&str> =
        answer["ids"].as_array().unwrap().iter().map(|id| id.as_str().unwrap()).collect();
    seen.sort_unstable();
    ids.sort_unstable();
    assert_eq!(seen, ids);
    assert_eq!(
        (&first["data"][0]["provider"], &first["data"][0]["request_type"]),
        (&json!("groq"), &json!("embed"))
    );

    for (query, found) in [
        ("status_code=201,203", 2),
        ("metadata=%7B%22n%22%3A%222%22%7D", 1),
        ("provider=groq&response_time_min=1&response_time_max=3", 3),
        ("ai_org=openai", 0),
        ("time_of_generation_min=2026-11-23T00:00:00Z&time_of_generation_max=2026-11-24T00:00:00+00:00", 5),
        ("time_of_generation_max=2026-11-22T00:00:00Z", 0),
        ("retry_status=success", 0),
        ("cache_status=DISABLED", 5),
    ] {
        let (status, page) = f.get(&format!("/v1/logs?{query}")).await;
        assert_eq!((status, page["data"].as_array().unwrap().len()), (200, found), "{query}");
    }
}

#[actix_web::test]
async fn a_clients_own_id_makes_an_insert_safe_to_repeat() {
    let mut f = Fixture::new().await;
    let mut entry = entry();
    entry["id"] = json!("mine-1");
    let twice = f.post("/v1/logs", json!([entry, entry])).await.1;
    let before = f.post("/v1/logs", entry.clone()).await.1;
    f.ship().await;
    f.api.recent_inserts.invalidate_all();
    f.api.recent_inserts.run_pending_tasks().await;
    let after = f.post("/v1/logs", entry.clone()).await.1;
    f.ship().await;
    let id = &before["ids"][0];
    assert_eq!((&twice["ids"][0], &twice["ids"][1], &after["ids"][0]), (id, id, id));
    let (_, list) = f.get("/v1/logs").await;
    assert_eq!(list["data"].as_array().unwrap().len(), 1);
    assert_eq!((&list["data"][0]["id"], &list["data"][0]["external_id"]), (id, &json!("mine-1")));

    let stranger = f.organisation().await;
    let (_, theirs) = f.call("POST", "/v1/logs", &stranger.api_key, Some(entry)).await;
    assert_ne!(&theirs["ids"][0], id, "ids are each organisation's own");
}

#[actix_web::test]
async fn what_is_wrong_with_an_entry_is_named_and_nothing_goes_in() {
    let mut f = Fixture::new().await;
    let mut cases: Vec<(Value, String)> = Vec::new();
    let mut case = |path: &str, value: Value, message: &str| {
        let mut wrong = entry();
        match value {
            Value::Null => {
                let (parent, name) = path.rsplit_once('/').unwrap();
                let parent = if parent.is_empty() { &mut wrong } else { wrong.pointer_mut(parent).unwrap() };
                parent.as_object_mut().unwrap().shift_remove(name);
            }
            value => {
                let (parent, name) = path.rsplit_once('/').unwrap();
                let parent = if parent.is_empty() { &mut wrong } else { wrong.pointer_mut(parent).unwrap() };
                parent[name] = value;
            }
        }
        cases.push((wrong, message.to_owned()));
    };
    case("/request", Value::Null, "request: missing; expected an object with url and body");
    case("/request", json!([]), "request: found an array; expected an object");
    case("/request/url", Value::Null, "request.url: missing");
    case("/request/url", json!(5), "request.url: found a number");
    case("/request/url", json!("chat"), "request.url: not a URL");
    case("/request/body", Value::Null, "request.body: missing");
    case("/request/method", json!("GET IT"), "request.method: found `GET IT`");
    case("/request/headers", json!({"a": {}}), "request.headers.a: found an object");
    case("/request/headers", json!({"a": "x".repeat(8_192)}), "request.headers.a: too long");
    case("/response", Value::Null, "response: missing");
    case("/response/body", Value::Null, "response.body: missing");
    case("/response/status", json!(99), "response.status: found 99");
    case("/response/status", json!("200"), "response.status: found a string");
    case("/response/response_time", json!(-1), "response.response_time: found -1");
    case("/response/streamingMode", json!(1), "response.streamingMode: found 1");
    case("/metadata/k", json!(5), "metadata.k: found a number");
    case("/metadata/k", json!("x".repeat(129)), "metadata.k: too long");
    case("/id", json!(""), "id: found an empty string");
    case("/id", json!("x".repeat(129)), "id: too long");
    case("/created_at", json!("2020-01-01T00:00:00Z"), "created_at: no such field; expected only id, ");
    for (wrong, message) in cases {
        refused(&f.post("/v1/logs", wrong.clone()).await, 400, "AB01", &message);
        let message = format!("[1].{message}");
        refused(&f.post("/v1/logs", json!([entry(), wrong])).await, 400, "AB01", &message);
    }
    refused(&f.post("/v1/logs", json!([])).await, 400, "AB01", "body: no logs; expected 1 to 1000 logs");
    let many = json!(vec![entry(); 1_001]);
    refused(&f.post("/v1/logs", many).await, 400, "AB01", "body: more than 1000 logs");
    refused(&f.post("/v1/logs", json!("x")).await, 400, "AB01", "body: found a string; expected an object");
    let header = [("x-portkey-api-key", f.made.api_key.expose_secret())];
    refused(&f.send("POST", "/v1/logs", &header, Some("{")).await, 400, "AB01", "body: EOF");
    let long = format!("\"{}\"", "x".repeat(8 << 20));
    refused(&f.send("POST", "/v1/logs", &header, Some(&long)).await, 413, "AB01", "at most 8388608 bytes");
    f.ship().await;
    assert_eq!(f.get("/v1/logs").await.1["data"], json!([]));
}

#[actix_web::test]
async fn a_long_body_is_cut_after_it_was_measured() {
    let mut f = Fixture::new().await;
    let mut entry = entry();
    entry["response"]["body"]["choices"] = json!([{"message": {"content": "word ".repeat(1_000)}}]);
    let (_, answer) = f.post("/v1/logs", entry).await;
    f.ship().await;
    let (_, log) = f.get(&format!("/v1/logs/{}", answer["ids"][0].as_str().unwrap())).await;
    assert_eq!((&log["payload"], &log["metrics"]["total_units"]), (&json!("cut"), &json!(42)));
    assert_eq!(log["response"]["body"].as_str().unwrap().len(), 1_000);
}

#[actix_web::test]
async fn an_organisations_key_lists_all_workspaces_or_the_one_it_names() {
    let mut f = Fixture::new().await;
    f.post("/v1/logs", entry()).await;
    f.ship().await;
    f.workspace("ws-empty").await;
    for (query, found) in
        [("", 1), ("?workspace_slug=ws-empty", 0), (&*format!("?workspace_id={}", f.made.workspace_uuid), 1)]
    {
        let (status, list) = f.call("GET", &format!("/v1/logs{query}"), &f.made.admin_api_key, None).await;
        assert_eq!((status, list["data"].as_array().unwrap().len()), (200, found), "{query}");
    }
    let answer = f.call("POST", "/v1/logs", &f.made.admin_api_key, Some(entry())).await;
    refused(&answer, 403, "AB03", "completions.write");
}

#[actix_web::test]
async fn a_log_past_its_retention_is_gone_though_it_is_still_stored() {
    let mut f = Fixture::new().await;
    let (_, answer) = f.post("/v1/logs", entry()).await;
    f.ship().await;
    let path = format!("/v1/logs/{}", answer["ids"][0].as_str().unwrap());
    assert_eq!(f.get(&path).await.0, 200);
    f.clock.advance(Duration::from_hours(72) + Duration::from_mins(1));
    refused(&f.get(&path).await, 404, "AB08", "no log");
    assert_eq!(f.get("/v1/logs").await.1["data"], json!([]));
}

#[actix_web::test]
async fn a_log_under_do_not_track_has_its_statistics_and_no_content() {
    let mut f = Fixture::new().await;
    let (_, answer) = f.post("/v1/logs", entry()).await;
    f.ship().await;
    log_payload::Entity::delete_many().exec(&f.db).await.unwrap();
    let withheld = Expr::value("withheld");
    log::Entity::update_many().col_expr(log::Column::Payload, withheld).exec(&f.db).await.unwrap();

    let (_, shown) = f.get(&format!("/v1/logs/{}", answer["ids"][0].as_str().unwrap())).await;
    for side in ["request", "response"] {
        let fields = shown[side].as_object().unwrap();
        assert!(!fields.contains_key("headers") && !fields.contains_key("body"), "{shown}");
    }
    let headers = json!({"x-portkey-trace-id": "t-1", "x-portkey-span-id": "s-1", "x-portkey-span-name": "LLM",
        "x-portkey-parent-span-id": "p-1", "x-portkey-metadata": "{\"_user\":\"u1\"}"});
    assert_eq!(shown["request"]["portkeyHeaders"], headers);
    assert_eq!((&shown["payload"], &shown["metrics"]["total_units"]), (&json!("withheld"), &json!(42)));
    assert_eq!(f.get("/v1/logs").await.1["data"][0]["debug"], false);
}

#[actix_web::test]
async fn usage_says_where_the_month_stands() {
    let mut f = Fixture::new().await;
    let (_, none) = f.get("/v1/usage").await;
    assert_eq!((&none["used"], &none["dropped"]), (&json!(0), &json!(0)));
    f.post("/v1/logs", json!([entry(), entry()])).await;
    f.ship().await;
    let (status, usage) = f.get("/v1/usage").await;
    assert_eq!((status, &usage["plan"], &usage["used"]), (200, &json!("developer"), &json!(2)));
    assert_eq!(
        (&usage["included"], &usage["limit"], &usage["overage"]),
        (&json!(10_000), &json!(10_000), &Value::Null)
    );
    assert_eq!(usage["period"]["month"], Month::of(NOW).to_string());
    assert_eq!(usage["period"]["start"], "2026-11-01T00:00:00.000Z");
    assert_eq!(usage["resets_at"], "2026-12-01T00:00:00.000Z");
}
