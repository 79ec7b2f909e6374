//! Where a tenant's URLs may lead: what is refused as it is written, for the header and for a virtual key alike, and that
//! nothing else leads on.

use std::sync::atomic::Ordering;

use plans::Plan;
use reqwest::{Method, redirect};
use serde_json::{Value, json};
use settings::Reach;

use crate::harness::{Org, TestApp, Upstream, answer, chat};

/// Refused on a machine that lets tenants reach its own loopback.
const INSIDE: [&str; 16] = [
    "http://169.254.169.254/latest/meta-data",
    "http://[fd00:ec2::254]/",
    "http://[::ffff:169.254.169.254]/",
    "http://[64:ff9b::a9fe:a9fe]/",
    "http://[2002:a9fe:a9fe::]/",
    "http://100.100.100.200/",
    "http://metadata.google.internal/",
    "http://10.0.0.1/",
    "http://192.168.0.1/",
    "http://100.64.0.1/",
    "http://0.0.0.0/",
    "http://[::]/",
    "http://2852039166/",
    "http://0xa9fea9fe/",
    "http://0251.0376.0251.0376/",
    "http://example.com@169.254.169.254/",
];

/// Refused, besides, where only public addresses may be reached.
const HERE: [&str; 7] = [
    "http://127.0.0.1/",
    "http://localhost/",
    "http://LOCALHOST:80/",
    "http://127.1/",
    "http://[::1]/",
    "http://[::ffff:7f00:1]/",
    "http://2130706433/",
];

async fn is_refused(org: &Org<'_>, url: &str) {
    let request = org.request(Method::POST, "/v1/chat/completions").header("x-portkey-provider", "openai");
    let response = request.header("x-portkey-custom-host", url).json(&chat("hi")).send().await.unwrap();
    assert_eq!(response.status(), 400, "{url}");
    let body = response.text().await.unwrap();
    assert!(body.contains("x-portkey-custom-host"), "{url}: {body}");

    let key = json!({"name": "k", "provider": "openai", "key": "sk-0123456789", "custom_host": url});
    let response = org.request(Method::POST, "/v1/virtual-keys").json(&key).send().await.unwrap();
    assert!(response.status().is_client_error(), "{url}: {}", response.status());
    let body = response.text().await.unwrap();
    assert!(body.contains("custom_host"), "{url}: {body}");
}

#[tokio::test]
async fn a_url_that_leads_inside_is_refused_in_the_header_and_on_a_virtual_key() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    for url in INSIDE {
        is_refused(&org, url).await;
    }
    let app = TestApp::with(|settings| settings.gateway.allow_private_hosts = Reach::Public).await;
    let org = app.org(Plan::Developer).await;
    for url in INSIDE.into_iter().chain(HERE) {
        is_refused(&org, url).await;
    }
}

#[tokio::test]
async fn a_virtual_keys_host_is_judged_by_the_settings_of_the_call_not_of_its_making() {
    for (reach, status) in [(Reach::Loopback, 200), (Reach::Public, 400)] {
        let app = TestApp::with(|settings| settings.gateway.allow_private_hosts = reach).await;
        let org = app.org(Plan::Developer).await;
        let upstream = Upstream::start().await;
        let key = json!({"name": "k", "provider": "openai", "key": "sk-0123456789"});
        let made = org.request(Method::POST, "/v1/virtual-keys").json(&key).send().await.unwrap();
        let slug = made.json::<Value>().await.unwrap()["data"]["slug"].as_str().unwrap().to_owned();
        // As a server with wider settings has left it.
        app.execute(&format!("UPDATE virtual_key SET custom_host = '{}'", upstream.url())).await;
        let asked = upstream.answer_all(answer("hello"));
        let request = org.request(Method::POST, "/v1/chat/completions").header("x-portkey-virtual-key", slug);
        let response = request.json(&chat("hi")).send().await.unwrap();
        assert_eq!(response.status(), status);
        assert_eq!(response.text().await.unwrap().contains("custom_host"), reach == Reach::Public);
        assert_eq!(asked.load(Ordering::SeqCst), usize::from(reach == Reach::Loopback));
    }
}

#[tokio::test]
async fn a_redirect_is_passed_on_and_not_followed() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let mut upstream = Upstream::start().await;
    let elsewhere = Upstream::start().await;
    let location = elsewhere.url();
    let asked = elsewhere.answer_all(answer("from elsewhere"));
    let client = reqwest::Client::builder().redirect(redirect::Policy::none()).build().unwrap();
    for status in [301, 302, 303, 307, 308] {
        let request = client.post(app.url("/v1/chat/completions")).header("x-portkey-api-key", &org.key);
        let request = request.header("x-portkey-provider", "openai");
        let request = request.header("x-portkey-custom-host", upstream.url()).json(&chat("hi"));
        let sending = tokio::spawn(request.send());
        let mut exchange = upstream.asked().await;
        exchange.head(status, &[("location", &location), ("content-length", "0")]).await;
        exchange.whole();
        let response = sending.await.unwrap().unwrap();
        assert_eq!(response.status(), status);
        assert_eq!(response.headers()["location"], location.as_str());
    }
    assert_eq!(asked.load(Ordering::SeqCst), 0);
}
