//! What models cost (7.4).

mod get;
mod shape;

pub(crate) use get::get;

use utoipa::OpenApi;

/// The part of the document.
#[derive(OpenApi)]
#[openapi(paths(get::get))]
pub(crate) struct Doc;
