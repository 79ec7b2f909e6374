use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use secrecy::ExposeSecret as _;
use tenancy::PeopleError;
use tenancy::people::{Invited, OwnKey};

use super::answer::{Answer, see_other};
use super::failure::{Failure, Link};
use super::form::Form;
use super::next::START;
use super::problem::Problem;
use super::token;
use super::visitor::Visitor;
use crate::{Api, auth, instant};

#[derive(Template)]
#[template(path = "pages/invite.html")]
struct Page {
    invited: Invited,
    /// Until when it is open.
    until: String,
    /// Whether the account of the address is there, and is not signed in.
    asks_password: bool,
    problem: Option<Problem>,
    first_name: String,
    last_name: String,
}

/// Keys that came with an invite: they are seen this once.
#[derive(Template)]
#[template(path = "pages/keys.html")]
struct Keys<'a> {
    organisation: &'a str,
    keys: Vec<(&'a str, &'a str)>,
}

impl Page {
    fn of(invited: Invited, visitor: &Visitor) -> Self {
        let user = visitor.person().and_then(|person| person.tenant.user_id);
        Self {
            until: instant::minute(invited.expires_at),
            asks_password: invited.account.is_some() && invited.account != user,
            invited,
            problem: None,
            first_name: String::new(),
            last_name: String::new(),
        }
    }

    fn answer(&self, visitor: &Visitor) -> Result<HttpResponse, Failure> {
        let answer = Answer::of("Invite").signed_in(visitor.person().is_some());
        Ok(answer.problem(self.problem.as_ref()).with(self)?)
    }
}

/// Who invites to what, and a form to accept by.
pub(super) async fn show(
    request: HttpRequest,
    visitor: Visitor,
    api: web::Data<Api>,
) -> Result<HttpResponse, Failure> {
    Page::of(open(&api, &request).await?, &visitor).answer(&visitor)
}

async fn open(api: &Api, request: &HttpRequest) -> Result<Invited, Failure> {
    api.people.invited(&token(request)).await?.ok_or(Failure::Over(Link::Invite))
}

pub(super) async fn accept(
    request: HttpRequest,
    visitor: Visitor,
    api: web::Data<Api>,
    form: Form,
) -> Result<HttpResponse, Failure> {
    let mut page = Page::of(open(&api, &request).await?, &visitor);
    (page.first_name, page.last_name) = (form.said("first_name"), form.said("last_name"));
    let user = visitor.person().and_then(|person| person.tenant.user_id);
    let fields = form.with("token", token(&request).expose_secret()).fields();
    let accepted = match fields.and_then(|fields| auth::take_acceptance(&request, &api, fields, user)) {
        Ok(acceptance) => match api.people.accept(acceptance).await {
            // It was open a moment ago.
            Err(PeopleError::NoInvite) => return Err(Failure::Over(Link::Invite)),
            outcome => outcome.map_err(auth::acceptance_error),
        },
        Err(error) => Err(error),
    };
    let accepted = match accepted {
        Ok(accepted) => accepted,
        Err(error) => {
            page.problem = Some(Problem::of(error)?);
            return page.answer(&visitor);
        }
    };
    let cookie = visitor.keep(&api, accepted.signed_in).await?;
    if accepted.keys.is_empty() {
        return Ok(see_other(START).insert_header(cookie).finish());
    }
    let key = |key: &'_ OwnKey| (key.workspace.clone(), key.secret.expose_secret().to_owned());
    let keys: Vec<_> = accepted.keys.iter().map(key).collect();
    let keys = keys.iter().map(|(workspace, secret)| (workspace.as_str(), secret.as_str())).collect();
    let shown = Keys { organisation: &page.invited.organisation, keys };
    let mut response = Answer::of("Your keys").signed_in(true).with(&shown)?;
    response.headers_mut().insert(cookie.0, cookie.1);
    Ok(response)
}
