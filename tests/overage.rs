//! Past what is included: blocks, caps, alerts and refusals; and what is kept of it for the bill.

use std::time::Duration;

use futures_util::future::join_all;
use plans::{Overrides, Plan};
use reqwest::RequestBuilder;
use serde_json::json;
use tenancy::organisation::set_plan;

use crate::harness::{Org, TestApp, chat};

/// Production with 10 logs and blocks of 5.
const SMALL: Overrides = Overrides {
    monthly_price_cents: None,
    included_logs: Some(10),
    max_logs: Some(1_000),
    block_logs: Some(5),
    block_price_cents: None,
    log_retention_days: None,
    analytics_retention_days: None,
    max_cache_age_s: None,
};

async fn small() -> TestApp {
    TestApp::with(|settings| {
        settings.plans.insert(Plan::Production, SMALL);
        settings.plans.insert(Plan::Developer, Overrides { included_logs: Some(10), ..Overrides::default() });
        settings.shipper.batch_records = 4;
    })
    .await
}

fn echo(org: &Org<'_>) -> RequestBuilder {
    org.echo("/v1/chat/completions").json(&chat("hi"))
}

async fn calls(org: &Org<'_>, n: usize) {
    for response in join_all((0..n).map(|_| echo(org).send())).await {
        assert_eq!(response.unwrap().status(), 200);
    }
}

/// Changes the organisation's row as whoever may would, and lets the server see it.
async fn set(org: &Org<'_>, what: &str) {
    let sql = format!("UPDATE organisation SET {what} WHERE {}", org.app.is("id", org.id));
    org.app.execute(&sql).await;
    org.app.clock.advance(org.app.running.settings.gateway.key_cache_ttl);
}

#[tokio::test]
async fn each_block_is_opened_once_by_the_first_log_that_needs_it() {
    let app = small().await;
    let org = app.org(Plan::Production).await;
    for (in_all, blocks) in [(10, 0), (11, 1), (15, 1), (16, 2), (31, 5)] {
        let before = app.count("SELECT count(*) FROM log").await;
        calls(&org, usize::try_from(in_all - before).unwrap()).await;
        let usage = org.usage_of(in_all.unsigned_abs()).await;
        assert_eq!((&usage["used"], &usage["overage_blocks"]), (&json!(in_all), &json!(blocks)));
        assert_eq!(app.count("SELECT count(*) FROM overage_block").await, blocks);
    }
    let gapless = "SELECT count(*) FROM overage_block
        WHERE first_log = 11 + 5 * (block - 1) AND last_log = 15 + 5 * (block - 1) AND price_cents = 900
        AND month = 202611 AND used_at_opening >= first_log AND invoice_id IS NULL";
    assert_eq!(app.count(gapless).await, 5);
    app.reconcile();
}

#[tokio::test]
async fn a_cap_in_blocks_or_money_stops_recording_and_not_calls() {
    let app = small().await;
    for cap in ["cap_blocks = 1", "cap_cents = 1799"] {
        let org = app.org(Plan::Production).await;
        set(&org, cap).await;
        calls(&org, 20).await;
        let usage = org.usage_of(20).await;
        assert_eq!(
            [&usage["used"], &usage["dropped"], &usage["limit"]],
            [&json!(15), &json!(5), &json!(15)],
            "{cap}"
        );
        assert_eq!(usage["overage_blocks"], 1, "{cap}");
        set(&org, "cap_blocks = 3, cap_cents = NULL").await;
        calls(&org, 4).await;
        assert_eq!(org.usage_of(24).await["used"], 19, "{cap}: raised, it goes on");
    }
}

#[tokio::test]
async fn an_organisation_is_told_once_of_each_threshold_block_and_limit() {
    let app = small().await;
    let org = app.org(Plan::Production).await;
    set(&org, "cap_blocks = 2").await;
    let told = async || {
        let mut told = Vec::new();
        for kind in ["allowance", "block", "limit"] {
            told.push(app.count(&format!("SELECT count(*) FROM alert WHERE kind = '{kind}'")).await);
        }
        told
    };
    for (more, counted, expected) in [
        (7, 7, [0, 0, 0]),
        (1, 8, [1, 0, 0]),
        (2, 10, [2, 0, 0]),
        (4, 14, [2, 1, 0]),
        (6, 20, [2, 2, 1]),
        (9, 29, [2, 2, 1]),
    ] {
        calls(&org, more).await;
        org.usage_of(counted).await;
        assert_eq!(told().await, expected, "at {counted}");
    }
    let first = "SELECT count(*) FROM alert WHERE kind = 'allowance' AND threshold = 80 AND period = '2026-11' AND subject = ''";
    assert_eq!(app.count(first).await, 1);
}

