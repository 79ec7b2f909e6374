//! Logs: browsing them, and taking in those of calls that did not come through the gateway.

mod attempts;
mod content;
mod detail;
mod entry;
mod filters;
mod foreign;
mod get;
mod headers;
mod insert;
mod list;
mod metrics;
mod row;
pub(crate) mod url;

use utoipa::OpenApi;

pub(crate) use foreign::{Foreign, Inserter};
pub(crate) use get::get;
pub(crate) use insert::insert;
pub(crate) use list::list;
pub(crate) use row::PUSD_A_CENT;

/// The part of the document.
#[derive(OpenApi)]
#[openapi(paths(get::get, insert::insert, list::list))]
pub(crate) struct Doc;
