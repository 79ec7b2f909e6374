//! A span that is no model call: all that it has, as its log's content.

use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::{Span, status::StatusCode};
use serde_json::{Value, json};

use super::attributes::Attributes;
use super::{Origin, hex, object};

/// What it was, and how it ended.
pub(super) fn bodies(
    span: Span,
    attributes: Attributes,
    origin: &Origin,
    scope: Option<&InstrumentationScope>,
) -> (Value, Value) {
    let kind = SpanKind::try_from(span.kind).unwrap_or_default();
    let kind = kind.as_str_name().trim_start_matches("SPAN_KIND_").to_ascii_lowercase();
    let events = span.events.into_iter().map(|event| {
        json!({
            "name": event.name,
            "time_unix_nano": event.time_unix_nano.to_string(),
            "attributes": object(event.attributes),
        })
    });
    let links = span.links.into_iter().map(|link| {
        json!({
            "trace_id": hex(&link.trace_id, 16),
            "span_id": hex(&link.span_id, 8),
            "attributes": object(link.attributes),
        })
    });
    let request = json!({
        "name": span.name,
        "kind": kind,
        "start_time_unix_nano": span.start_time_unix_nano.to_string(),
        "end_time_unix_nano": span.end_time_unix_nano.to_string(),
        "attributes": attributes.into_object(),
        "events": events.collect::<Vec<_>>(),
        "links": links.collect::<Vec<_>>(),
        "resource": origin.resource,
        "scope": scope.map(|scope| json!({"name": scope.name, "version": scope.version})),
    });
    let status = span.status.unwrap_or_default();
    let code = match StatusCode::try_from(status.code).unwrap_or_default() {
        StatusCode::Unset => "unset",
        StatusCode::Ok => "ok",
        StatusCode::Error => "error",
    };
    (request, json!({"status": {"code": code, "message": status.message}}))
}