#[tokio::test]
async fn who_chose_so_gets_412_past_the_limit_and_such_calls_are_counted() {
    let app = small().await;
    let org = app.org(Plan::Developer).await;
    calls(&org, 10).await;
    org.usage_of(10).await;
    calls(&org, 1).await;
    org.usage_of(11).await;
    set(&org, "over_quota = 'reject'").await;
    let refused = echo(&org).send().await.unwrap();
    assert_eq!(refused.status(), 412);
    assert!(refused.headers().contains_key("x-portkey-trace-id"));
    let body: serde_json::Value = refused.json().await.unwrap();
    assert_eq!(body["status"], "failure");
    let message = body["message"].as_str().unwrap();
    assert!(message.contains("10 logs of 2026-11") && message.contains("over_quota"), "{message}");
    let usage = org.usage_of(12).await;
    assert_eq!([&usage["used"], &usage["dropped"]], [&json!(10), &json!(2)]);
    // With the next month, or a plan with more, calls pass again.
    let (running, now_ms) = (&app.running, app.clock.now_ms());
    set_plan(&running.db, &running.ids, org.id, Plan::Production, now_ms).await.unwrap();
    set(&org, "over_quota = 'reject'").await;
    calls(&org, 1).await;
    assert_eq!(org.usage_of(13).await["used"], 11);
}

#[tokio::test]
async fn who_does_not_pay_can_read_then_not_write_and_at_last_not_call() {
    let app = small().await;
    let org = app.org(Plan::Production).await;
    let log = json!({"request": {"url": "/v1/chat/completions", "body": {}}, "response": {"body": {}}});
    let insert = async || {
        let insert = org.request(reqwest::Method::POST, "/v1/logs").json(&log).send().await.unwrap();
        (insert.status().as_u16(), insert.json::<serde_json::Value>().await.unwrap())
    };
    let mut counted = 0;
    for (standing, called, inserted, recorded) in [
        ("good", 200, 200, 2),
        ("past_due", 200, 200, 4),
        ("restricted", 200, 402, 4),
        ("suspended", 402, 402, 4),
        ("good", 200, 200, 6),
    ] {
        set(&org, &format!("standing = '{standing}'")).await;
        assert_eq!(echo(&org).send().await.unwrap().status(), called, "{standing}");
        let (status, body) = insert().await;
        assert_eq!(status, inserted, "{standing}: {body}");
        if status == 402 {
            assert_eq!(body["data"]["errorCode"], "AB09");
        }
        counted += if inserted == 200 { 2 } else { 1 };
        assert_eq!(org.usage_of(counted).await["used"], recorded, "{standing}");
        assert_eq!(org.list("").await.len(), recorded, "{standing}: logs are read");
    }
}

#[tokio::test]
async fn a_log_that_comes_late_is_metered_by_the_plan_of_its_month() {
    let app = small().await;
    let org = app.org(Plan::Production).await;
    calls(&org, 12).await;
    org.usage_of(12).await;
    app.clock.advance(Duration::from_mins(15 * 1_440 + 12 * 60 - 1));
    app.break_store().await;
    calls(&org, 7).await;
    app.clock.advance(Duration::from_mins(2));
    let (running, now_ms) = (&app.running, app.clock.now_ms());
    set_plan(&running.db, &running.ids, org.id, Plan::Developer, now_ms).await.unwrap();
    calls(&org, 3).await;
    app.mend_store().await;
    assert_eq!(org.usage_of(3).await["used"], 3);
    let november = |column: &str| format!("SELECT {column} FROM usage WHERE month = 202611");
    assert_eq!(app.count(&november("used")).await, 19, "all of it, under the plan of then");
    assert_eq!(app.count(&november("overage_blocks")).await, 2);
    assert_eq!(app.count("SELECT count(*) FROM overage_block WHERE month = 202611").await, 2);
}

#[tokio::test]
async fn what_is_kept_hour_by_hour_adds_up_to_the_meter() {
    let app = small().await;
    let (org, other) = (app.org(Plan::Production).await, app.org(Plan::Production).await);
    calls(&org, 6).await;
    calls(&other, 2).await;
    app.clock.advance(Duration::from_hours(1));
    calls(&org, 3).await;
    let bad = echo(&org).body("no json").send().await.unwrap();
    assert_eq!(bad.status(), 400);
    org.usage_of(10).await;
    other.usage_of(2).await;
    let of_org = app.is("organisation_id", org.id);
    let sum = |what: &str| format!("SELECT sum({what}) FROM usage_hourly WHERE {of_org}");
    assert_eq!(app.count(&sum("logs")).await, 10);
    assert_eq!(app.count(&sum("failed")).await, 1);
    assert_eq!(app.count(&format!("SELECT count(DISTINCT hour) FROM usage_hourly WHERE {of_org}")).await, 2);
    for (hourly, of_logs) in
        [("input_tokens", "input_tokens"), ("output_tokens", "output_tokens"), ("cost_pusd", "cost_pusd")]
    {
        let logs = format!("SELECT COALESCE(sum({of_logs}), 0) FROM log WHERE {of_org}");
        assert_eq!(app.count(&sum(hourly)).await, app.count(&logs).await, "{hourly}");
    }
}

