use actix_web::web;

use super::find;
use crate::access::Caller;
use crate::alerts::shape::Webhook;
use crate::query::Query;
use crate::{Api, Error};

/// One webhook, without its secret.
#[utoipa::path(get, path = "/v1/billing/alerts/webhooks/{id}", operation_id = "webhook", params(("id" = Uuid, Path)), responses((status = 200, body = Webhook)))]
pub(crate) async fn get(
    caller: Caller,
    api: web::Data<Api>,
    id: web::Path<String>,
    query: Query,
) -> Result<web::Json<Webhook>, Error> {
    query.none()?;
    Ok(web::Json(Webhook::of(find(&api, &caller, &id).await?)))
}
