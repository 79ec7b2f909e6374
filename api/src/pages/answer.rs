//! What all pages have in common: one frame, one style, and headers by which nothing is loaded, run, framed or kept.

use std::sync::LazyLock;

use actix_web::http::StatusCode;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderValue, LOCATION, REFERRER_POLICY, RETRY_AFTER,
    X_CONTENT_TYPE_OPTIONS,
};
use actix_web::{HttpResponse, HttpResponseBuilder};
use askama::Template;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::problem::Problem;
use crate::Error;

/// The one style of all pages: it stands in each.
const STYLE: &str = include_str!("../../templates/pages/style.css");

/// That style is let through by its hash (CSP 3, 6.7.2.3).
static POLICY: LazyLock<String> = LazyLock::new(|| {
    let hash = STANDARD.encode(tenancy::secret::hash(STYLE));
    format!(
        "default-src 'none'; style-src 'sha256-{hash}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    )
});

/// What is around every page.
#[derive(Template)]
#[template(path = "pages/frame.html")]
struct Frame<'a> {
    title: &'a str,
    style: &'static str,
    is_signed_in: bool,
    /// Where the browser goes by itself after some seconds.
    then: Option<&'a str>,
    body: String,
}

/// A page to be answered.
#[derive(Clone, Copy)]
pub(super) struct Answer<'a> {
    status: StatusCode,
    title: &'a str,
    is_signed_in: bool,
    then: Option<&'a str>,
    retry_after_s: Option<i64>,
}

impl<'a> Answer<'a> {
    /// For somebody who is not signed in, or not known to be.
    pub fn of(title: &'a str) -> Self {
        Self { status: StatusCode::OK, title, is_signed_in: false, then: None, retry_after_s: None }
    }

    pub fn signed_in(self, is_signed_in: bool) -> Self {
        Self { is_signed_in, ..self }
    }

    pub fn status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }

    /// The form is shown again, with what was wrong.
    pub fn problem(self, problem: Option<&Problem>) -> Self {
        match problem {
            Some(problem) => Self { status: problem.status, retry_after_s: problem.retry_after_s, ..self },
            None => self,
        }
    }

    /// The browser goes on to this path by itself.
    pub fn then(self, path: &'a str) -> Self {
        Self { then: Some(path), ..self }
    }

    /// The page with this in it.
    pub fn with(self, content: &impl Template) -> Result<HttpResponse, Error> {
        let frame = Frame {
            title: self.title,
            style: STYLE,
            is_signed_in: self.is_signed_in,
            then: self.then,
            body: content.render().map_err(Error::internal)?,
        };
        let page = frame.render().map_err(Error::internal)?;
        let mut response = begin(self.status);
        if let Some(seconds) = self.retry_after_s {
            response.insert_header((RETRY_AFTER, HeaderValue::from(seconds)));
        }
        Ok(response.content_type("text/html; charset=utf-8").body(page))
    }
}

/// To be asked for instead, after a form.
pub(super) fn see_other(path: &str) -> HttpResponseBuilder {
    let mut response = begin(StatusCode::SEE_OTHER);
    response.insert_header((LOCATION, path));
    response
}

fn begin(status: StatusCode) -> HttpResponseBuilder {
    let mut response = HttpResponse::build(status);
    response
        .insert_header((CONTENT_SECURITY_POLICY, POLICY.as_str()))
        .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((CACHE_CONTROL, "no-store"))
        // To no other site at all. With `no-referrer` the `Origin` of our own forms would be null too (Fetch, 3.2.2), and by that they are
        // known where the browser sends no `Sec-Fetch-Site`: over plain HTTP.
        .insert_header((REFERRER_POLICY, "same-origin"));
    response
}
