//! What an organisation has used of its plan, what it comes to, and where it went.

mod breakdown;
mod get;

use utoipa::OpenApi;

pub(crate) use get::get;

/// The part of the document.
#[derive(OpenApi)]
#[openapi(paths(get::get))]
pub(crate) struct Doc;
