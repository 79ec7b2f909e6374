//! Traces: what the logs with one trace id come to, and how they hang together.

mod get;
mod list;
mod shape;

pub(crate) use get::{get, tree_of};
pub(crate) use list::list;
pub(crate) use shape::TraceTree;

use utoipa::OpenApi;

/// The part of the document.
#[derive(OpenApi)]
#[openapi(paths(get::get, list::list))]
pub(crate) struct Doc;
