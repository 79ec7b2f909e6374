//! Logs found by the words of their prompts and answers, some seconds after the call.

mod kills;

use std::time::Duration;

use plans::Plan;
use reqwest::{Method, Url};
use serde_json::{Value, json};

use crate::harness::{Caller, DONE, NEVER, Org, TestApp, Upstream, answer, chat, delta, until, with};

/// A server that looks each second.
async fn start() -> TestApp {
    TestApp::with(|settings| "* * * * * *".clone_into(&mut settings.jobs.text_index_cron)).await
}

/// A list narrowed so.
fn path(query: &[(&str, &str)]) -> String {
    let url = Url::parse_with_params("http://localhost/v1/logs", query).unwrap();
    format!("{}?{}", url.path(), url.query().unwrap_or_default())
}

/// The traces of what is found, in the order of their names.
async fn found(caller: &Caller<'_>, query: &[(&str, &str)]) -> Vec<String> {
    let response = caller.request(Method::GET, &path(query)).send().await.unwrap();
    assert_eq!(response.status(), 200, "{query:?}");
    let page: Value = response.json().await.unwrap();
    let rows = page["data"].as_array().unwrap();
    let mut traces: Vec<_> = rows.iter().map(|row| row["trace_id"].as_str().unwrap().to_owned()).collect();
    traces.sort();
    traces
}

async fn searched(org: &Org<'_>, text: &str) -> String {
    found(&org.with_key(&org.key), &[("text", text)]).await.concat()
}

/// Waits until so many logs are there and none waits for its words.
async fn indexed(app: &TestApp, logs: i64) {
    until("all logs are to be found", || async {
        let there = app.count("SELECT count(*) FROM log").await;
        (there == logs && app.count("SELECT count(*) FROM text_outbox").await == 0).then_some(())
    })
    .await;
}

/// A call of this trace that is asked and answered so.
async fn ask(org: &Org<'_>, upstream: &mut Upstream, trace: &str, question: &str, status: u16, body: Value) {
    let request = org.ask(upstream, "/v1/chat/completions").header("x-portkey-trace-id", trace);
    let sending = tokio::spawn(request.json(&chat(question)).send());
    upstream.asked().await.json(status, &body).await;
    assert_eq!(sending.await.unwrap().unwrap().status(), status);
}

async fn ask_streamed(org: &Org<'_>, upstream: &mut Upstream, trace: &str, question: &str, pieces: &[&str]) {
    let request = org.ask(upstream, "/v1/chat/completions").header("x-portkey-trace-id", trace);
    let sending = tokio::spawn(request.json(&with(chat(question), json!({"stream": true}))).send());
    let mut exchange = upstream.asked().await;
    exchange.event_stream().await;
    for piece in pieces {
        exchange.send(delta(piece)).await;
    }
    exchange.send(DONE).await;
    exchange.end().await;
    assert!(sending.await.unwrap().unwrap().text().await.unwrap().contains("[DONE]"));
}

async fn insert(caller: &Caller<'_>, trace: &str, question: &str) {
    let log = json!({
        "request": {"url": "/v1/chat/completions", "body": chat(question)},
        "response": {"status": 200, "body": answer("An inserted answer.")},
        "metadata": {"traceId": trace},
    });
    let response = caller.request(Method::POST, "/v1/logs").json(&log).send().await.unwrap();
    assert_eq!(response.status(), 200);
}

#[tokio::test]
async fn prompts_and_answers_are_found_by_their_words_and_streamed_ones_too() {
    let app = start().await;
    let org = app.org(Plan::Developer).await;
    let mut upstream = Upstream::start().await;
    let refund = answer("The refund went out on Tuesday.");
    ask(&org, &mut upstream, "a", "Where is my REFUND for order 4711?", 200, refund).await;
    ask_streamed(&org, &mut upstream, "b", "Guten Morgen übersetzen", &["Good mor", "ning, Zü", "rich!"])
        .await;
    let error = json!({"error": {"message": "Quota exceeded for the project"}});
    ask(&org, &mut upstream, "c", "Anything", 429, error).await;
    ask_streamed(&org, &mut upstream, "d", "東京タワー", &["333 ", "メートル"]).await;
    insert(&org.with_key(&org.key), "e", "An order of ours; it's \"quoted\"").await;
    indexed(&app, 5).await;
    for (text, traces) in [
        ("refund", "a"),
        ("Tuesday", "a"),
        ("order", "ae"),
        ("tuesday ORDER", "a"),
        ("order tuesday nothing", ""),
        ("refu", "a"),
        ("refu order", ""),
        ("order refu", "a"),
        ("r", ""),
        ("efund", ""),
        ("471", "a"),
        ("übersetzen", "b"),
        ("ÜBER", "b"),
        ("morning", "b"),
        ("good zürich", "b"),
        ("mor", "b"),
        ("quota project", "c"),
        ("東京", "d"),
        ("京", "d"),
        ("メートル 333", "d"),
        ("大阪", ""),
        ("inserted", "e"),
        ("it's \"quoted\"", "e"),
        ("order OR refund", ""),
        ("order NOT refund*", ""),
        ("\"); DROP TABLE log; --", ""),
        // What is no text of the call is not looked into.
        ("gpt", ""),
        ("chatcmpl", ""),
        ("user", ""),
    ] {
        assert_eq!(searched(&org, text).await, traces, "{text}");
    }
}

