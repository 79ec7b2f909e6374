use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use sea_orm::prelude::Uuid;
use tenancy::people::{Account, Person};

use super::answer::{Answer, see_other};
use super::failure::Failure;
use super::form::Form;
use super::next::START;
use super::visitor::Visitor;
use crate::paging::Paging;
use crate::{Api, Error, db, instant, origin};

/// Sessions that are shown: the last ones.
const SESSIONS: Paging = Paging { size: 50, page: 0 };

#[derive(Template)]
#[template(path = "pages/account.html")]
struct Page {
    account: Account,
    /// The one of this session.
    organisation: Uuid,
    sessions: Vec<Session>,
    more_sessions: u64,
    url: String,
}

struct Session {
    id: Uuid,
    organisation: String,
    began: String,
    ends: String,
    address: String,
    user_agent: String,
    is_this: bool,
}

/// Where somebody is signed in, and as whom.
pub(super) async fn show(visitor: Visitor, api: web::Data<Api>) -> Result<HttpResponse, Failure> {
    let person = visitor.required(START)?;
    let user_id = user(person)?;
    let account = api.people.account(user_id).await?;
    let account = account.ok_or_else(|| Failure::SignIn(START.to_owned()))?;
    let (total, rows) = db::session::list(&api.db, user_id, api.clock.now_ms(), SESSIONS).await?;
    let name = |id: Uuid| {
        let found = account.organisations.iter().find(|organisation| organisation.id == id);
        found.map_or_else(|| id.to_string(), |organisation| organisation.name.clone())
    };
    let sessions: Vec<Session> = rows
        .into_iter()
        .map(|row| Session {
            id: row.id,
            organisation: name(row.organisation_id),
            began: instant::minute(row.created_at),
            ends: instant::minute(row.expires_at),
            address: row.address.unwrap_or_default(),
            user_agent: row.user_agent.unwrap_or_default(),
            is_this: row.id == person.session_id,
        })
        .collect();
    let page = Page {
        organisation: person.tenant.organisation_id,
        more_sessions: total.saturating_sub(SESSIONS.size),
        sessions,
        account,
        url: api.public_url.clone(),
    };
    Ok(Answer::of("Account").signed_in(true).with(&page)?)
}

/// Ends one of one's own sessions.
pub(super) async fn end_session(
    request: HttpRequest,
    visitor: Visitor,
    api: web::Data<Api>,
    _form: Form,
) -> Result<HttpResponse, Failure> {
    let person = visitor.required(START)?;
    let id = request.match_info().get("id").and_then(|id| id.parse().ok()).ok_or(Failure::Nowhere)?;
    let from = Arc::new(origin::of(&request, api.trust_forwarded_for));
    let ended = api.people.end_session(user(person)?, id, Some(from)).await?;
    if ended { Ok(see_other(START).finish()) } else { Err(Failure::Nowhere) }
}

fn user(person: &Person) -> Result<Uuid, Error> {
    person.tenant.user_id.ok_or_else(|| Error::internal("a person has no user"))
}
