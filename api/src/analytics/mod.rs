//! What feedback comes to, as the contract's graphs have it (6.2).

mod asked;
mod graph;
mod models;
mod overtime;
mod scores;

pub(crate) use models::models;
pub(crate) use overtime::{feedbacks, weighted};
pub(crate) use scores::scores;

use utoipa::OpenApi;

/// The part of the document.
#[derive(OpenApi)]
#[openapi(paths(models::models, overtime::feedbacks, overtime::weighted, scores::scores))]
pub(crate) struct Doc;
