//! A destination on the wire. Of its headers' values there are hints.

use entity::otel_destination::Model;
use exports::outbox::Waiting;
use sea_orm::prelude::{Json, Uuid};
use serde::Serialize;
use utoipa::ToSchema;

use crate::instant;

#[derive(Serialize, ToSchema)]
#[schema(as = SpanDestination)]
pub(crate) struct Destination {
    id: Uuid,
    name: String,
    endpoint: String,
    /// `http/protobuf`, `http/json` or `grpc`.
    protocol: String,
    /// Their values are masked.
    #[schema(value_type = std::collections::HashMap<String, String>)]
    headers: Json,
    /// Whose logs; null: those of all workspaces.
    workspace_id: Option<Uuid>,
    sampling: f64,
    #[schema(value_type = exports::Filters)]
    filters: Json,
    content: bool,
    metrics: bool,
    #[schema(value_type = std::collections::HashMap<String, String>)]
    resource: Json,
    flavour: String,
    /// `active` or `paused`.
    status: String,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    last_updated_at: String,
    delivery: Delivery,
    /// Always `otel_destination`.
    object: &'static str,
}

/// How it goes.
#[derive(Serialize, ToSchema)]
#[schema(as = SpanDelivery)]
struct Delivery {
    /// Logs that are to be sent.
    waiting_logs: i64,
    /// How long the first of them has waited; 0: there is none.
    lag_seconds: i64,
    /// Logs that the receiver has acknowledged.
    sent_logs: i64,
    /// Spans, and points of metrics, that it has refused of batches that it acknowledged.
    rejected_spans: i64,
    /// Logs that were given up: refused, too old, too many, or no longer there.
    dropped_logs: i64,
    /// Attempts that failed since the last that did not.
    failed_attempts: i32,
    #[schema(format = DateTime)]
    last_attempt_at: Option<String>,
    #[schema(format = DateTime)]
    last_success_at: Option<String>,
    /// Null: there is no wait.
    #[schema(format = DateTime)]
    next_attempt_at: Option<String>,
    /// Why the last attempt was no success, or what the receiver had to say of one that was.
    last_error: Option<String>,
}

impl Destination {
    pub fn of(row: Model, waiting: Waiting, now_ms: i64) -> Self {
        let delivery = Delivery {
            waiting_logs: waiting.logs,
            lag_seconds: waiting.since.map_or(0, |since| (now_ms - since).max(0) / 1000),
            sent_logs: row.sent,
            rejected_spans: row.rejected,
            dropped_logs: row.dropped,
            failed_attempts: row.attempts,
            last_attempt_at: row.last_attempt_at.map(instant::iso),
            last_success_at: row.last_success_at.map(instant::iso),
            next_attempt_at: (row.attempts > 0).then(|| instant::iso(row.next_attempt_at)),
            last_error: row.last_error,
        };
        Self {
            id: row.id,
            name: row.name,
            endpoint: row.endpoint,
            protocol: row.protocol,
            headers: row.header_hints,
            workspace_id: row.workspace_id,
            sampling: row.sampling,
            filters: row.filters,
            content: row.content,
            metrics: row.metrics,
            resource: row.resource,
            flavour: row.flavour,
            status: row.status,
            created_at: instant::iso(row.created_at),
            last_updated_at: instant::iso(row.last_updated_at),
            delivery,
            object: "otel_destination",
        }
    }
}

/// What a receiver said to a span.
#[derive(Serialize, ToSchema)]
#[schema(as = SpanTest)]
pub(crate) struct Tested {
    /// Whether it took the span.
    pub accepted: bool,
    /// What it said, or what went wrong.
    pub message: String,
    /// The span's trace, to be looked for there.
    pub trace_id: String,
}

/// Nothing to say but that it is done.
#[derive(Serialize, ToSchema)]
#[schema(as = DeletedSpanDestination)]
pub(crate) struct Deleted {
    pub id: Uuid,
    /// Always true.
    pub deleted: bool,
}
