//! A log by itself, in the contract's shape (2.2), and what we know beyond it.

use entity::log;
use logstore::Content;
use logstore::Exchange;
use logstore::status_labels::StatusLabels;
use sea_orm::prelude::*;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::attempts::{self, Attempt};
use super::content::Body;
use super::metrics::Metrics;
use super::replay::Replayable;
use super::row::{millis, page};
use crate::feedback::Feedback;
use crate::instant;

#[derive(Serialize, ToSchema)]
#[schema(as = Log)]
pub(crate) struct Detail {
    #[serde(rename = "_id")]
    id: Uuid,
    /// Its page, for members of its workspace.
    url: String,
    organisation_id: Uuid,
    pub workspace_id: Option<String>,
    #[schema(format = DateTime)]
    created_at: String,
    pub request: Request,
    pub response: Response,
    metrics: Metrics,
    pub status: StatusLabels,
    /// What the targets of the call's config were asked, in order; empty where it ran under none.
    pub attempts: Vec<Attempt>,
    /// What guardrails found, as in the answer.
    #[schema(value_type = Option<std::collections::HashMap<String, Value>>)]
    hook_results: Option<Value>,
    /// What is thought of its trace, the newest 100 of it.
    pub feedback: Vec<Feedback>,
    outcome: String,
    /// What became of the content.
    payload: String,
    external_id: Option<String>,
    /// Whether the call can be made once more: `POST /v1/logs/{id}/replay`.
    pub replayable: Replayable,
    /// The log whose call this one is, once more.
    replay_of: Option<Uuid>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = LogRequest)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Request {
    url: String,
    method: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<std::collections::HashMap<String, String>>)]
    pub headers: Option<Map<String, Value>>,
    /// JSON as it was, another text as a string, anything else in base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Value>)]
    pub body: Option<Body>,
    #[schema(value_type = std::collections::HashMap<String, String>)]
    portkey_headers: Map<String, Value>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = LogResponse)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_field_names, reason = "the contract's names")]
pub(crate) struct Response {
    status: i16,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<std::collections::HashMap<String, String>>)]
    pub headers: Option<Map<String, Value>>,
    /// JSON as it was, another text as a string, anything else in base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Value>)]
    pub body: Option<Body>,
    /// Milliseconds.
    response_time: i64,
    last_used_option_json_path: String,
    streaming_mode: bool,
}

/// Where a log is.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    pub public_url: &'a str,
    pub workspace_slug: Option<&'a str>,
}

impl Detail {
    /// `virtual_key`: the status of the log's.
    pub fn of(
        log: &log::Model,
        exchange: Option<Exchange>,
        Place { public_url, workspace_slug }: Place<'_>,
        virtual_key: Option<&str>,
        feedback: Vec<Feedback>,
    ) -> Self {
        let replayable = Replayable::of(log, exchange.as_ref(), virtual_key);
        let (request, response) = exchange.map(|exchange| (exchange.request, exchange.response)).unzip();
        Self {
            id: log.id,
            url: page(public_url, log.id),
            organisation_id: log.organisation_id,
            workspace_id: workspace_slug.map(str::to_owned),
            created_at: instant::iso(log.created_at),
            request: Request::of(log, request),
            response: Response::of(log, response),
            metrics: Metrics::of(log, workspace_slug),
            status: StatusLabels::of(log),
            attempts: attempts::of(log),
            hook_results: log.hook_results.clone(),
            feedback,
            outcome: log.outcome.clone(),
            payload: log.payload.clone(),
            external_id: log.external_id.clone(),
            replayable,
            replay_of: log.replay_of,
        }
    }
}

impl Request {
    /// What was sent; of the content, what is kept.
    pub fn of(log: &log::Model, content: Option<Content>) -> Self {
        Self {
            url: log.url.clone(),
            method: log.method.clone(),
            portkey_headers: portkey_headers(log, content.as_ref()),
            headers: content.as_ref().map(|side| headers(side, |_| true)),
            body: content.and_then(|side| Body::of(&side.body)),
        }
    }
}

impl Response {
    /// What came of it; of the content, what is kept.
    pub fn of(log: &log::Model, content: Option<Content>) -> Self {
        Self {
            status: log.status_code,
            headers: content.as_ref().map(|side| headers(side, |_| true)),
            body: content.and_then(|side| Body::of(&side.body)),
            response_time: millis(log.latency_us),
            last_used_option_json_path: log.option_path.clone(),
            streaming_mode: log.streamed,
        }
    }
}

/// A name that comes again (`set-cookie`) has its values joined, as HTTP would (RFC 9110, 5.2).
fn headers(side: &Content, wanted: impl Fn(&str) -> bool) -> Map<String, Value> {
    let mut map = Map::new();
    for (name, value) in side.headers.iter().filter(|(name, _)| wanted(name)) {
        match map.get_mut(name) {
            Some(Value::String(joined)) => {
                joined.push_str(", ");
                joined.push_str(value);
            }
            _ => {
                map.insert(name.to_owned(), value.into());
            }
        }
    }
    map
}

/// The gateway's own headers as they were sent; where none are kept, what the log itself knows of them.
fn portkey_headers(log: &log::Model, request: Option<&Content>) -> Map<String, Value> {
    let mut map =
        request.map(|side| headers(side, |name| name.starts_with("x-portkey-"))).unwrap_or_default();
    let metadata = log.metadata.as_ref().map(ToString::to_string);
    let known = [
        ("x-portkey-trace-id", Some(log.trace_id.as_str())),
        ("x-portkey-span-id", log.span_id.as_deref()),
        ("x-portkey-span-name", log.span_name.as_deref()),
        ("x-portkey-parent-span-id", log.parent_span_id.as_deref()),
        ("x-portkey-virtual-key", log.virtual_key.as_deref()),
        ("x-portkey-metadata", metadata.as_deref()),
    ];
    for (name, value) in known {
        if let Some(value) = value {
            map.entry(name).or_insert_with(|| value.into());
        }
    }
    map
}
