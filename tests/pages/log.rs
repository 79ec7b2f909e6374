//! A log's own page: all that the log has, for those who may read it, and nothing for anybody else.

use std::time::Duration;

use plans::Plan;
use reqwest::Method;
use serde_json::{Value, json};

use super::{Browser, Seen, logged};
use crate::harness::{TestApp, Upstream, answer, ask, chat, log_id};

const NOBODYS: &str = "01900000-0000-7000-8000-000000000001";

#[tokio::test]
async fn the_page_shows_what_the_log_has_and_nothing_of_it_runs() {
    let app = TestApp::with(|settings| settings.gateway.retry_base = Duration::from_millis(1)).await;
    let org = app.org(Plan::Developer).await;
    let upstream = Upstream::start().await;
    let url = upstream.url();
    let words = "<script>alert('x')</script> caf\u{e9} & \"more\"";
    upstream.answer_all(answer("</pre><script>alert(2)</script>"));
    let target = json!({"provider": "openai", "custom_host": url, "api_key": "sk-of-the-target"});
    let gone = json!({"provider": "openai", "custom_host": "http://127.0.0.1:1/v1", "api_key": "sk-x"});
    let config = json!({"strategy": {"mode": "fallback"}, "targets": [gone, target]});
    let call =
        org.request(Method::POST, "/v1/chat/completions").header("x-portkey-config", config.to_string());
    let call = call.header("x-portkey-trace-id", "trace-<1>").header("x-portkey-span-name", "<b>span</b>");
    let call = call.header("x-portkey-metadata", json!({"<i>": "<u>me</u>"}).to_string()).json(&chat(words));
    let id = log_id(&call.send().await.unwrap());
    org.log(&id).await;
    let another =
        org.echo("/v1/chat/completions").header("x-portkey-trace-id", "trace-<1>").json(&chat("next"));
    let another = log_id(&another.send().await.unwrap());
    org.log(&another).await;

    let browser = Browser::owner_of(&org).await;
    let page = browser.get(&format!("/logs/{id}")).await;
    assert_eq!(page.status, 200, "{}", page.text);
    page.assert_is_a_page("a log");
    for shown in [
        &*id,
        "chatComplete",
        "gpt-4o-mini",
        "2026-11-15 12:0",
        "openai",
        "200 answered",
        "1000 in, 200 out",
        "$0.00027",
        "Disabled",
        "Active",
        "config.targets[0]",
        "config.targets[1]",
        "Attempts",
        "&#60;script&#62;alert(&#39;x&#39;)&#60;/script&#62; caf\u{e9} &#38;",
        "&#60;/pre&#62;&#60;script&#62;alert(2)",
        "&#60;u&#62;me&#60;/u&#62;",
        "&#60;i&#62;",
        "&#60;b&#62;span",
        "trace-&#60;1&#62;",
        &format!("href=\"/logs/{another}\""),
        "Nobody has said",
        "It cannot be made once more: ",
    ] {
        page.assert_says(shown);
    }
    for never in ["<script", "<u>me", "sk-of-the-target", &org.key] {
        assert!(!page.text.contains(never), "{never}: {}", page.text);
    }
    assert!(!page.text.contains(&format!("href=\"/logs/{id}\"")), "it is no other log of its own trace");
}

#[tokio::test]
async fn feedback_is_given_on_the_page_by_the_rules_of_the_route() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let id = logged(&org, "hi").await;
    let workspace = org.workspace_id(&org.workspace).await;
    org.neighbour().await;
    let person = org.person("member", &[(workspace, "member")]).await;
    let browser = Browser::signed_in(&app, &person.email, &person.password).await;
    let path = format!("/logs/{id}/feedback");
    for (value, weight, says) in [
        ("11", "1", "Value: found 11; expected a whole number from -10 to 10."),
        ("1.5", "", "Value: found 1.5"),
        ("<b>", "", "Value: found a string"),
        ("", "1", "Value: missing"),
        ("5", "2", "Weight: found 2"),
        ("5", "-1", "Weight: found -1"),
    ] {
        let seen = browser.post(&path, &[("value", value), ("weight", weight)]).await;
        assert_eq!(seen.status, 400, "{value} {weight}");
        seen.assert_is_a_page("feedback");
        seen.assert_says(says);
        seen.assert_says(&id);
    }
    let sneaked = [("value", "5"), ("trace_id", "another"), ("workspace_id", "another")];
    assert_eq!(
        browser.post(&path, &sneaked).await.to(),
        format!("/logs/{id}#feedback"),
        "it is about this log"
    );
    let fields = [("value", "-10"), ("weight", "0.25")];
    assert_eq!(browser.post(&path, &fields).await.to(), format!("/logs/{id}#feedback"));
    let log = org.log(&id).await;
    let given: Vec<(i64, f64)> = log["feedback"]
        .as_array()
        .unwrap()
        .iter()
        .map(|said| (said["value"].as_i64().unwrap(), said["weight"].as_f64().unwrap()))
        .collect();
    assert_eq!(given, [(-10, 0.25), (5, 1.0)]);
    let page = browser.get(&format!("/logs/{id}")).await;
    page.assert_says("<td>-10</td><td>0.25</td>");
}