#[tokio::test]
async fn usage_tells_what_it_comes_to_and_how_far_off_the_next_block_is() {
    let app = small().await;
    let org = app.org(Plan::Production).await;
    calls(&org, 12).await;
    let usage = org.usage_of(12).await;
    assert_eq!(usage["overage_cents"], 900);
    assert_eq!(usage["next_block"], json!({"opens_with_log": 16, "logs_left": 3, "price_cents": 900}));
    // Half of the month is over, but for half a day.
    assert_eq!(usage["projection"], json!({"used": 24, "overage_blocks": 3, "overage_cents": 2700}));
    set(&org, "cap_blocks = 1").await;
    let capped = org.usage().await;
    assert_eq!(capped["next_block"], json!(null));
    assert_eq!(capped["projection"], json!({"used": 15, "overage_blocks": 1, "overage_cents": 900}));
}

#[tokio::test]
async fn usage_is_told_apart_by_day_workspace_key_and_model_and_as_csv() {
    let app = small().await;
    let org = app.org(Plan::Production).await;
    let ask = |model: &str| {
        let mut body = chat("hi");
        body["model"] = model.into();
        org.echo("/v1/chat/completions").json(&body).send()
    };
    for model in ["gpt-4o", "=1+1", "gpt-4o"] {
        assert_eq!(ask(model).await.unwrap().status(), 200);
    }
    app.clock.advance(Duration::from_hours(24));
    assert_eq!(ask("gpt-4o").await.unwrap().status(), 200);
    org.usage_of(4).await;
    let get = async |query: &str| org.get(&format!("/v1/usage?{query}")).await;
    let parts = async |by: &str| {
        let usage: serde_json::Value = get(&format!("by={by}")).await.json().await.unwrap();
        usage["breakdown"].as_array().unwrap().clone()
    };
    let by_day = parts("day").await;
    let days: Vec<_> =
        by_day.iter().map(|part| (part["day"].as_str().unwrap(), part["logs"].as_i64().unwrap())).collect();
    assert_eq!(days, [("2026-11-15", 3), ("2026-11-16", 1)]);
    let by_model = parts("model,day,model").await;
    let models: Vec<_> = by_model
        .iter()
        .map(|part| (part["model"].as_str().unwrap(), part["logs"].as_i64().unwrap()))
        .collect();
    assert_eq!(models, [("=1+1", 1), ("gpt-4o", 2), ("gpt-4o", 1)]);
    let [part] = &parts("workspace,key").await[..] else { panic!("one workspace and key") };
    assert_eq!((&part["workspace_id"], &part["api_key"]), (&json!(org.workspace), &json!("Default key")));
    assert_eq!((&part["logs"], &part["model"]), (&json!(4), &json!(null)));

    let csv = get("by=day,model&format=csv").await;
    assert_eq!(csv.headers()["content-type"], "text/csv; charset=utf-8");
    let lines: Vec<String> = csv.text().await.unwrap().lines().map(str::to_owned).collect();
    assert_eq!(lines[0], "day,model,logs,failed,input_tokens,output_tokens,cost");
    assert!(lines[1].starts_with("2026-11-15,'=1+1,1,0,"), "{}", lines[1]);
    assert_eq!(lines.len(), 4);
    assert_eq!(get("format=csv").await.text().await.unwrap().lines().count(), 3);

    for (query, field) in
        [("by=hour", "by"), ("month=2026-13", "month"), ("month=2026-12", "month"), ("format=xml", "format")]
    {
        let refused = get(query).await;
        assert_eq!(refused.status(), 400, "{query}");
        let body: serde_json::Value = refused.json().await.unwrap();
        assert!(body["data"]["message"].as_str().unwrap().starts_with(field), "{query}: {body}");
    }
    // Another organisation's usage is its own, and an admin's key sees all of its organisation.
    let other = app.org(Plan::Production).await;
    let usage: serde_json::Value = other.get("/v1/usage?by=day").await.json().await.unwrap();
    assert_eq!(usage["breakdown"], json!([]));
    let admin = org.admin().request(reqwest::Method::GET, "/v1/usage?by=model").send().await.unwrap();
    let usage: serde_json::Value = admin.json().await.unwrap();
    assert_eq!(usage["breakdown"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn statistics_outlive_logs_and_end_with_the_plans_own_time() {
    let app = small().await;
    let org = app.org(Plan::Developer).await;
    calls(&org, 2).await;
    org.usage_of(2).await;
    let november = async || {
        let usage: serde_json::Value = org.get("/v1/usage?month=2026-11&by=day").await.json().await.unwrap();
        usage["breakdown"].as_array().unwrap().len()
    };
    app.clock.advance(Duration::from_hours(29 * 24));
    assert_eq!((org.list("").await.len(), november().await), (0, 1));
    app.clock.advance(Duration::from_hours(2 * 24));
    assert_eq!(november().await, 0, "hidden, whether or not the job has run");
}
