//! Logs: browsing them, and taking in those of calls that did not come through the gateway.

mod attempts;
mod content;
mod detail;
mod entry;
pub(crate) mod filter_set;
pub(crate) mod filters;
mod foreign;
mod get;
mod headers;
mod insert;
mod list;
mod metrics;
pub(crate) mod replay;
pub(crate) mod row;
pub(crate) mod url;
mod values;

use utoipa::OpenApi;

pub(crate) use attempts::Attempt;
pub(crate) use content::Body;
pub(crate) use detail::{Detail, Request, Response};
pub(crate) use foreign::{Foreign, Inserter};
pub(crate) use get::{detail as detail_of, get};
pub(crate) use insert::insert;
pub(crate) use list::{CURSOR, list};
pub use replay::{BadGatewayUrl, GatewayClient};
pub(crate) use row::PUSD_A_CENT;
pub(crate) use values::values;

/// The part of the document.
#[derive(OpenApi)]
#[openapi(paths(get::get, insert::insert, list::list, replay::replay, values::values))]
pub(crate) struct Doc;