#[tokio::test]
async fn a_search_goes_with_every_other_filter_and_with_pages() {
    let app = start().await;
    let org = app.org(Plan::Developer).await;
    let mut upstream = Upstream::start().await;
    for (trace, status) in [("a", 200), ("b", 429), ("c", 200), ("d", 200), ("e", 200)] {
        let question = if trace == "d" { "Something else" } else { "The same question" };
        ask(&org, &mut upstream, trace, question, status, answer("yes")).await;
        org.rows(&format!("trace_id={trace}"), 1).await;
        app.clock.advance(Duration::from_mins(1));
    }
    indexed(&app, 5).await;
    let own = org.with_key(&org.key);
    let text = ("text", "same question");
    for (others, traces) in [
        (vec![], "abce"),
        (vec![("status_code", "429")], "b"),
        (vec![("ai_org", "openai"), ("status_code", "200")], "ace"),
        (vec![("trace_id", "d")], ""),
        (vec![("time_of_generation_min", "2026-11-15T12:01:30Z")], "ce"),
        (vec![("time_of_generation_max", "2026-11-15T12:01:30Z")], "ab"),
        (vec![("total_units_min", "1200"), ("ai_model", "gpt-4o-mini-2024-07-18")], "abce"),
        (vec![("metadata", "{\"env\":\"nowhere\"}")], ""),
    ] {
        let query = [vec![text], others].concat();
        assert_eq!(found(&own, &query).await.concat(), traces, "{query:?}");
    }

    let (mut seen, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let mut query = vec![("text", "same"), ("limit", "3")];
        query.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
        let page = own.request(Method::GET, &path(&query)).send().await.unwrap();
        let page: Value = page.json().await.unwrap();
        let rows = page["data"].as_array().unwrap();
        assert!(rows.len() <= 3);
        seen.extend(rows.iter().map(|row| row["trace_id"].as_str().unwrap().to_owned()));
        cursor = page["next_cursor"].as_str().map(str::to_owned);
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(seen, ["e", "c", "b", "a"], "newest first");
}

#[tokio::test]
async fn nobody_finds_what_is_anothers_or_another_workspaces() {
    let app = start().await;
    let (org, stranger) = (app.org(Plan::Developer).await, app.org(Plan::Enterprise).await);
    let (neighbour, slug) = org.neighbour().await;
    let (own, neighbour) = (org.with_key(&org.key), org.with_key(&neighbour));
    insert(&own, "a", "The word of all").await;
    insert(&neighbour, "b", "The word of all").await;
    insert(&stranger.with_key(&stranger.key), "c", "The word of all").await;
    indexed(&app, 3).await;
    let text = ("text", "word");
    assert_eq!(found(&own, &[text]).await, ["a"]);
    assert_eq!(found(&neighbour, &[text]).await, ["b"]);
    assert_eq!(found(&stranger.with_key(&stranger.key), &[text]).await, ["c"]);
    assert_eq!(found(&org.admin(), &[text]).await, ["a", "b"]);
    assert_eq!(found(&org.admin(), &[text, ("workspace_slug", &slug)]).await, ["b"]);
    assert_eq!(found(&stranger.admin(), &[text]).await, ["c"]);
    // Not by what tells the organisations' words apart either.
    let mark = format!("§{} word", org.id.simple());
    assert_eq!(found(&stranger.admin(), &[("text", &mark)]).await, [] as [&str; 0]);
}

#[tokio::test]
async fn what_is_past_its_retention_is_not_found_and_its_words_go_with_it() {
    let app = TestApp::with(|settings| {
        "* * * * * *".clone_into(&mut settings.jobs.text_index_cron);
        NEVER.clone_into(&mut settings.jobs.retention_cron);
    })
    .await;
    let (org, lasting) = (app.org(Plan::Developer).await, app.org(Plan::Enterprise).await);
    for org in [&org, &lasting] {
        insert(&org.with_key(&org.key), "a", "A word").await;
    }
    indexed(&app, 2).await;
    assert_eq!((searched(&org, "word").await, searched(&lasting, "word").await), ("a".into(), "a".into()));
    app.clock.advance(Duration::from_hours(72));
    assert_eq!(searched(&org, "word").await, "", "hidden before the job ran");
    assert_eq!(app.count("SELECT count(*) FROM log_text").await, 2);
    app.clock.advance(Duration::from_hours(24));
    ::workers::run_now(::workers::Job::Retention, &::workers::Parts::over(&app.running)).await.unwrap();
    assert_eq!(app.count("SELECT count(*) FROM log_text").await, 1);
    if !scratch::on_postgres() {
        let matches = "SELECT count(*) FROM log_text_fts WHERE log_text_fts MATCH 'word'";
        assert_eq!(app.count(matches).await, 1);
    }
    assert_eq!((searched(&org, "word").await, searched(&lasting, "word").await), (String::new(), "a".into()));
}

#[tokio::test]
async fn where_it_is_turned_off_nothing_is_kept_for_it_and_who_searches_is_told() {
    let app = TestApp::with(|settings| {
        settings.log.text_index = false;
        "* * * * * *".clone_into(&mut settings.jobs.text_index_cron);
    })
    .await;
    let org = app.org(Plan::Developer).await;
    insert(&org.with_key(&org.key), "a", "A word").await;
    org.rows("", 1).await;
    for table in ["text_outbox", "log_text"] {
        assert_eq!(app.count(&format!("SELECT count(*) FROM {table}")).await, 0, "{table}");
    }
    let response = org.get("/v1/logs?text=word").await;
    assert_eq!(response.status(), 400);
    assert!(response.text().await.unwrap().contains("text: logs are not searched here"));
}
