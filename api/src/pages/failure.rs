//! Why a page is not shown, as a page.

use std::fmt;

use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, HeaderValue};
use actix_web::{HttpResponse, ResponseError};
use askama::Template;

use super::answer::{Answer, see_other};
use super::next;
use crate::Error;

#[derive(Debug)]
pub(super) enum Failure {
    /// Nobody is signed in: they are asked to, and come back to this path.
    SignIn(String),
    /// A form that no page of ours has sent.
    Foreign,
    /// There is no such page, or not for who asks: which, is not said.
    Nowhere,
    /// A link that worked once, or until now.
    Over(Link),
    Error(Error),
}

/// What came by mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Link {
    Invite,
    Reset,
}

impl<E: Into<Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Error(error.into())
    }
}

#[derive(Template)]
#[template(path = "pages/failure.html")]
struct Page<'a> {
    heading: &'a str,
    text: &'a str,
    /// What to do: a path, and what it is called.
    way: (&'a str, &'a str),
}

const ACCOUNT: (&str, &str) = ("/account", "Your account");

impl Failure {
    fn status(&self) -> StatusCode {
        match self {
            Self::SignIn(_) => StatusCode::SEE_OTHER,
            Self::Foreign => StatusCode::FORBIDDEN,
            Self::Nowhere | Self::Over(_) => StatusCode::NOT_FOUND,
            Self::Error(error) => error.parts().0,
        }
    }

    fn page(&self) -> Result<HttpResponse, Error> {
        let status = self.status();
        let (heading, way) = match self {
            Self::Foreign => ("This did not come from here", ACCOUNT),
            Self::Nowhere => ("Nothing to see here", ACCOUNT),
            Self::Over(Link::Invite) => ("This invite is no longer good", ("/sign-in", "Sign in")),
            Self::Over(Link::Reset) => {
                ("This link is no longer good", ("/forgot-password", "Ask for another"))
            }
            Self::SignIn(_) | Self::Error(_) => (heading(status), ACCOUNT),
        };
        Answer::of(heading).status(status).with(&Page { heading, text: &self.to_string(), way })
    }
}

fn heading(status: StatusCode) -> &'static str {
    match status {
        StatusCode::FORBIDDEN => "You may not do this",
        StatusCode::PAYMENT_REQUIRED => "Not until the invoices are paid",
        StatusCode::TOO_MANY_REQUESTS => "Too many attempts",
        status if status.is_server_error() => "This does not work at the moment",
        _ => "This was not done",
    }
}

/// What an error says, as a sentence.
pub(super) fn words(error: &Error) -> String {
    let said = match error {
        // The rest of what it says is for programs.
        Error::Unauthorised(said) => (*said).to_owned(),
        Error::Forbidden(said) => said.clone(),
        error => error.to_string(),
    };
    let mut letters = said.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    let end = if said.ends_with(['.', '?']) { "" } else { "." };
    format!("{}{}{end}", first.collect::<String>(), letters.as_str())
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SignIn(_) => f.write_str("Sign in first."),
            Self::Foreign => f.write_str(
                "Forms are taken from the pages of this server only. Open the page here, and try again.",
            ),
            Self::Nowhere => f.write_str(
                "There is no such page, or it is not for you to see. A log is shown to members of its workspace, for as long as the \
                 organisation’s plan keeps it. Who is in several organisations signs in to the one that it belongs to.",
            ),
            Self::Over(Link::Invite) => f.write_str(
                "An invite works once, for a week, and until it is cancelled or sent again. Who has accepted it signs in; else ask whoever \
                 invited you to send another.",
            ),
            Self::Over(Link::Reset) => f.write_str(
                "It works once, within the hour, and only the last one that was asked for. Until a new password is set, the one before \
                 works.",
            ),
            Self::Error(error) => f.write_str(&words(error)),
        }
    }
}

impl ResponseError for Failure {
    fn status_code(&self) -> StatusCode {
        self.status()
    }

    fn error_response(&self) -> HttpResponse {
        if let Self::SignIn(path) = self {
            return see_other(&next::sign_in(path)).finish();
        }
        if let Self::Error(error) = self {
            error.log();
        }
        let mut response = self.page().unwrap_or_else(|error| error.error_response());
        if let Self::Error(Error::Method { allowed, .. }) = self
            && let Ok(allowed) = HeaderValue::try_from(allowed.as_str())
        {
            response.headers_mut().insert(ALLOW, allowed);
        }
        response
    }
}
