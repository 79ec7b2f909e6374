//! The month's meter: exact for every call, never in a caller's way.

use std::time::Duration;

use futures_util::future::join_all;
use plans::{Overrides, Plan};
use reqwest::RequestBuilder;
use serde_json::{Value, json};

use crate::harness::{Chance, Org, TestApp, Upstream, answer, chat};

/// Half a minute before the month of [`TestApp`]'s clock ends.
const TO_THE_MONTHS_END: Duration = Duration::from_secs(15 * 86_400 + 12 * 3_600 - 30);

async fn scaled(plan: Plan, overrides: Overrides) -> TestApp {
    TestApp::with(|settings| {
        settings.plans.insert(plan, overrides);
    })
    .await
}

fn included(logs: u64) -> Overrides {
    Overrides { included_logs: Some(logs), ..Overrides::default() }
}

fn echo(org: &Org<'_>) -> RequestBuilder {
    org.echo("/v1/chat/completions").json(&chat("hi"))
}

/// Makes the calls at once; each must be answered with `status`.
async fn all(calls: impl IntoIterator<Item = RequestBuilder>, status: u16) {
    for response in join_all(calls.into_iter().map(RequestBuilder::send)).await {
        assert_eq!(response.unwrap().status(), status);
    }
}

fn counts(usage: &Value) -> [i64; 4] {
    ["used", "dropped", "unrecorded", "overage_blocks"].map(|name| usage[name].as_i64().unwrap())
}

#[tokio::test]
async fn past_what_a_developer_has_calls_are_answered_and_counted_but_not_recorded() {
    let app = scaled(Plan::Developer, included(20)).await;
    let org = app.org(Plan::Developer).await;
    for _ in 0..5 {
        all((0..7).map(|_| echo(&org)), 200).await;
    }
    let usage = org.usage_of(35).await;
    assert_eq!(counts(&usage), [20, 15, 0, 0]);
    assert_eq!((&usage["included"], &usage["limit"]), (&json!(20), &json!(20)));
    assert_eq!(org.list("limit=100").await.len(), 20);
    assert_eq!(app.count("SELECT count(*) FROM log_payload").await, 20);
}

#[tokio::test]
async fn production_goes_on_into_a_block_with_the_first_log_past_its_own_and_stops_at_its_cap() {
    let app = scaled(Plan::Production, Overrides { max_logs: Some(25), ..included(10) }).await;
    let org = app.org(Plan::Production).await;
    all((0..10).map(|_| echo(&org)), 200).await;
    assert_eq!(counts(&org.usage_of(10).await), [10, 0, 0, 0]);
    all([echo(&org)], 200).await;
    assert_eq!(counts(&org.usage_of(11).await), [11, 0, 0, 1]);
    all((0..29).map(|_| echo(&org)), 200).await;
    let usage = org.usage_of(40).await;
    assert_eq!(counts(&usage), [25, 15, 0, 1]);
    assert_eq!((&usage["included"], &usage["limit"]), (&json!(10), &json!(25)));
    assert_eq!(usage["overage"], json!({"block_logs": 100_000, "block_price_cents": 900}));
}

#[tokio::test]
async fn enterprise_has_no_limit() {
    let app = scaled(Plan::Developer, included(1)).await;
    let org = app.org(Plan::Enterprise).await;
    all((0..60).map(|_| echo(&org)), 200).await;
    let usage = org.usage_of(60).await;
    assert_eq!(counts(&usage), [60, 0, 0, 0]);
    assert_eq!((&usage["included"], &usage["limit"]), (&Value::Null, &Value::Null));
}

#[tokio::test]
async fn a_new_month_starts_at_nothing() {
    let app = scaled(Plan::Developer, included(3)).await;
    let org = app.org(Plan::Developer).await;
    all((0..5).map(|_| echo(&org)), 200).await;
    let november = org.usage_of(5).await;
    assert_eq!(counts(&november), [3, 2, 0, 0]);
    assert_eq!(november["period"]["month"], "2026-11");
    assert_eq!(november["resets_at"], "2026-12-01T00:00:00.000Z");

    app.clock.advance(TO_THE_MONTHS_END + Duration::from_mins(1));
    let december = org.usage().await;
    assert_eq!(december["period"]["month"], "2026-12");
    assert_eq!(counts(&december), [0, 0, 0, 0]);
    all((0..4).map(|_| echo(&org)), 200).await;
    assert_eq!(counts(&org.usage_of(4).await), [3, 1, 0, 0]);
    assert_eq!(app.count("SELECT used FROM usage WHERE month = 202611").await, 3);
}

#[tokio::test]
async fn a_call_counts_in_the_month_it_came_in_however_late_it_is_shipped() {
    let app = scaled(Plan::Developer, included(3)).await;
    let org = app.org(Plan::Developer).await;
    app.clock.advance(TO_THE_MONTHS_END);
    app.break_store().await;
    all((0..4).map(|_| echo(&org)), 200).await;
    app.clock.advance(Duration::from_mins(1));
    all((0..2).map(|_| echo(&org)), 200).await;
    app.mend_store().await;
    assert_eq!(counts(&org.usage_of(2).await), [2, 0, 0, 0]);
    for (column, expected) in [("used", 3), ("dropped", 1)] {
        let sql = format!("SELECT {column} FROM usage WHERE month = 202611");
        assert_eq!(app.count(&sql).await, expected, "{column}");
    }
    assert_eq!(org.list("").await.len(), 5);
}

