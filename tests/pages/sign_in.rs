//! Signing in by a form, with the same care as over REST, and never to go anywhere else than to a page of ours.

use std::time::Duration;

use plans::Plan;
use reqwest::Method;

use super::{Browser, logged};
use crate::harness::TestApp;

#[tokio::test]
async fn who_is_not_signed_in_is_asked_to_and_comes_back_to_the_log() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let id = logged(&org, "hi").await;
    let browser = Browser::of(&app);
    for id in [&*id, "01900000-0000-7000-8000-000000000001", "no-id", "&next=x"] {
        let seen = browser.get(&format!("/logs/{id}")).await;
        seen.assert_is_a_page(id);
        let next = id.replace('&', "%26").replace('=', "%3D");
        assert_eq!(seen.to(), format!("/sign-in?next=/logs/{next}"), "whether or not it is there");
    }
    let next = format!("/logs/{id}");
    let form = browser.get(&format!("/sign-in?next={next}")).await;
    assert_eq!(form.status, 200);
    form.assert_says(&format!("<input type=\"hidden\" name=\"next\" value=\"{next}\">"));

    let fields = [("email", org.email.as_str()), ("password", &org.password), ("next", &next)];
    let seen = browser.post("/sign-in", &fields).await;
    seen.assert_is_a_page("signed in");
    assert_eq!(seen.to(), next);
    let cookie = seen.header("set-cookie");
    let (pair, attributes) = cookie.split_once("; ").unwrap();
    assert!(pair.starts_with("turnpike=tpb_"), "{cookie}");
    assert_eq!(attributes, "Path=/; Max-Age=2592000; HttpOnly; SameSite=Lax", "over plain HTTP");
    let page = browser.get(&next).await;
    assert_eq!(page.status, 200, "{}", page.text);
    page.assert_says(&id);

    // Of the secret there is the hash alone, and no route over REST takes it.
    let secret = pair.trim_start_matches("turnpike=");
    let stored = app.count("SELECT count(*) FROM session WHERE family_hash = refresh_hash").await;
    assert_eq!(stored, 1);
    for path in ["/v1/auth/sessions", &format!("/v1/logs/{id}"), "/v1/usage"] {
        let asked = browser.request(Method::GET, path).send().await.unwrap();
        assert_eq!(asked.status(), 401, "{path}");
        let asked = browser.request(Method::GET, path).bearer_auth(secret).send().await.unwrap();
        assert_eq!(asked.status(), 401, "{path}");
    }
    let body = serde_json::json!({"refresh_token": secret});
    let refreshed = app.http.post(app.url("/v1/auth/refresh")).json(&body).send().await.unwrap();
    assert_eq!(refreshed.status(), 401, "it is no refresh token");
    assert!(browser.is_in().await, "and it goes on");
}

#[tokio::test]
async fn over_https_the_cookie_is_bound_to_the_host() {
    let app =
        TestApp::with(|settings| settings.public_url = Some("https://turnpike.example".to_owned())).await;
    let org = app.org(Plan::Developer).await;
    let browser = Browser::owner_of(&org).await;
    let cookie = browser.cookie.lock().unwrap().clone().unwrap();
    assert!(cookie.starts_with("__Host-turnpike=tpb_"), "{cookie}");
    let fields = [("email", org.email.as_str()), ("password", &org.password)];
    let set = browser.post("/sign-in", &fields).await;
    let attributes = set.header("set-cookie").split_once("; ").unwrap().1;
    assert_eq!(attributes, "Path=/; Max-Age=2592000; HttpOnly; SameSite=Lax; Secure");
    assert!(browser.is_in().await);
    let renamed = cookie.replace("__Host-turnpike", "turnpike");
    *browser.cookie.lock().unwrap() = Some(renamed);
    assert!(!browser.is_in().await, "another name, which a neighbour could have set");
}

#[tokio::test]
async fn nobody_is_sent_to_another_site() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let browser = Browser::of(&app);
    for next in [
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "https://evil.example",
        "javascript:alert(1)",
        "evil.example",
        "/a\r\nset-cookie: x=y",
        "",
        &format!("/{}", "a".repeat(600)),
    ] {
        let url = reqwest::Url::parse_with_params(&app.url("/sign-in"), [("next", next)]).unwrap();
        let form = browser.get(&format!("/sign-in?{}", url.query().unwrap())).await;
        assert_eq!(form.status, 200);
        assert!(!form.text.contains("name=\"next\""), "{next:?}: {}", form.text);
        let fields = [("email", org.email.as_str()), ("password", &org.password), ("next", next)];
        assert_eq!(browser.post("/sign-in", &fields).await.to(), "/account", "{next:?}");
    }
}

#[tokio::test]
async fn a_wrong_sign_in_is_said_in_the_form_and_waits_grow() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let browser = Browser::of(&app);
    let attempt = async |password: &str| {
        let fields = [("email", org.email.as_str()), ("password", password), ("next", "/logs/1")];
        browser.post("/sign-in", &fields).await
    };
    let seen = attempt("").await;
    assert_eq!(seen.status, 400);
    seen.assert_says("Password: missing");
    for _ in 0..5 {
        let seen = attempt("<b>wrong</b>").await;
        seen.assert_is_a_page("refused");
        assert_eq!(seen.status, 401);
        seen.assert_says("No such e-mail address, password and organisation go together.");
        seen.assert_says(&format!("value=\"{}\"", org.email));
        seen.assert_says("name=\"next\" value=\"/logs/1\"");
        assert!(!seen.text.contains("wrong"), "a password is never said back: {}", seen.text);
    }
    app.clock.advance(Duration::from_secs(1));
    assert_eq!(attempt("wrong").await.status, 401);
    let seen = attempt(&org.password).await;
    assert_eq!(seen.status, 429);
    seen.assert_says("Too many failed attempts");
    let wait: u64 = seen.header("retry-after").parse().unwrap();
    assert!((1..=2).contains(&wait), "{wait}");
    app.clock.advance(Duration::from_secs(wait));
    assert_eq!(attempt(&org.password).await.to(), "/logs/1");
    assert_eq!(app.count("SELECT count(*) FROM session").await, 1);
}

#[tokio::test]
async fn who_is_in_several_organisations_is_asked_which() {
    let app = TestApp::start().await;
    let (org, other) = (app.org(Plan::Developer).await, app.org(Plan::Developer).await);
    let person = org.person("member", &[]).await;
    other.join(person.id, "admin", &[]).await;
    app.execute(&format!("UPDATE organisation SET name = 'Other & <Co>' WHERE {}", app.is("id", other.id)))
        .await;
    let browser = Browser::of(&app);
    let fields = [("email", person.email.as_str()), ("password", &person.password)];
    let wrong = [("email", person.email.as_str()), ("password", "wrong")];
    assert!(!browser.post("/sign-in", &wrong).await.text.contains("<option"), "only who is known is asked");
    let seen = browser.post("/sign-in", &fields).await;
    assert_eq!(seen.status, 200);
    seen.assert_says(&format!("<option value=\"{}\">Acme</option>", org.id));
    assert!(!seen.text.contains("<Co>") && !seen.text.contains(&person.password), "{}", seen.text);
    let which = other.id.to_string();
    let seen = browser.post("/sign-in", &[&fields[..], &[("organisation_id", &which)]].concat()).await;
    assert_eq!(seen.to(), "/account");
    let account = browser.get("/account").await;
    account.assert_says("Other &#38; &#60;Co&#62;");
    account.assert_says("<td>admin</td>");
}
