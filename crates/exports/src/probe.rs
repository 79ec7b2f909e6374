//! The span that shows whether a destination can be reached.

use genai::names;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value::Value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, span::SpanKind};
use uuid::Uuid;

use crate::Destination;

/// One span of no call, named `turnpike test`, and its trace id as hex. `id` is fresh.
#[must_use]
pub fn probe(to: &Destination, id: Uuid, now_ms: i64) -> (String, ExportTraceServiceRequest) {
    let trace_id = id.as_simple().to_string();
    let start = u64::try_from(now_ms).unwrap_or(0).saturating_mul(1_000_000);
    let span = Span {
        trace_id: id.as_bytes().to_vec(),
        span_id: id.as_bytes()[8..].to_vec(),
        name: "turnpike test".to_owned(),
        kind: SpanKind::Internal.into(),
        start_time_unix_nano: start,
        end_time_unix_nano: start + 1_000_000,
        attributes: vec![pair("turnpike.organisation.id", &to.organisation_id.to_string())],
        ..Span::default()
    };
    let mut resource: Vec<KeyValue> = to.resource.iter().map(|(name, value)| pair(name, value)).collect();
    if !to.resource.contains_key("service.name") {
        resource.push(pair("service.name", "turnpike"));
    }
    let scope = InstrumentationScope { name: "turnpike".to_owned(), ..InstrumentationScope::default() };
    let spans = ResourceSpans {
        resource: Some(Resource { attributes: resource, ..Resource::default() }),
        scope_spans: vec![ScopeSpans {
            scope: Some(scope),
            spans: vec![span],
            schema_url: names::SCHEMA_URL.to_owned(),
        }],
        schema_url: names::SCHEMA_URL.to_owned(),
    };
    (trace_id, ExportTraceServiceRequest { resource_spans: vec![spans] })
}

fn pair(name: &str, value: &str) -> KeyValue {
    let value = AnyValue { value: Some(Value::StringValue(value.to_owned())) };
    KeyValue { key: name.to_owned(), value: Some(value), ..KeyValue::default() }
}
