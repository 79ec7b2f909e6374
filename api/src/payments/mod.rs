//! What the payment provider tells.

mod webhook;

use utoipa::OpenApi;

pub(crate) use webhook::webhook;

/// The part of the document.
#[derive(OpenApi)]
#[openapi(paths(webhook::webhook))]
pub(crate) struct Doc;
