//! What is thought of calls: by trace, from people and from programs.

mod body;
mod create;
mod opinions;
mod update;

pub(crate) use create::{create, save_one};
pub(crate) use opinions::{Feedback, Opinions, of_trace, of_traces};
pub(crate) use update::update;

use sea_orm::prelude::Uuid;
use serde::Serialize;
use utoipa::{OpenApi, ToSchema};

use crate::Error;
use crate::access::Caller;

/// The part of the document.
#[derive(OpenApi)]
#[openapi(paths(create::create, update::update))]
pub(crate) struct Doc;

#[derive(Serialize, ToSchema)]
pub(crate) struct FeedbackSaved {
    /// Always `success`.
    status: &'static str,
    message: &'static str,
    /// In the order of the request.
    feedback_ids: Vec<Uuid>,
}

/// Refuses who may say nothing.
fn check(caller: &Caller) -> Result<(), Error> {
    caller.records("feedback is given with a workspace's key or by a person")
}
