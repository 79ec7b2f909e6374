use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use secrecy::ExposeSecret as _;

use super::answer::{Answer, see_other};
use super::failure::{Failure, Link};
use super::form::Form;
use super::problem::Problem;
use super::{token, visitor};
use crate::{Api, auth};

#[derive(Template)]
#[template(path = "pages/reset.html")]
struct Page {
    problem: Option<Problem>,
}

impl Page {
    fn answer(&self) -> Result<HttpResponse, Failure> {
        Ok(Answer::of("New password").problem(self.problem.as_ref()).with(self)?)
    }
}

pub(super) async fn show(request: HttpRequest, api: web::Data<Api>) -> Result<HttpResponse, Failure> {
    check(&request, &api).await?;
    Page { problem: None }.answer()
}

/// Refuses a link that is no longer good.
async fn check(request: &HttpRequest, api: &Api) -> Result<(), Failure> {
    if api.people.resets(&token(request)).await? { Ok(()) } else { Err(Failure::Over(Link::Reset)) }
}

pub(super) async fn set(
    request: HttpRequest,
    api: web::Data<Api>,
    form: Form,
) -> Result<HttpResponse, Failure> {
    check(&request, &api).await?;
    let set = match form.with("token", token(&request).expose_secret()).fields() {
        Ok(fields) => auth::set_password(&request, &api, fields).await,
        Err(error) => Err(error),
    };
    match set {
        // All sessions have ended, this browser's too.
        Ok(()) => Ok(see_other("/sign-in?new-password").insert_header(visitor::forget(&api)?).finish()),
        Err(error) => Page { problem: Some(Problem::of(error)?) }.answer(),
    }
}
