//! Invites into an organisation (8.1). Accepting one is in `auth`.

mod cancel;
mod create;
mod get;
mod letter;
mod list;
mod resend;
mod shape;

use entity::invite;
use sea_orm::ConnectionTrait;
use sea_orm::prelude::Uuid;
use utoipa::OpenApi;

use crate::access::Caller;
use crate::db::invite::{Status, Wanted};
use crate::{Api, Error, db, path};

pub(crate) use cancel::cancel;
pub(crate) use create::create;
pub(crate) use get::get;
pub(crate) use list::list;
pub(crate) use resend::resend;

/// The part of the document.
#[derive(OpenApi)]
#[openapi(paths(list::list, create::create, get::get, cancel::cancel, resend::resend))]
pub(crate) struct Doc;

/// An invite of the caller's organisation.
async fn find(db: &impl ConnectionTrait, caller: &Caller, id: &str) -> Result<invite::Model, Error> {
    let row = db::invite::find(db, &caller.scope, path::id(id)?).await?;
    row.ok_or_else(|| Error::not_found("invite", id))
}

/// Refuses an address that somebody has who is in, or that is invited already: but by this invite.
async fn check_address(
    txn: &impl ConnectionTrait,
    api: &Api,
    caller: &Caller,
    email: &str,
) -> Result<(), Error> {
    if db::membership::has_address(txn, &caller.scope, email).await? {
        return Err(Error::Conflict(format!("{email} is a member of the organisation already")));
    }
    let open = Wanted { email: Some(email.to_owned()), status: Some(Status::Pending), role: None };
    if db::invite::count(txn, &caller.scope, open, api.clock.now_ms()).await? > 0 {
        return Err(Error::Conflict(format!("{email} is invited already; that invite can be sent again")));
    }
    Ok(())
}

/// What an audit entry is about.
fn subject(id: Uuid) -> String {
    format!("invite:{id}")
}
