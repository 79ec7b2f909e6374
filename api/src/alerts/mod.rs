//! What an organisation is alerted to, and where to.

mod list;
mod redeliver;
mod shape;
pub(crate) mod webhooks;

pub(crate) use list::list;
pub(crate) use redeliver::redeliver;

use utoipa::OpenApi;

/// The part of the document.
#[derive(OpenApi)]
#[openapi(paths(
    list::list,
    redeliver::redeliver,
    webhooks::create::create,
    webhooks::delete::delete,
    webhooks::deliveries::deliveries,
    webhooks::get::get,
    webhooks::list::list,
    webhooks::rotate::rotate,
    webhooks::test::test,
    webhooks::update::update,
))]
pub(crate) struct Doc;

/// Rows of a page when the caller does not say.
const DEFAULT_SIZE: u64 = 50;
