//! A walk in a real browser: from the URL of a log to its page, and through all that is there.

use plans::Plan;
use reqwest::Method;
use serde_json::{Value, json};

use super::logged;
use crate::harness::{Org, TestApp, Upstream, answer, ask, chat, log_id, walk};

/// A folder that gets a picture of every page.
const PICTURES: &str = "TURNPIKE_PICTURES";

/// A call to be looked at: it fell back, and has more to show than others.
async fn fallen_back(org: &Org<'_>) -> String {
    let upstream = Upstream::start().await;
    let url = upstream.url();
    upstream.answer_all(answer("Seville oranges are bitter: they are for marmalade."));
    let busy = json!({"provider": "openai", "custom_host": "http://127.0.0.1:1/v1", "api_key": "sk-1", "name": "first"});
    let there = json!({"provider": "openai", "custom_host": url, "api_key": "sk-2", "name": "second"});
    let config = json!({"strategy": {"mode": "fallback"}, "targets": [busy, there]});
    let call =
        org.request(Method::POST, "/v1/chat/completions").header("x-portkey-config", config.to_string());
    let call =
        call.header("x-portkey-metadata", json!({"_user": "u-17", "environment": "staging"}).to_string());
    let call = call.header("x-portkey-trace-id", "kitchen").json(&chat("Which oranges are for marmalade?"));
    let id = log_id(&call.send().await.unwrap());
    org.log(&id).await;
    id
}

#[tokio::test]
async fn in_a_real_browser_one_comes_from_a_logs_url_to_all_that_it_has() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let call = org
        .echo("/v1/chat/completions")
        .header("x-portkey-trace-id", "kitchen")
        .json(&chat("Which <b>oranges</b>?"));
    let id = log_id(&call.send().await.unwrap());
    org.log(&id).await;
    let (log, fallen) = (format!("/logs/{id}"), fallen_back(&org).await);
    logged(&org, "another").await;
    let invite = json!({"email": "kim@example.com", "role": "member", "workspaces": [{"id": org.workspace, "role": "member"}]});
    let (_, made) = ask(&org.owner().await, Method::POST, "/v1/admin/users/invites", Some(&invite)).await;
    let link = made["invite_link"].as_str().unwrap();
    let invite = &link[link.find("/invites/").unwrap()..];
    let more = json!({
        "account": "/account", "invite": invite, "forgot": "/forgot-password", "fallen": format!("/logs/{fallen}"),
        "nowhere": "/logs/01900000-0000-7000-8000-000000000001"
    });
    // By an address the browser says itself that a form is our own; by a name over plain HTTP it tells its origin alone.
    let port = app.running.addr.port();
    for base in [app.url(""), format!("http://turnpike.test:{port}")] {
        let pictures = std::env::var(PICTURES).ok().filter(|_| base.contains("127.0.0.1"));
        let seen = walk(json!({
            "base": base, "log": log, "email": org.email, "password": org.password, "more": more, "pictures": pictures
        }))
        .await;
        assert_walked(&seen, &log, &base);
    }
    let given = org.log(&id).await["feedback"].as_array().unwrap().len();
    assert_eq!(given, 2, "in each of the walks");
}

fn assert_walked(seen: &Value, log: &str, base: &str) {
    let at: Vec<&str> = seen["at"].as_array().unwrap().iter().map(|at| at.as_str().unwrap()).collect();
    let [asked, back, new, first, out, again] = at[..] else { panic!("{base}: {seen}") };
    let sign_in = format!("/sign-in?next={log}");
    assert_eq!((asked, back, first, out, again), (&*sign_in, log, log, "/sign-in", &*sign_in), "{base}");
    assert!(new.starts_with("/logs/") && new != log, "{base}: {seen}");
    assert!(seen["refused"].as_str().unwrap().starts_with("No such e-mail address"), "{base}: {seen}");
    assert!(
        seen["request"].as_str().unwrap().contains("\"content\": \"Which <b>oranges</b>?\""),
        "{base}: {seen}"
    );
    assert_eq!((&seen["feedback"][0], &seen["feedback"][1]), (&json!("7"), &json!("0.5")), "{base}: {seen}");
    assert_eq!((&seen["scripts"], &seen["cookies"]), (&json!(0), &json!(0)), "{base}: {seen}");
    let headings = ["account", "invite", "forgot", "nowhere"].map(|page| seen[page].as_str().unwrap());
    assert_eq!(headings, ["Account", "Join Acme", "Forgotten password", "Nothing to see here"], "{base}");
    // Nothing is asked of anybody else, nothing is refused by our own policy, and a phone shows it without scrolling sideways.
    assert_eq!(seen["requests"], json!([]), "{base}");
    let said: Vec<&str> =
        seen["said"].as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect();
    let wrong: Vec<_> = said
        .iter()
        .filter(|line| !line.contains("status of 401 ") && !line.contains("status of 404 "))
        .collect();
    assert!(wrong.is_empty(), "{base}: {wrong:?}");
    for (page, pixels) in seen["overhang"].as_object().unwrap() {
        assert_eq!(pixels, 0, "{base}: {page}");
    }
}
