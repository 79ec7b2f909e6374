//! The audit log (8.5): who changed what of the organisation, and from where.
//!
//! An entry is written in the transaction of its change ([`Caller::note`](crate::access::Caller::note)): what was refused has none.

mod filters;
mod list;
mod shape;

use utoipa::OpenApi;

pub(crate) use filters::{Filter, UserType};
pub(crate) use list::list;

/// The part of the document.
#[derive(OpenApi)]
#[openapi(paths(list::list))]
pub(crate) struct Doc;
