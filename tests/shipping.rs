//! From the spool into the store: nothing lost, nothing twice, whatever the store or the disk does meanwhile.

use plans::Plan;
use serde_json::json;
use settings::WhenSpoolFull;

use crate::harness::{Org, TestApp, Upstream, answer, chat, delta, log_id, until};

async fn echo(org: &Org<'_>, text: &str) -> reqwest::Response {
    org.echo("/v1/chat/completions").json(&chat(text)).send().await.unwrap()
}

#[tokio::test]
async fn calls_made_while_the_store_is_away_are_all_logged_once_when_it_is_back() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    echo(&org, "before").await;
    org.usage_of(1).await;
    app.break_store().await;
    for n in 0..20 {
        assert_eq!(echo(&org, &format!("call {n}")).await.status(), 200);
    }
    assert_eq!(org.list("").await.len(), 1);
    app.mend_store().await;
    assert_eq!(org.usage_of(21).await["used"], 21);
    assert_eq!(org.rows("", 21).await.len(), 21);
}

#[tokio::test]
async fn what_waits_in_the_spool_when_the_server_stops_is_logged_by_the_next() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let key = org.key.clone();
    app.break_store().await;
    for n in 0..5 {
        echo(&org, &format!("call {n}")).await;
    }
    let dir = app.stop().await;
    let settings = TestApp::settings(dir.path());
    let app = TestApp::start_in(dir, settings).await;
    app.mend_store().await;
    let count = until("five logs are there", || async {
        let count = app.count("SELECT count(*) FROM log").await;
        (count == 5).then_some(count)
    })
    .await;
    assert_eq!(app.count("SELECT used FROM usage").await, count);
    assert!(key.starts_with("tpk_"));
}

#[tokio::test]
async fn content_that_the_store_refuses_is_left_out_and_blocks_nothing() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let poison = "(SELECT trace_id FROM log WHERE id = NEW.id) = 'poison'";
    scratch::refuse(&app.running.db, "poison", "INSERT ON log_payload", poison).await;
    app.break_store().await;
    for trace in ["before", "poison", "after"] {
        let request = org.echo("/v1/chat/completions").header("x-portkey-trace-id", trace);
        request.json(&chat(trace)).send().await.unwrap();
    }
    app.mend_store().await;
    let rows = org.rows("", 3).await;
    let of = |trace: &str| rows.iter().find(|row| row["trace_id"] == trace).unwrap().clone();
    for (trace, payload) in [("before", "whole"), ("poison", "unstorable"), ("after", "whole")] {
        let log = org.log(of(trace)["id"].as_str().unwrap()).await;
        assert_eq!(log["payload"], payload, "{trace}");
        assert_eq!(log["request"].get("body").is_some(), payload == "whole", "{trace}: {log}");
    }
    assert_eq!(org.usage().await["used"], 3);
}

#[tokio::test]
async fn text_that_postgresql_could_not_take_is_kept_without_its_nul() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let body = json!({"model": "a\u{0}b", "messages": [{"role": "user", "content": "nul \u{0} here"}]});
    let response = org.echo("/v1/chat/completions").json(&body).send().await.unwrap();
    assert_eq!(response.status(), 200);
    let log = org.log(&log_id(&response)).await;
    assert_eq!(log["request"]["body"], body);
    assert_eq!(org.rows("", 1).await[0]["model"], "ab");
}

#[tokio::test]
async fn a_nearly_full_spool_keeps_no_content_and_a_full_one_counts_what_it_cannot_record() {
    let app = TestApp::with(|settings| {
        settings.spool.max_bytes = 400 << 10;
        settings.spool.segment_bytes = 50 << 10;
    })
    .await;
    let org = app.org(Plan::Enterprise).await;
    app.break_store().await;
    let text = "x".repeat(3000);
    let calls = 1500;
    for _ in 0..calls {
        assert_eq!(echo(&org, &text).await.status(), 200);
    }
    app.mend_store().await;
    let usage = org.usage_of(calls).await;
    let (used, unrecorded) = (usage["used"].as_i64().unwrap(), usage["unrecorded"].as_i64().unwrap());
    assert!(used > 0 && unrecorded > 0, "{usage}");
    let shed = app.count("SELECT count(*) FROM log WHERE payload = 'shed'").await;
    let whole = app.count("SELECT count(*) FROM log WHERE payload = 'whole'").await;
    assert!(shed > 0 && whole > 0, "shed {shed}, whole {whole}");
    assert_eq!(shed + whole, used);
    assert_eq!(app.count("SELECT count(*) FROM log_payload").await, whole);
    // With room again, content is kept again.
    let response = echo(&org, "room").await;
    assert_eq!(org.log(&log_id(&response)).await["payload"], "whole");
}