#[tokio::test]
async fn a_call_is_made_once_more_and_one_comes_to_its_log() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let id = logged(&org, "hi").await;
    let browser = Browser::owner_of(&org).await;
    let page = browser.get(&format!("/logs/{id}")).await;
    page.assert_says(&format!("action=\"/logs/{id}/replay\""));
    let seen = browser.post(&format!("/logs/{id}/replay"), &[]).await;
    seen.assert_is_a_page("replay");
    let new = seen.to().to_owned();
    assert_ne!(new, format!("/logs/{id}"));
    let page = browser.get(&new).await;
    assert_eq!(page.status, 200);
    page.assert_says(&format!("<a href=\"/logs/{id}\">the first</a>"));
    assert_eq!(org.rows("", 2).await.len(), 2);

    // Its log does not come while the store is broken.
    app.break_store().await;
    let seen = browser.post(&format!("/logs/{id}/replay"), &[]).await;
    assert_eq!(seen.status, 202);
    seen.assert_is_a_page("being written");
    seen.assert_says("<meta http-equiv=\"refresh\" content=\"3; url=/logs/");
    app.mend_store().await;
    org.rows("", 3).await;

    let inserted = json!({"request": {"url": "/v1/x", "method": "POST", "body": {}}, "response": {"status": 200, "body": {}}, "metadata": {}});
    let (status, made) = ask(&org.with_key(&org.key), Method::POST, "/v1/logs", Some(&inserted)).await;
    assert_eq!(status, 200, "{made}");
    let inserted = made["ids"][0].as_str().unwrap();
    org.log(inserted).await;
    let page = browser.get(&format!("/logs/{inserted}")).await;
    page.assert_says("It cannot be made once more: ");
    let seen = browser.post(&format!("/logs/{inserted}/replay"), &[]).await;
    assert_eq!(seen.status, 400);
    seen.assert_is_a_page("not replayable");
}

/// What somebody is told of what is not for them, on each way to it.
async fn told(browser: &Browser<'_>, id: &str) -> Vec<Seen> {
    let form: &[(&str, &str)] = &[("value", "5")];
    vec![
        browser.get(&format!("/logs/{id}")).await,
        browser.post(&format!("/logs/{id}/feedback"), form).await,
        browser.post(&format!("/logs/{id}/replay"), &[]).await,
    ]
}

#[tokio::test]
async fn anothers_log_is_told_in_the_very_words_of_none() {
    let app = TestApp::start().await;
    let (org, other) = (app.org(Plan::Developer).await, app.org(Plan::Developer).await);
    let id = logged(&org, "hi").await;
    let (_, next) = org.neighbour().await;
    let workspace = org.workspace_id(&org.workspace).await;
    let next_door = org.person("member", &[(org.workspace_id(&next).await, "admin")]).await;
    let nowhere = org.person("member", &[]).await;
    let member = org.person("member", &[(workspace, "member")]).await;
    let stranger = Browser::owner_of(&other).await;
    let next_door = Browser::signed_in(&app, &next_door.email, &next_door.password).await;
    let nowhere = Browser::signed_in(&app, &nowhere.email, &nowhere.password).await;
    let member = Browser::signed_in(&app, &member.email, &member.password).await;
    assert_eq!(member.get(&format!("/logs/{id}")).await.status, 200);
    for (who, browser) in
        [("another organisation", &stranger), ("next door", &next_door), ("nowhere", &nowhere)]
    {
        let none = told(browser, NOBODYS).await;
        for id in [&*id, "no-id", "%3Cb%3E"] {
            for (seen, none) in told(browser, id).await.iter().zip(&none) {
                assert_eq!((seen.status, none.status), (404, 404), "{who}: {id}");
                assert_eq!(seen.text, none.text, "{who}: {id}");
                seen.assert_is_a_page(who);
                let names =
                    |seen: &Seen| -> Vec<String> { seen.headers.keys().map(ToString::to_string).collect() };
                assert_eq!(names(seen), names(none), "{who}: {id}");
            }
        }
    }
    assert_eq!(app.count("SELECT count(*) FROM feedback").await, 0);
    assert_eq!(org.rows("", 1).await.len(), 1, "and nothing was called");

    app.clock.advance(Duration::from_hours(3 * 24 + 1));
    let seen = member.get(&format!("/logs/{id}")).await;
    assert_eq!(seen.status, 404, "past its retention");
    assert_eq!(seen.text, member.get(&format!("/logs/{NOBODYS}")).await.text);
}

#[tokio::test]
async fn under_do_not_track_the_page_has_nothing_of_the_content_and_says_why() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let upstream = Upstream::start().await;
    let url = upstream.url();
    upstream.answer_all(answer("kanari-answer"));
    let call = async |debug: &str| {
        let mut request = app.http.post(app.url("/v1/chat/completions")).header("x-portkey-debug", debug);
        for (name, value) in org.headers(&url) {
            request = request.header(name, value);
        }
        let id = log_id(&request.json(&chat("kanari-prompt")).send().await.unwrap());
        org.log(&id).await;
        id
    };
    let browser = Browser::owner_of(&org).await;
    for (debug, is_kept) in [("true", true), ("false", false)] {
        let id = call(debug).await;
        let page = browser.get(&format!("/logs/{id}")).await;
        assert_eq!(page.status, 200);
        for word in ["kanari-prompt", "kanari-answer"] {
            assert_eq!(page.text.contains(word), is_kept, "{debug}: {word}: {}", page.text);
        }
        assert_eq!(page.text.contains("Do Not Track: the content of this call was not kept."), !is_kept);
    }
}

#[tokio::test]
async fn a_long_body_is_shortened_and_says_so() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let browser = Browser::owner_of(&org).await;
    let id = logged(&org, &"long ".repeat(100_000)).await;
    let page = browser.get(&format!("/logs/{id}")).await;
    assert_eq!(page.status, 200);
    assert!(page.text.len() < 700_000, "{}", page.text.len());
    page.assert_says("Shortened: there is more of it.");
    let short = logged(&org, "short").await;
    assert!(!browser.get(&format!("/logs/{short}")).await.text.contains("Shortened"));
    let log: Value = org.log(&id).await;
    assert!(log["request"]["body"].to_string().len() > 500_000, "all of it is there");
}
