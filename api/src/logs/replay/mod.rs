//! A call made once more, as it was or edited: which may be, and how the gateway is asked.

mod edits;
mod gateway;
mod request;
mod rules;

pub use gateway::{BadGatewayUrl, GatewayClient};
pub(super) use rules::Replayable;

use actix_web::web;
use sea_orm::prelude::Uuid;
use secrecy::ExposeSecret as _;
use serde::Serialize;
use utoipa::ToSchema;

use super::content::Body;
use crate::access::Caller;
use crate::query::Query;
use crate::{Api, Error, body, db, path};
use edits::{Edits, ReplayEdits};

const WHO: &str = "a call is made with a workspace's key, or for a person";

/// What became of a call that was made once more.
#[derive(Serialize, ToSchema)]
pub(crate) struct Replayed {
    /// Always `replay`.
    object: &'static str,
    replay_of: Uuid,
    /// The log of the new call.
    log_id: Uuid,
    response: ReplayResponse,
}

/// What the gateway answered, whatever that was.
#[derive(Serialize, ToSchema)]
struct ReplayResponse {
    status: u16,
    content_type: Option<String>,
    /// JSON as it was, another text as a string, anything else in base64; null where it is longer than 8 MiB.
    #[schema(value_type = Option<serde_json::Value>)]
    body: Option<Body>,
}

/// Makes the call of a log once more, as it was or edited, through the gateway; the new log names this one.
///
/// In the name of who asks: within the limits of their key, or of the workspace. A log says in `replayable` whether it can be.
#[utoipa::path(post, path = "/v1/logs/{id}/replay", operation_id = "replay_log", params(("id" = Uuid, Path)), request_body = Option<ReplayEdits>, responses((status = 200, body = Replayed), (status = 402)))]
pub(crate) async fn replay(
    caller: Caller,
    api: web::Data<Api>,
    id: web::Path<String>,
    query: Query,
    payload: web::Payload,
) -> Result<web::Json<Replayed>, Error> {
    query.none()?;
    caller.records(WHO)?;
    let id = path::id(&id)?;
    let edits = edits::read(body::optional_object(payload).await?)?;
    Ok(web::Json(again(&api, &caller, id, edits).await?))
}

/// The same as it was: the new log's id.
pub(crate) async fn as_it_was(api: &Api, caller: &Caller, id: Uuid) -> Result<Uuid, Error> {
    caller.records(WHO)?;
    Ok(again(api, caller, id, Edits::default()).await?.log_id)
}

async fn again(api: &Api, caller: &Caller, id: Uuid, edits: Edits) -> Result<Replayed, Error> {
    let cutoff = caller.cutoff_ms(api);
    let found = logstore::query::find(&api.db, &caller.scope, id, cutoff).await?;
    let (log, exchange) = found.ok_or_else(|| Error::not_found("log", id.to_string()))?;
    let names_target = edits.virtual_key.is_some() || edits.config.is_some();
    let virtual_key = db::virtual_key::status(&api.db, &caller.scope, &log).await?;
    rules::judge(&log, exchange.as_ref(), virtual_key.as_deref(), names_target)
        .map_err(|refusal| Error::invalid("id", refusal.to_string(), "a log that says it is replayable"))?;
    let exchange = exchange.ok_or_else(|| Error::internal("a log without content was found replayable"))?;
    let token = api.people.replay_token(&caller.tenant, log.workspace_id, id).await;
    let token = token.map_err(Error::unavailable)?;
    let request = request::of(&log, &exchange, edits)?;
    let answer = api.gateway.ask(request, token.expose_secret()).await.map_err(Error::unavailable)?;
    let body = answer.body.as_ref().and_then(Body::of);
    let response = ReplayResponse { status: answer.status, content_type: answer.content_type, body };
    Ok(Replayed { object: "replay", replay_of: id, log_id: answer.log_id, response })
}
