use actix_web::web;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::access::Caller;
use crate::paging::{List, Paging};
use crate::query::Query;
use crate::wrapped::Nothing;
use crate::{Api, Error, db, instant, path};

/// Sessions of a page, unless asked for another number.
const PAGE: u64 = 50;

/// Where somebody is signed in.
#[derive(Serialize, ToSchema)]
pub(crate) struct Session {
    id: Uuid,
    organisation_id: Uuid,
    #[schema(format = DateTime)]
    created_at: String,
    /// When it was signed in or refreshed last; a browser's is not refreshed.
    #[schema(format = DateTime)]
    last_used_at: String,
    /// When it ends, unless it is refreshed.
    #[schema(format = DateTime)]
    expires_at: String,
    /// Where it was signed in from.
    address: Option<String>,
    /// What the client said that it is.
    user_agent: Option<String>,
    /// Whether it is the one that asks.
    current: bool,
    /// Always `session`.
    object: &'static str,
}

/// The caller's own sessions that go on, in all organisations, the one that was used last first.
#[utoipa::path(get, path = "/v1/auth/sessions", operation_id = "sessions", params(Paging), responses((status = 200, body = List<Session>)))]
pub(crate) async fn sessions(
    caller: Caller,
    api: web::Data<Api>,
    query: Query,
) -> Result<web::Json<List<Session>>, Error> {
    let mut query = query.parameters()?;
    let paging = Paging::take(&mut query, PAGE)?;
    query.finish()?;
    let (total, rows) = db::session::list(&api.db, own(&caller)?, api.clock.now_ms(), paging).await?;
    let shape = |row: entity::session::Model| Session {
        current: caller.session_id == Some(row.id),
        id: row.id,
        organisation_id: row.organisation_id,
        created_at: instant::iso(row.created_at),
        last_used_at: instant::iso(row.last_used_at),
        expires_at: instant::iso(row.expires_at),
        address: row.address,
        user_agent: row.user_agent,
        object: "session",
    };
    Ok(web::Json(List::new(total, rows.into_iter().map(shape).collect())))
}

/// Ends one of the caller's own sessions at once.
#[utoipa::path(delete, path = "/v1/auth/sessions/{id}", operation_id = "end_session", params(("id" = Uuid, Path)), responses((status = 200, body = Nothing)))]
pub(crate) async fn end_session(
    caller: Caller,
    api: web::Data<Api>,
    id: web::Path<String>,
    query: Query,
) -> Result<web::Json<Nothing>, Error> {
    query.none()?;
    let ended = api.people.end_session(own(&caller)?, path::id(&id)?, caller.author().origin).await?;
    if ended { Ok(web::Json(Nothing {})) } else { Err(Error::not_found("session", id.as_str())) }
}

fn own(caller: &Caller) -> Result<Uuid, Error> {
    let none = || Error::Forbidden("it needs the access token of a person".to_owned());
    caller.tenant.user_id.ok_or_else(none)
}
