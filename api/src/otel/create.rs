use std::collections::HashMap;

use actix_web::web;
use entity::otel_destination::Model;
use exports::{Filters, Flavour, Protocol};
use sea_orm::TransactionTrait as _;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::fields::{MAX_NAME, read};
use super::shape::Destination;
use super::{MAX_DESTINATIONS, may_change, noted, subject};
use crate::access::Caller;
use crate::query::Query;
use crate::{Api, Error, body, db};

/// Where to send spans, and which.
#[derive(ToSchema)]
#[schema(example = json!({"name": "Tempo", "endpoint": "https://otlp.example.com", "protocol": "http/protobuf", "headers": {"authorization": "Basic ..."}, "sampling": 0.5, "filters": {"providers": ["openai"]}, "resource": {"deployment.environment.name": "production"}}))]
#[expect(dead_code, reason = "it says what is read from the body")]
pub(crate) struct NewSpanDestination {
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    /// An https URL without a query. Over HTTP it is the base to which `/v1/traces` is added where it does not end so.
    #[schema(min_length = 1, max_length = 2048)]
    endpoint: String,
    /// `http/protobuf` (the default), `http/json` or `grpc`.
    #[schema(pattern = "^(http/protobuf|http/json|grpc)$")]
    protocol: Option<String>,
    /// At most 32, such as an API key of the receiver's. They are not shown again.
    headers: Option<HashMap<String, String>>,
    /// The slug or id of a workspace: only its logs are sent. Left out, an organisation's key means all workspaces.
    #[schema(min_length = 1, max_length = 100)]
    workspace_id: Option<String>,
    /// The part of all traces that is sent, from 0 to 1 (the default). A trace is sent whole or not at all.
    #[schema(minimum = 0, maximum = 1)]
    sampling: Option<f64>,
    filters: Option<Filters>,
    /// Whether messages are sent too; by default they are not. Of calls under Do Not Track they never are.
    content: Option<bool>,
    /// Whether metrics (tokens, durations) are sent to the same place; by default they are not.
    metrics: Option<bool>,
    /// At most 32 attributes of the resource, over our own.
    resource: Option<HashMap<String, String>>,
    /// By which conventions spans are written: `genai`, OpenTelemetry's for GenAI, v1.41.
    #[schema(pattern = "^genai$")]
    flavour: Option<String>,
    /// `active` (the default) or `paused`.
    #[schema(pattern = "^(active|paused)$")]
    status: Option<String>,
}

/// Has logs sent as spans by OTLP, from the next one on.
///
/// A log is a SERVER span, with a CLIENT span for what was asked of the provider. What fails is tried again, in the receiver's own
/// time where it says one; what has waited for a day is given up. An organisation may have 20.
#[utoipa::path(post, path = "/v1/otel/destinations", operation_id = "create_destination", request_body = NewSpanDestination, responses((status = 200, body = Destination)))]
pub(crate) async fn create(
    caller: Caller,
    api: web::Data<Api>,
    query: Query,
    payload: web::Payload,
) -> Result<web::Json<Destination>, Error> {
    query.none()?;
    let mut fields = body::object(payload).await?;
    let sent = read(&mut fields, api.reach)?;
    let name = fields.required("name", sent.name, "a string of 1 to 100 characters")?;
    let endpoint = fields.required("endpoint", sent.endpoint, "a URL such as https://otlp.example.com")?;
    let workspace = fields.line("workspace_id", MAX_NAME)?;
    fields.finish()?;
    let workspace = caller.workspace(&api, workspace.as_deref()).await?.map(|workspace| workspace.id);
    may_change(&caller, workspace)?;
    let (id, organisation_id, now_ms) = (api.ids.fresh(), caller.scope.organisation(), api.clock.now_ms());
    let headers = sent.headers.unwrap_or_default();
    let row = Model {
        id,
        organisation_id,
        workspace_id: workspace,
        name,
        endpoint,
        protocol: sent.protocol.unwrap_or(Protocol::HttpProtobuf).as_str().to_owned(),
        header_hints: exports::stored::hints(&headers),
        headers: exports::stored::seal(&api.vault, &headers, organisation_id, id).map_err(Error::internal)?,
        sampling: sent.sampling.unwrap_or(1.0),
        filters: json(sent.filters.unwrap_or_default())?,
        content: sent.content.unwrap_or(false),
        metrics: sent.metrics.unwrap_or(false),
        resource: json!(sent.resource.unwrap_or_default()),
        flavour: sent.flavour.unwrap_or(Flavour::GenAi).as_str().to_owned(),
        status: sent.status.unwrap_or("active").to_owned(),
        created_at: now_ms,
        last_updated_at: now_ms,
        attempts: 0,
        next_attempt_at: now_ms,
        last_attempt_at: None,
        last_success_at: None,
        last_error: None,
        sent: 0,
        rejected: 0,
        dropped: 0,
    };
    let txn = api.db.begin().await?;
    // Whoever else makes one waits, so that they are counted one after the other.
    tenancy::organisation::hold(&txn, organisation_id).await?;
    if db::otel_destination::count(&txn, organisation_id).await? >= MAX_DESTINATIONS {
        txn.rollback().await?;
        let problem = format!("there are {MAX_DESTINATIONS} destinations already");
        return Err(Error::invalid(
            "endpoint",
            problem,
            format!("at most {MAX_DESTINATIONS} of an organisation"),
        ));
    }
    db::otel_destination::insert(&txn, row.clone()).await?;
    caller.note_in(&txn, &api, row.workspace_id, "otel_destination.create", subject(id), noted(&row)).await?;
    txn.commit().await?;
    Ok(web::Json(Destination::of(row, exports::outbox::Waiting::default(), now_ms)))
}

pub(super) fn json(filters: Filters) -> Result<Value, Error> {
    serde_json::to_value(filters).map_err(Error::internal)
}
