use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::answer::Answer;
use super::failure::Failure;
use super::form::Form;
use super::problem::Problem;
use crate::{Api, auth};

#[derive(Template)]
#[template(path = "pages/forgot.html")]
struct Page {
    sends_mail: bool,
    /// Whether somebody has asked; the same whether or not there is such an account.
    is_asked: bool,
    problem: Option<Problem>,
    email: String,
}

impl Page {
    fn answer(&self) -> Result<HttpResponse, Failure> {
        Ok(Answer::of("Forgotten password").problem(self.problem.as_ref()).with(self)?)
    }
}

pub(super) async fn show(api: web::Data<Api>) -> Result<HttpResponse, Failure> {
    Page { sends_mail: api.sends_mail, is_asked: false, problem: None, email: String::new() }.answer()
}

pub(super) async fn ask(
    request: HttpRequest,
    api: web::Data<Api>,
    form: Form,
) -> Result<HttpResponse, Failure> {
    let email = form.said("email");
    let asked = match form.fields() {
        Ok(fields) => auth::ask_reset(&request, &api, fields).await,
        Err(error) => Err(error),
    };
    let is_asked = asked.is_ok();
    let problem = asked.err().map(Problem::of).transpose()?;
    Page { sends_mail: api.sends_mail, is_asked, problem, email }.answer()
}