#[tokio::test]
async fn refused_failed_untracked_and_inserted_ones_count_and_strangers_do_not() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let nowhere = |request: RequestBuilder| {
        request
            .header("x-portkey-provider", "openai")
            .header("x-portkey-custom-host", "http://127.0.0.1:1/v1")
    };
    let post = |path: &str| org.request(reqwest::Method::POST, path);
    all([post("/v1/chat/completions").json(&chat("hi"))], 400).await;
    all([echo(&org).body("no json")], 400).await;
    all([nowhere(post("/v1/chat/completions")).json(&chat("hi"))], 500).await;
    all([echo(&org).header("x-portkey-debug", "false")], 200).await;
    let log = json!({"request": {"url": "/v1/chat/completions", "body": {}}, "response": {"body": {}}});
    all([post("/v1/logs").json(&json!([log, log]))], 200).await;
    let stranger = org.with_key("tpk_nobodys").request(reqwest::Method::POST, "/v1/chat/completions");
    all([stranger.header("x-portkey-provider", "echo").json(&chat("hi"))], 401).await;
    assert_eq!(counts(&org.usage_of(6).await), [6, 0, 0, 0]);
    assert_eq!(app.count("SELECT sum(used + dropped + unrecorded) FROM usage").await, 6);
}

#[tokio::test]
async fn one_organisations_calls_are_not_on_anothers_meter() {
    let app = scaled(Plan::Developer, included(5)).await;
    let (busy, calm) = (app.org(Plan::Developer).await, app.org(Plan::Developer).await);
    all((0..8).map(|_| echo(&busy)).chain((0..3).map(|_| echo(&calm))), 200).await;
    assert_eq!(counts(&busy.usage_of(8).await), [5, 3, 0, 0]);
    assert_eq!(counts(&calm.usage_of(3).await), [3, 0, 0, 0]);
    assert_eq!(calm.list("").await.len(), 3);
}

/// One call, one of the ways a call can end.
fn any_call(org: &Org<'_>, upstream: &str, chance: &mut Chance) -> RequestBuilder {
    let to = |request: RequestBuilder, url: &str| {
        request.header("x-portkey-provider", "openai").header("x-portkey-custom-host", url).json(&chat("hi"))
    };
    let post = |path: &str| org.request(reqwest::Method::POST, path);
    match chance.below(7) {
        0 => echo(org),
        1 => echo(org).header("x-portkey-debug", "false"),
        2 => echo(org).body("no json"),
        3 => to(post("/v1/chat/completions"), "http://127.0.0.1:1/v1"),
        4 => to(post("/v1/chat/completions"), upstream),
        5 => {
            let mut body = chat("hi");
            body["stream"] = json!(true);
            org.echo("/v1/chat/completions").json(&body)
        }
        _ => post("/v1/logs")
            .json(&json!({"request": {"url": "/v1/chat/completions", "body": {}}, "response": {"body": {}}})),
    }
}

#[tokio::test]
async fn every_call_of_any_mix_is_used_or_dropped_and_each_meter_is_exact() {
    let app = TestApp::with(|settings| {
        settings.plans.insert(Plan::Developer, included(30));
        settings.plans.insert(Plan::Production, Overrides { max_logs: Some(45), ..included(40) });
        settings.shipper.batch_records = 7;
    })
    .await;
    let orgs = [
        (app.org(Plan::Developer).await, Some(30)),
        (app.org(Plan::Production).await, Some(45)),
        (app.org(Plan::Enterprise).await, None),
    ];
    let upstream = Upstream::start().await;
    let url = upstream.url();
    upstream.answer_all(answer("whole"));
    let mut made = [0_u64; 3];
    let mut chance = Chance::seeded(20_261_115);
    let tasks: Vec<Vec<RequestBuilder>> = (0..16)
        .map(|_| {
            let call = |_| {
                let at = chance.below(3);
                made[at] += 1;
                any_call(&orgs[at].0, &url, &mut chance)
            };
            (0..12).map(call).collect()
        })
        .collect();
    join_all(tasks.into_iter().map(|calls| async move {
        for call in calls {
            let response = call.send().await.unwrap();
            assert!(matches!(response.status().as_u16(), 200 | 400 | 500), "{}", response.status());
            response.bytes().await.unwrap();
        }
    }))
    .await;
    for ((org, limit), calls) in orgs.iter().zip(made) {
        let usage = org.usage_of(calls).await;
        let used = limit.map_or(calls, |limit| calls.min(limit));
        assert_eq!(usage["used"], used, "{usage}");
        assert_eq!(usage["dropped"], calls - used, "{usage}");
        assert_eq!(org.list("limit=1000").await.len() as u64, used, "{usage}");
    }
    assert!(made[0] > 30 && made[1] > 45, "the mix reaches no limit: {made:?}");
}
