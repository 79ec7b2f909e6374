//! What people see in a browser: pages that are made here, without scripts and without anything from elsewhere.
//!
//! To add one: a file for it here, with what it shows in `templates/pages`, and a row in [`PAGES`]. Who it is for it asks by taking a
//! `Visitor`; what is sent to it comes in a `Form`, which takes none from another site. A page reads and writes by the same functions as
//! the REST routes. A new first element of a path also goes into [`BELOW`], `deploy/nginx/nginx.conf` and
//! `deploy/helm/turnpike/control-plane-paths.txt`.

mod account;
mod answer;
mod failure;
mod forgot;
mod form;
mod invite;
mod log;
mod next;
mod problem;
mod reset;
mod sign_in;
mod sign_out;
mod visitor;

use actix_web::middleware::from_fn;
use actix_web::{HttpRequest, web};
use secrecy::SecretString;

use crate::observed::observed;
use crate::routes::method;
use crate::{Error, origin};
use failure::Failure;

/// A page, or what a form of one sends.
pub struct Page {
    /// `GET` or `POST`.
    pub method: &'static str,
    /// With its parameters in braces; one that is called `token` is a secret.
    pub path: &'static str,
    mount: fn(actix_web::Route) -> actix_web::Route,
}

/// The pages, those of one path next to each other.
pub static PAGES: &[Page] = &[
    page("GET", "/sign-in", |r| r.to(sign_in::show)),
    page("POST", "/sign-in", |r| r.to(sign_in::sign_in)),
    page("POST", "/sign-out", |r| r.to(sign_out::sign_out)),
    page("GET", "/account", |r| r.to(account::show)),
    page("POST", "/account/sessions/{id}", |r| r.to(account::end_session)),
    page("GET", "/logs/{id}", |r| r.to(log::show)),
    page("POST", "/logs/{id}/feedback", |r| r.to(log::give_feedback)),
    page("POST", "/logs/{id}/replay", |r| r.to(log::replay)),
    page("GET", "/invites/{token}", |r| r.to(invite::show)),
    page("POST", "/invites/{token}", |r| r.to(invite::accept)),
    page("GET", "/forgot-password", |r| r.to(forgot::show)),
    page("POST", "/forgot-password", |r| r.to(forgot::ask)),
    page("GET", "/reset/{token}", |r| r.to(reset::show)),
    page("POST", "/reset/{token}", |r| r.to(reset::set)),
];

/// What the paths of pages begin with: all below is theirs, also where there is none. It may be a link with something too much, hence
/// the name.
const BELOW: [&str; 7] = [
    "/sign-in{token:(/.*)?}",
    "/sign-out{token:(/.*)?}",
    "/account{token:(/.*)?}",
    "/logs{token:(/.*)?}",
    "/invites{token:(/.*)?}",
    "/forgot-password{token:(/.*)?}",
    "/reset{token:(/.*)?}",
];

const fn page(
    method: &'static str,
    path: &'static str,
    mount: fn(actix_web::Route) -> actix_web::Route,
) -> Page {
    Page { method, path, mount }
}

/// Mounts every page at the root of the application.
pub(crate) fn configure(config: &mut web::ServiceConfig) {
    for pages in PAGES.chunk_by(|one, next| one.path == next.path) {
        let path = pages[0].path;
        let mut resource = web::resource(path);
        for page in pages {
            resource = resource.route((page.mount)(method(page.method)));
        }
        let observed = from_fn(move |request, next| observed(path, request, next));
        config.service(resource.default_service(web::to(refuse_method)).wrap(observed));
    }
    for path in BELOW {
        let name = path.split('{').next().unwrap_or(path);
        let observed = from_fn(move |request, next| observed(name, request, next));
        config.service(web::resource(path).default_service(web::to(no_page)).wrap(observed));
    }
}

async fn refuse_method(request: HttpRequest) -> Result<&'static str, Failure> {
    let path = request.match_pattern();
    let here = PAGES.iter().filter(|page| Some(page.path) == path.as_deref());
    let allowed: Vec<&str> = here.map(|page| page.method).collect();
    let method = request.method().to_string();
    Err(Error::Method { method, allowed: allowed.join(", ") }.into())
}

async fn no_page() -> Result<&'static str, Failure> {
    Err(Failure::Nowhere)
}

/// The secret that a link has.
fn token(request: &HttpRequest) -> SecretString {
    request.match_info().get(origin::TOKEN).unwrap_or_default().into()
}
