//! Sets of filters that an organisation keeps by name.

use plans::Plan;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{TestApp, ask};

const PATH: &str = "/v1/logs/filters";

#[tokio::test]
async fn whoever_lists_logs_saves_filters_and_changes_and_deletes_those_of_others() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let workspace = org.workspace_id(&org.workspace).await;
    let one = org.person("member", &[(workspace, "member")]).await;
    let other = org.person("member", &[(workspace, "member")]).await;

    let filters =
        json!({"status_code": [429, "500"], "cost_min": 10, "metadata": {"env": "prod"}, "ai_org": "openai"});
    let as_asked = json!({"status_code": "429,500", "cost_min": "10", "metadata": "{\"env\":\"prod\"}", "ai_org": "openai"});
    let new = json!({"name": "Dear failures", "filters": filters});
    let (status, made) = ask(&one.caller, Method::POST, PATH, Some(&new)).await;
    assert_eq!((status, &made["filters"]), (200, &as_asked), "{made}");
    assert_eq!((&made["created_by"], &made["updated_by"]), (&json!(one.id), &Value::Null));
    let path = format!("{PATH}/{}", made["id"].as_str().unwrap());

    // What is saved is what a list takes.
    let saved = made["filters"].as_object().unwrap();
    let saved = saved.iter().map(|(name, value)| (name, value.as_str().unwrap()));
    let url = reqwest::Url::parse_with_params("http://nowhere", saved).unwrap();
    assert_eq!(org.list(url.query().unwrap()).await, [] as [Value; 0]);

    let (status, changed) = ask(&other.caller, Method::PUT, &path, Some(&json!({"name": "Failures"}))).await;
    assert_eq!((status, &changed["name"], &changed["filters"]), (200, &json!("Failures"), &as_asked));
    assert_eq!((&changed["created_by"], &changed["updated_by"]), (&json!(one.id), &json!(other.id)));
    let narrowed = json!({"filters": {"trace_id": "t"}});
    assert_eq!(ask(&other.caller, Method::PUT, &path, Some(&narrowed)).await.0, 200);
    let (_, read) = ask(&one.caller, Method::GET, &path, None).await;
    assert_eq!((&read["name"], &read["filters"]), (&json!("Failures"), &json!({"trace_id": "t"})));
    let (_, all) = ask(&org.owner().await, Method::GET, PATH, None).await;
    assert_eq!((&all["total"], &all["data"][0]), (&json!(1), &read));

    // Nobody else's.
    let stranger = app.org(Plan::Developer).await;
    let stranger = stranger.with_key(&stranger.key);
    for method in [Method::GET, Method::DELETE, Method::PUT] {
        let body = (method == Method::PUT).then(|| json!({"name": "x"}));
        assert_eq!(ask(&stranger, method, &path, body.as_ref()).await.0, 404);
    }
    assert_eq!(ask(&stranger, Method::GET, PATH, None).await.1["total"], 0);

    assert_eq!(ask(&other.caller, Method::DELETE, &path, None).await, (200, json!({})));
    assert_eq!(ask(&one.caller, Method::GET, &path, None).await.0, 404);
    assert_eq!(ask(&one.caller, Method::DELETE, &path, None).await.0, 404);
    for (action, person, count) in [("create", one.id, 1), ("update", other.id, 2), ("delete", other.id, 1)] {
        let noted = format!(
            "SELECT count(*) FROM audit_entry WHERE action = 'saved_filter.{action}' AND actor = 'person:{person}'"
        );
        assert_eq!(app.count(&noted).await, count, "{action}");
    }
}

#[tokio::test]
async fn what_a_list_would_refuse_is_not_saved() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let own = org.with_key(&org.key);
    for (filters, says) in [
        (json!({}), "filters: there is none"),
        (json!([]), "filters: found an array"),
        (json!({"status_code": "ok"}), "filters.status_code: found `ok`"),
        (json!({"status_code": true}), "filters.status_code: found a boolean"),
        (json!({"status_code": [{}]}), "filters.status_code: found an object"),
        (json!({"trace_id": "a\0b"}), "filters.trace_id: a NUL character"),
        (json!({"trace_id": ""}), "filters.trace_id: found an empty string"),
        (json!({"weighted_feedback_min": 11}), "filters.weighted_feedback_min: found `11`"),
        (json!({"metadata": {"a": 1}}), "filters.metadata: the value of `a` is not a string"),
        (json!({"limit": 5}), "filters.limit: no such parameter"),
        (json!({"user": vec!["u"; 101]}), "filters.user: 101 items"),
        (json!({"user": "u".repeat(20_000)}), "filters: too long"),
    ] {
        let body = json!({"name": "x", "filters": filters});
        let (status, answer) = ask(&own, Method::POST, PATH, Some(&body)).await;
        let said = answer["data"]["message"].as_str().unwrap();
        assert!(status == 400 && said.starts_with(says), "{status} {said}, not {says}");
    }
    assert_eq!(ask(&own, Method::GET, PATH, None).await.1["total"], 0);
}

#[tokio::test]
async fn an_organisation_saves_two_hundred_and_no_more() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let own = org.with_key(&org.key);
    let new = json!({"name": "x", "filters": {"trace_id": "t"}});
    let save = || ask(&own, Method::POST, PATH, Some(&new));
    for _ in 0..199 {
        assert_eq!(save().await.0, 200);
    }
    // Of several at once for the last place one gets it.
    let answers = futures_util::future::join_all((0..4).map(|_| save())).await;
    let mut statuses: Vec<u16> = answers.iter().map(|(status, _)| *status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 400, 400, 400]);
    let (_, all) = ask(&own, Method::GET, PATH, None).await;
    assert_eq!((&all["total"], all["data"].as_array().unwrap().len()), (&json!(200), 200));
    // There is room again in the place of another.
    let path = format!("{PATH}/{}", all["data"][0]["id"].as_str().unwrap());
    assert_eq!(ask(&own, Method::DELETE, &path, None).await.0, 200);
    assert_eq!(save().await.0, 200);
}

#[tokio::test]
async fn the_newest_saved_filters_come_first() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let own = org.with_key(&org.key);
    for name in ["a", "b", "c", "d", "e"] {
        let new = json!({"name": name, "filters": {"trace_id": "t"}});
        assert_eq!(ask(&own, Method::POST, PATH, Some(&new)).await.0, 200);
        app.clock.advance(std::time::Duration::from_secs(1));
    }
    let (_, all) = ask(&own, Method::GET, PATH, None).await;
    let names: String =
        all["data"].as_array().unwrap().iter().map(|saved| saved["name"].as_str().unwrap()).collect();
    assert_eq!(names, "edcba");
}
