use std::collections::HashMap;

use actix_web::web;
use entity::otel_destination::{ActiveModel, Model};
use exports::Filters;
use sea_orm::{Set, TransactionTrait as _};
use serde_json::json;
use utoipa::ToSchema;

use super::create::json as as_json;
use super::fields::{Sents, read};
use super::shape::Destination;
use super::{find_to_change, noted, shown, subject};
use crate::access::Caller;
use crate::query::Query;
use crate::{Api, Error, body, db};

/// What to change of a destination; what is left out stays.
#[derive(ToSchema)]
#[schema(example = json!({"sampling": 0.1, "filters": {"failed_only": true}}))]
#[expect(dead_code, reason = "it says what is read from the body")]
pub(crate) struct SpanDestinationChange {
    #[schema(min_length = 1, max_length = 100)]
    name: Option<String>,
    /// An https URL without a query.
    #[schema(min_length = 1, max_length = 2048)]
    endpoint: Option<String>,
    /// `http/protobuf`, `http/json` or `grpc`.
    #[schema(pattern = "^(http/protobuf|http/json|grpc)$")]
    protocol: Option<String>,
    /// In place of all that there are; null: none.
    headers: Option<HashMap<String, String>>,
    /// The part of all traces that is sent.
    #[schema(minimum = 0, maximum = 1)]
    sampling: Option<f64>,
    /// In place of all that there are; null: none.
    filters: Option<Filters>,
    content: Option<bool>,
    metrics: Option<bool>,
    /// In place of all that there are; null: none.
    resource: Option<HashMap<String, String>>,
    #[schema(pattern = "^genai$")]
    flavour: Option<String>,
    /// `active`, or `paused`: then logs are not taken up, and what is on its way waits.
    #[schema(pattern = "^(active|paused)$")]
    status: Option<String>,
}

/// Changes what is sent; what is on its way goes by it too, and is tried at once.
#[utoipa::path(put, path = "/v1/otel/destinations/{id}", operation_id = "update_destination", params(("id" = Uuid, Path)), request_body = SpanDestinationChange, responses((status = 200, body = Destination)))]
pub(crate) async fn update(
    caller: Caller,
    api: web::Data<Api>,
    id: web::Path<String>,
    query: Query,
    payload: web::Payload,
) -> Result<web::Json<Destination>, Error> {
    query.none()?;
    let mut fields = body::object(payload).await?;
    let sent = read(&mut fields, api.reach)?;
    fields.finish()?;
    let before = find_to_change(&api, &caller, &id).await?;
    let change = change(sent, &api, &before)?;
    let txn = api.db.begin().await?;
    if !db::otel_destination::update(&txn, &caller.scope, before.id, change).await? {
        return Err(Error::not_found("destination", id.as_str()));
    }
    let after = db::otel_destination::find(&txn, &caller.scope, before.id).await?;
    let after = after.ok_or_else(|| Error::not_found("destination", id.as_str()))?;
    let changed = json!({"from": noted(&before), "to": noted(&after)});
    caller
        .note_in(&txn, &api, before.workspace_id, "otel_destination.update", subject(before.id), changed)
        .await?;
    let answer = shown(&txn, &api, after).await?;
    txn.commit().await?;
    Ok(web::Json(answer))
}

fn change(sent: Sents, api: &Api, row: &Model) -> Result<ActiveModel, Error> {
    let now_ms = api.clock.now_ms();
    let mut change = ActiveModel {
        last_updated_at: Set(now_ms),
        attempts: Set(0),
        next_attempt_at: Set(now_ms),
        ..Default::default()
    };
    if let Some(headers) = sent.headers {
        let sealed = exports::stored::seal(&api.vault, &headers, row.organisation_id, row.id);
        change.headers = Set(sealed.map_err(Error::internal)?);
        change.header_hints = Set(exports::stored::hints(&headers));
    }
    if let Some(filters) = sent.filters {
        change.filters = Set(as_json(filters)?);
    }
    let text = |text: Option<&str>| text.map_or(sea_orm::NotSet, |text| Set(text.to_owned()));
    change.name = text(sent.name.as_deref());
    change.endpoint = text(sent.endpoint.as_deref());
    change.protocol = text(sent.protocol.map(exports::Protocol::as_str));
    change.flavour = text(sent.flavour.map(exports::Flavour::as_str));
    change.status = text(sent.status);
    change.sampling = sent.sampling.map_or(sea_orm::NotSet, Set);
    change.content = sent.content.map_or(sea_orm::NotSet, Set);
    change.metrics = sent.metrics.map_or(sea_orm::NotSet, Set);
    change.resource = sent.resource.map_or(sea_orm::NotSet, |resource| Set(json!(resource)));
    Ok(change)
}
