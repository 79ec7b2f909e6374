use actix_web::web;
use genai::emit::{self, Options};

use super::find_to_change;
use super::shape::Tested;
use crate::access::Caller;
use crate::query::Query;
use crate::{Api, Error};

/// Sends one span now, and tells what the receiver said to it.
///
/// It is of no call, is called `turnpike test`, and counts nowhere. An answer is waited for as long as for any batch: 30 s.
#[utoipa::path(post, path = "/v1/otel/destinations/{id}/test", operation_id = "test_destination", params(("id" = Uuid, Path)), responses((status = 200, body = Tested)))]
pub(crate) async fn test(
    caller: Caller,
    api: web::Data<Api>,
    id: web::Path<String>,
    query: Query,
) -> Result<web::Json<Tested>, Error> {
    query.none()?;
    let row = find_to_change(&api, &caller, &id).await?;
    let destination = exports::stored::open(&api.vault, row).map_err(Error::internal)?;
    let options = Options { resource: destination.resource.clone(), ..Options::default() };
    let (trace_id, span) =
        emit::probe(destination.organisation_id, api.ids.fresh(), api.clock.now_ms(), &options);
    let (accepted, message) = match api.exports.traces(&destination, &span).await {
        Ok(accepted) if accepted.rejected > 0 => {
            (false, accepted.message.unwrap_or_else(|| "the span was rejected".to_owned()))
        }
        Ok(accepted) => (true, accepted.message.unwrap_or_else(|| "the span was accepted".to_owned())),
        Err(error) => (false, error.to_string()),
    };
    Ok(web::Json(Tested { accepted, message, trace_id }))
}
