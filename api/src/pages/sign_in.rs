use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use sea_orm::prelude::Uuid;
use tenancy::PeopleError;
use url::form_urlencoded;

use super::answer::{Answer, see_other};
use super::failure::Failure;
use super::form::Form;
use super::next;
use super::problem::Problem;
use super::visitor::Visitor;
use crate::{Api, auth};

#[derive(Default, Template)]
#[template(path = "pages/sign_in.html")]
struct Page {
    problem: Option<Problem>,
    /// Whether a new password has just been set.
    is_reset: bool,
    is_signed_in: bool,
    email: String,
    next: Option<String>,
    /// Of somebody who is in several.
    organisations: Vec<(Uuid, String)>,
}

impl Page {
    fn answer(&self) -> Result<HttpResponse, Failure> {
        let answer = Answer::of("Sign in").signed_in(self.is_signed_in);
        Ok(answer.problem(self.problem.as_ref()).with(self)?)
    }
}

/// A form to sign in by. What the query has that is not for it is let be: links get things added.
pub(super) async fn show(request: HttpRequest, visitor: Visitor) -> Result<HttpResponse, Failure> {
    let mut page = Page { is_signed_in: visitor.person().is_some(), ..Page::default() };
    for (name, value) in form_urlencoded::parse(request.query_string().as_bytes()) {
        match &*name {
            "next" => page.next = next::own(&value).map(str::to_owned),
            "new-password" => page.is_reset = true,
            _ => {}
        }
    }
    page.answer()
}

pub(super) async fn sign_in(
    request: HttpRequest,
    visitor: Visitor,
    api: web::Data<Api>,
    mut form: Form,
) -> Result<HttpResponse, Failure> {
    let next = form.take("next").filter(|path| next::own(path).is_some());
    let mut page = Page { email: form.said("email"), next, ..Page::default() };
    let shown = form.fields().and_then(|fields| auth::take_sign_in(&request, &api, fields));
    let outcome = match shown {
        Ok(sign_in) => api.people.sign_in(sign_in).await,
        Err(error) => {
            page.problem = Some(Problem::of(error)?);
            return page.answer();
        }
    };
    match outcome {
        Ok(signed_in) => {
            let cookie = visitor.keep(&api, signed_in).await?;
            Ok(see_other(page.next.as_deref().unwrap_or(next::START)).insert_header(cookie).finish())
        }
        Err(PeopleError::WhichOrganisation(ids)) => {
            page.organisations = api.people.organisation_names(ids).await?;
            page.answer()
        }
        Err(error) => {
            page.problem = Some(Problem::of(auth::sign_in_error(error))?);
            page.answer()
        }
    }
}
