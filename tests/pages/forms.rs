//! What holds of every page and every form.

use api::pages::PAGES;
use plans::Plan;
use reqwest::Method;

use super::Browser;
use crate::harness::TestApp;
use crate::routes::method;

/// With something for its parameters.
fn path(pattern: &str) -> String {
    pattern.replace("{id}", "01900000-0000-7000-8000-000000000001").replace("{token}", "tpi_0123")
}

#[tokio::test]
async fn no_form_of_another_site_is_taken() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let browser = Browser::owner_of(&org).await;
    let host = app.url("").trim_start_matches("http://").to_owned();
    let fields = [("email", org.email.as_str()), ("password", &org.password)];
    let forms: Vec<&str> = PAGES.iter().filter(|page| page.method == "POST").map(|page| page.path).collect();
    assert!(forms.len() > 5);
    for pattern in forms {
        for (site, origin) in [
            (Some("cross-site"), None),
            (Some("same-site"), Some(app.url(""))),
            (Some("none"), None),
            (None, Some("https://evil.example".to_owned())),
            (None, Some(format!("http://{host}.evil.example"))),
            (None, Some("null".to_owned())),
            (None, None),
        ] {
            let mut form = browser.form(&path(pattern), &fields);
            if let Some(site) = site {
                form = form.header("sec-fetch-site", site);
            }
            if let Some(origin) = &origin {
                form = form.header("origin", origin);
            }
            let seen = browser.send(form).await;
            let what = format!("{pattern}: {site:?} {origin:?}");
            assert_eq!(seen.status, 403, "{what}");
            seen.assert_is_a_page(&what);
            seen.assert_says("This did not come from here");
            assert!(!seen.headers.contains_key("set-cookie"), "{what}");
        }
    }
    assert!(browser.is_in().await, "nothing has been done");
    let by_origin = browser.form("/sign-out", &[]).header("origin", app.url(""));
    assert_eq!(browser.send(by_origin).await.to(), "/sign-in", "that is our own");
}

#[tokio::test]
async fn whatever_is_wrong_is_said_by_a_page() {
    let app = TestApp::start().await;
    let org = app.org(Plan::Developer).await;
    let browser = Browser::owner_of(&org).await;
    for page in PAGES {
        let (what, path) = (format!("{} {}", page.method, page.path), path(page.path));
        for method in ["PUT", "DELETE", "PATCH"].map(method) {
            let seen = browser.send(browser.request(method, &path)).await;
            assert_eq!(seen.status, 405, "{what}");
            assert!(seen.header("allow").contains(page.method), "{what}: {:?}", seen.headers);
            seen.assert_is_a_page(&what);
        }
        for below in [format!("{path}/"), format!("{path}/x/y")] {
            let seen = browser.get(&below).await;
            assert_eq!(seen.status, 404, "{below}");
            seen.assert_is_a_page(&below);
        }
        if page.method != "POST" || page.path == "/sign-out" {
            continue;
        }
        let large = "a".repeat(17 << 10);
        let twice = [("email", "a"), ("email", "b")];
        for (fields, status) in [(&[("email", large.as_str())][..], 413), (&twice, 400)] {
            let seen = browser.post(&path, fields).await;
            // Where it is about something that is not there that may be said first.
            assert!(seen.status == status || seen.status == 404, "{what}: {}", seen.status);
            seen.assert_is_a_page(&what);
        }
    }
    for (fields, status, says) in [
        (&[("email", "a@example.com"), ("nonsense", "1")][..], 400, "missing"),
        (&[("email", "a@example.com"), ("password", "x"), ("nonsense", "1")], 400, "Nonsense: no such field"),
        (&[("email", "a\0b"), ("password", "x")], 400, "control character"),
        (&[("email", "a@example.com"), ("password", "x"), ("organisation_id", "<i>")], 400, "&#60;i&#62;"),
    ] {
        let seen = browser.post("/sign-in", fields).await;
        assert_eq!(seen.status, status, "{fields:?}");
        seen.assert_says(says);
    }
    let nothing =
        browser.send(browser.request(Method::POST, "/sign-in").header("sec-fetch-site", "same-origin"));
    assert_eq!(nothing.await.status, 400);
    for cookie in
        ["turnpike=", "turnpike=x", "turnpike=tpb_zz", "turnpike", "=", "turnpike=%00", "a=b; turnpike=tpr_1"]
    {
        *browser.cookie.lock().unwrap() = Some(cookie.to_owned());
        assert!(!browser.is_in().await, "{cookie}");
    }
}