#[tokio::test]
async fn a_full_spool_refuses_calls_where_the_setting_says_so() {
    let app = TestApp::with(|settings| {
        settings.spool.max_bytes = 200 << 10;
        settings.spool.segment_bytes = 25 << 10;
        settings.gateway.when_spool_full = WhenSpoolFull::Refuse;
    })
    .await;
    let org = app.org(Plan::Enterprise).await;
    app.break_store().await;
    let text = "x".repeat(3000);
    let refused = until("a call is refused", || async {
        let response = echo(&org, &text).await;
        (response.status() == 503).then_some(response)
    })
    .await;
    assert!(refused.headers().contains_key("retry-after"));
    let body: serde_json::Value = refused.json().await.unwrap();
    assert_eq!(body["status"], "failure");
    app.mend_store().await;
    until("calls pass again", || async { (echo(&org, "now").await.status() == 200).then_some(()) }).await;
}

#[tokio::test]
async fn a_log_that_is_past_its_retention_when_it_arrives_is_counted_and_not_stored() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    app.break_store().await;
    echo(&org, "late").await;
    app.clock.advance(std::time::Duration::from_hours(96));
    app.mend_store().await;
    until("it is counted as expired", || async {
        (app.count("SELECT coalesce(sum(expired), 0) FROM usage").await == 1).then_some(())
    })
    .await;
    assert_eq!(app.count("SELECT count(*) FROM log").await, 0);
    assert_eq!(app.count("SELECT used FROM usage").await, 0);
}

#[tokio::test]
async fn a_long_answer_is_cut_in_the_log_and_its_usage_is_known_all_the_same() {
    let app = TestApp::with(|settings| settings.log.max_payload_bytes = 1000).await;
    let org = app.org(Plan::Developer).await;
    let upstream = Upstream::start().await;
    let request = org.ask(&upstream, "/v1/chat/completions").json(&chat("hi"));
    let long = answer(&"x".repeat(100_000));
    upstream.answer_all(long.clone());
    let response = request.send().await.unwrap();
    let id = log_id(&response);
    assert_eq!(response.json::<serde_json::Value>().await.unwrap(), long);
    let kept = org.log(&id).await;
    assert_eq!(kept["payload"], "cut");
    assert_eq!(kept["response"]["body"].as_str().unwrap().len(), 1000);
    let row = &org.rows("", 1).await[0];
    assert_eq!((&row["total_tokens"], &row["tokens_estimated"]), (&json!(1200), &json!(false)));
}

#[tokio::test]
async fn a_call_that_runs_when_the_server_stops_is_logged_all_the_same() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let mut upstream = Upstream::start().await;
    let mut answers = Vec::new();
    for _ in 0..20 {
        let request = org.ask(&upstream, "/v1/chat/completions").json(&chat("without end"));
        let asking = tokio::spawn(request.send());
        let mut exchange = upstream.asked().await;
        exchange.event_stream().await;
        exchange.send(delta("still")).await;
        answers.push((asking.await.unwrap().unwrap(), exchange));
    }
    let dir = app.stop().await;
    drop(answers);
    let settings = TestApp::settings(dir.path());
    let app = TestApp::start_in(dir, settings).await;
    let gone = "SELECT count(*) FROM log WHERE outcome = 'client_gone' AND streamed";
    until("all are logged", || async { (app.count(gone).await == 20).then_some(()) }).await;
    assert_eq!(app.count("SELECT count(*) FROM log").await, 20);
    assert_eq!(app.count("SELECT used FROM usage").await, 20);
}
