use actix_web::{HttpRequest, web};
use payments::event::{Applied, Event};
use payments::signature;
use serde::Serialize;
use utoipa::ToSchema;

use crate::query::Query;
use crate::{Api, Error, body};

/// Bytes of an event: it holds an invoice with its lines.
const MAX_EVENT: usize = 1 << 20;

const HEADER: &str = "stripe-signature";

/// Says that it was taken, and nothing more.
#[derive(Serialize, ToSchema)]
pub(crate) struct Received {
    /// Always true.
    received: bool,
}

/// Takes an event of Stripe's, as Stripe has it, once. `invoice.payment_failed`, `invoice.paid` and `invoice.payment_succeeded` change
/// the organisation's standing, unless a newer one has; all others change nothing. Only there where `payments.stripe_webhook_secret`
/// is set.
#[utoipa::path(
    post,
    path = "/v1/billing/stripe/webhook",
    operation_id = "stripe_webhook",
    params(("stripe-signature" = String, Header, description = "Stripe's signature of the body, not older than 5 minutes")),
    responses((status = 200, body = Received), (status = 404), (status = 413))
)]
pub(crate) async fn webhook(
    request: HttpRequest,
    api: web::Data<Api>,
    query: Query,
    payload: web::Payload,
) -> Result<web::Json<Received>, Error> {
    query.none()?;
    let Some(secret) = &api.stripe_webhook_secret else {
        return Err(Error::not_found("route", request.path()));
    };
    let signed = |problem: &str| Error::invalid(HEADER, problem, "Stripe's signature of this body, of now");
    let header = request.headers().get(HEADER).ok_or_else(|| signed("missing"))?;
    let header = header.to_str().map_err(|_| signed("malformed"))?;
    let body = body::bytes(payload, MAX_EVENT).await?;
    let now_ms = api.clock.now_ms();
    signature::check(secret, header, &body, now_ms).map_err(|error| signed(&error.to_string()))?;
    let event =
        Event::read(&body).map_err(|problem| Error::invalid("body", problem, "an event of Stripe's"))?;
    match event.apply(&api.db, &api.ids, now_ms).await? {
        Applied::Changed { organisation_id, to } => {
            tracing::info!(%organisation_id, standing = %to, "the payment provider changed an organisation's standing");
            api.forget_organisation(organisation_id);
        }
        Applied::UnknownCustomer(customer) => {
            tracing::warn!(customer, "the payment provider tells of a customer that no organisation is");
        }
        Applied::Unchanged | Applied::Repeated | Applied::Overtaken | Applied::Ignored => {}
    }
    Ok(web::Json(Received { received: true }))
}
