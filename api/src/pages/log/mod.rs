//! A log's own page.

mod content;
mod view;

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use entity::log;
use sea_orm::prelude::Uuid;
use serde_json::{Number, Value};

use super::answer::{Answer, see_other};
use super::failure::Failure;
use super::form::Form;
use super::problem::Problem;
use super::visitor::Visitor;
use crate::access::Caller;
use crate::logs::replay;
use crate::routes::{GIVE_FEEDBACK, READ_LOG, REPLAY};
use crate::{Access, Api, Error, feedback, logs, traces};
use view::{Opinion, Page};

/// How often we look whether a call that was made once more has its log, and how many times.
const LOOK_EVERY: Duration = Duration::from_millis(50);
const LOOKS: u32 = 40;

/// A call was made whose log is not there yet.
#[derive(Template)]
#[template(path = "pages/replayed.html")]
struct Replayed {
    path: String,
    of: String,
}

/// A log that somebody asked for.
struct Asked {
    id: Uuid,
    path: String,
}

impl Asked {
    /// The log of the path; nobody learns from it whether there is one who is not signed in.
    fn of(request: &HttpRequest, visitor: &Visitor) -> Result<Self, Failure> {
        let id = request.match_info().get("id").unwrap_or_default();
        let path = format!("/logs/{id}");
        visitor.required(&path)?;
        Ok(Self { id: id.parse().map_err(|_| Failure::Nowhere)?, path })
    }

    /// Its reader; that they may read none is said as if there were none.
    fn reader(&self, request: &HttpRequest, visitor: &Visitor, api: &Api) -> Result<Caller, Failure> {
        visitor.caller(request, api, READ_LOG, &self.path).map_err(nowhere)
    }
}

/// A log and what it shows to who may read it.
async fn seen(api: &Api, reader: &Caller, asked: &Asked) -> Result<(log::Model, logs::Detail), Failure> {
    logs::detail_of(api, reader, asked.id).await.map_err(|error| nowhere(error.into()))
}

/// Another organisation's, another workspace's, none: it is all one.
fn nowhere(failure: Failure) -> Failure {
    match failure {
        Failure::Error(Error::Forbidden(_) | Error::NotFound { .. }) => Failure::Nowhere,
        other => other,
    }
}

pub(in crate::pages) async fn show(
    request: HttpRequest,
    visitor: Visitor,
    api: web::Data<Api>,
) -> Result<HttpResponse, Failure> {
    let asked = Asked::of(&request, &visitor)?;
    let reader = asked.reader(&request, &visitor, &api)?;
    page(&api, &reader, &asked, None, Opinion::default()).await
}

async fn page(
    api: &Api,
    reader: &Caller,
    asked: &Asked,
    problem: Option<Problem>,
    opinion: Opinion,
) -> Result<HttpResponse, Failure> {
    let (log, detail) = seen(api, reader, asked).await?;
    let here = reader.scope.within(log.workspace_id).ok_or(Failure::Nowhere)?;
    // None: it went just now.
    let trace = match traces::tree_of(api, reader, &here, &log.trace_id).await {
        Ok(trace) => Some(trace),
        Err(Error::NotFound { .. }) => None,
        Err(error) => return Err(error.into()),
    };
    let may = |access: Access| access.suffices_in(&reader.tenant, log.workspace_id);
    let page = Page::of(&log, detail, trace, may(GIVE_FEEDBACK), problem, opinion);
    let title = page.title();
    Ok(Answer::of(&title).signed_in(true).problem(page.problem.as_ref()).with(&page)?)
}

/// Says what is thought of the log's trace, as `POST /v1/feedback` does.
pub(in crate::pages) async fn give_feedback(
    request: HttpRequest,
    visitor: Visitor,
    api: web::Data<Api>,
    mut form: Form,
) -> Result<HttpResponse, Failure> {
    let asked = Asked::of(&request, &visitor)?;
    let reader = asked.reader(&request, &visitor, &api)?;
    let (log, _) = seen(&api, &reader, &asked).await?;
    let caller = visitor.caller(&request, &api, GIVE_FEEDBACK, &asked.path)?;
    let opinion = Opinion { value: form.said("value"), weight: form.said("weight") };
    for name in ["value", "weight"] {
        if let Some(text) = form.take(name) {
            form = form.with(name, number(text));
        }
    }
    let entry = form.with("trace_id", log.trace_id).with("workspace_id", log.workspace_id.to_string());
    match feedback::save_one(&api, &caller, entry.object()).await {
        Ok(()) => Ok(see_other(&format!("{}#feedback", asked.path)).finish()),
        Err(error) => page(&api, &reader, &asked, Some(Problem::of(error)?), opinion).await,
    }
}

/// A number, if the text is one; else it is refused for what it is.
fn number(text: String) -> Value {
    text.trim().parse::<Number>().map_or(Value::String(text), Value::Number)
}

/// Makes the log's call once more, as `POST /v1/logs/{id}/replay` does, and goes on to the new log.
pub(in crate::pages) async fn replay(
    request: HttpRequest,
    visitor: Visitor,
    api: web::Data<Api>,
    _form: Form,
) -> Result<HttpResponse, Failure> {
    let asked = Asked::of(&request, &visitor)?;
    let reader = asked.reader(&request, &visitor, &api)?;
    // Who does not see it is not told that they may not do this, either.
    seen(&api, &reader, &asked).await?;
    let caller = visitor.caller(&request, &api, REPLAY, &asked.path)?;
    let new = replay::as_it_was(&api, &caller, asked.id).await?;
    let path = format!("/logs/{new}");
    let cutoff = caller.cutoff_ms(&api);
    for _ in 0..LOOKS {
        if logstore::query::find(&api.db, &caller.scope, new, cutoff).await?.is_some() {
            return Ok(see_other(&path).finish());
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    let shown = Replayed { path: path.clone(), of: asked.path };
    let answer = Answer::of("Being written").signed_in(true).status(StatusCode::ACCEPTED);
    Ok(answer.then(&path).with(&shown)?)
}
