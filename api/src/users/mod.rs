//! The people of an organisation (8.1).

mod get;
mod list;
mod remove;
mod shape;
mod update;

use tenancy::Role;
use tenancy::people::members::MemberError;
use utoipa::OpenApi;

use crate::Error;
use crate::access::Caller;

pub(crate) use get::get;
pub(crate) use list::list;
pub(crate) use remove::remove;
pub(crate) use update::{take_role, update};

/// The part of the document.
#[derive(OpenApi)]
#[openapi(paths(list::list, get::get, update::update, remove::remove))]
pub(crate) struct Doc;

fn refused(error: MemberError, id: &str, field: &'static str) -> Error {
    match error {
        MemberError::Unknown => Error::not_found("user", id),
        MemberError::LastOwner => Error::invalid(
            field,
            "it is the organisation's last owner",
            "somebody else to be made an owner first, with `turnpike org owner`",
        ),
        MemberError::Database(error) => error.into(),
    }
}

/// Refuses an admin in person who would take an owner's role away.
fn check_rank(caller: &Caller, of: Role) -> Result<(), Error> {
    match caller.tenant.role {
        Some(role) if role < of => Err(Error::Forbidden(
            "it needs the access token of an owner: that is an owner's place".to_owned(),
        )),
        _ => Ok(()),
    }
}

/// What an audit entry is about.
fn subject(id: sea_orm::prelude::Uuid) -> String {
    format!("user:{id}")
}
