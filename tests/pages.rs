//! The pages that people see in a browser: who sees what, by what they are signed in, and that nothing comes in or goes out by them.

mod account;
mod browser;
mod forms;
mod invites;
mod log;
mod sign_in;

use std::sync::Mutex;

use plans::Plan;
use reqwest::header::{HeaderMap, LOCATION, SET_COOKIE};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, RequestBuilder, Url};
use serde_json::Value;

use crate::harness::{Org, TestApp, chat, log_id};

/// A page, as it was answered.
#[derive(Debug)]
pub struct Seen {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
}

impl Seen {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Where the browser is sent.
    pub fn to(&self) -> &str {
        assert_eq!(self.status, 303, "{}", self.text);
        self.header(LOCATION.as_str())
    }

    /// What every page has, whatever it says.
    pub fn assert_is_a_page(&self, what: &str) {
        let policy = self.header("content-security-policy");
        for part in [
            "default-src 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
            "'sha256-",
        ] {
            assert!(policy.contains(part), "{what}: {policy}");
        }
        assert!(!policy.contains("unsafe"), "{what}: {policy}");
        assert_eq!(self.header("x-content-type-options"), "nosniff", "{what}");
        assert_eq!(self.header("cache-control"), "no-store", "{what}");
        assert_eq!(self.header("referrer-policy"), "same-origin", "{what}");
        if self.status == 303 {
            return;
        }
        assert_eq!(self.header("content-type"), "text/html; charset=utf-8", "{what}: {}", self.text);
        assert!(self.text.starts_with("<!DOCTYPE html>\n<html lang=\"en\">"), "{what}: {}", self.text);
        assert!(self.text.contains("<title>") && self.text.contains("<h1>"), "{what}: {}", self.text);
        for never in ["<script", "javascript:", " style=\"", " src=\"", "onclick"] {
            assert!(!self.text.contains(never), "{what}: {never}: {}", self.text);
        }
    }

    pub fn assert_says(&self, text: &str) {
        assert!(self.text.contains(text), "{text}: {}", self.text);
    }
}

/// A browser, as far as one page after the other: it follows nothing by itself, and keeps one cookie.
pub struct Browser<'a> {
    app: &'a TestApp,
    http: Client,
    pub cookie: Mutex<Option<String>>,
}

impl<'a> Browser<'a> {
    pub fn of(app: &'a TestApp) -> Self {
        let http = Client::builder().redirect(Policy::none()).build().unwrap();
        Self { app, http, cookie: Mutex::new(None) }
    }

    /// One in which somebody is signed in.
    pub async fn signed_in(app: &'a TestApp, email: &str, password: &str) -> Self {
        let browser = Self::of(app);
        let seen = browser.post("/sign-in", &[("email", email), ("password", password)]).await;
        assert_eq!(seen.to(), "/account");
        browser
    }

    pub async fn owner_of(org: &Org<'a>) -> Self {
        Self::signed_in(org.app, &org.email, &org.password).await
    }

    /// The same browser at another server.
    pub fn at<'b>(&self, app: &'b TestApp) -> Browser<'b> {
        Browser { app, http: self.http.clone(), cookie: Mutex::new(self.cookie.lock().unwrap().clone()) }
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, self.app.url(path));
        match &*self.cookie.lock().unwrap() {
            Some(cookie) => request.header("cookie", format!("other=1; {cookie}")),
            None => request,
        }
    }

    pub async fn get(&self, path: &str) -> Seen {
        self.send(self.request(Method::GET, path)).await
    }

    /// What a form of ours sends.
    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Seen {
        self.send(self.form(path, fields).header("sec-fetch-site", "same-origin")).await
    }

    /// The same, without a word of where it comes from.
    pub fn form(&self, path: &str, fields: &[(&str, &str)]) -> RequestBuilder {
        let url = Url::parse_with_params("http://form.invalid", fields).unwrap();
        let body = url.query().unwrap_or_default().to_owned();
        let request = self.request(Method::POST, path);
        request.header("content-type", "application/x-www-form-urlencoded").body(body)
    }

    pub async fn send(&self, request: RequestBuilder) -> Seen {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        if let Some(set) = headers.get(SET_COOKIE) {
            let pair = set.to_str().unwrap().split(';').next().unwrap().to_owned();
            *self.cookie.lock().unwrap() = Some(pair).filter(|pair| !pair.ends_with('='));
        }
        Seen { status, headers, text: response.text().await.unwrap() }
    }

    /// Whether it is still signed in.
    pub async fn is_in(&self) -> bool {
        let seen = self.get("/account").await;
        if seen.status == 200 {
            return true;
        }
        assert_eq!(seen.to(), "/sign-in");
        false
    }
}

/// A call of the organisation's key that is in its log; its id.
pub async fn logged(org: &Org<'_>, words: &str) -> String {
    let call = org.echo("/v1/chat/completions").json(&chat(words)).send().await.unwrap();
    let id = log_id(&call);
    org.log(&id).await;
    id
}

#[tokio::test]
async fn logs_and_traces_say_where_their_page_is() {
    let app =
        TestApp::with(|settings| settings.public_url = Some("https://turnpike.example/".to_owned())).await;
    let org = app.org(Plan::Developer).await;
    let id = logged(&org, "hi").await;
    let url = format!("https://turnpike.example/logs/{id}");
    let log = org.log(&id).await;
    let trace = log["metrics"]["trace_id"].as_str().unwrap();
    let trace: Value = org.get(&format!("/v1/traces/{trace}")).await.json().await.unwrap();
    for (what, shown) in
        [("the log", &log), ("its row", &org.list("").await[0]), ("in the trace", &trace["data"][0])]
    {
        assert_eq!(shown["url"], url.as_str(), "{what}: {shown}");
    }
}
