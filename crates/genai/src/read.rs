//! A span as the log of the call that it tells of: of whichever generation of the conventions, of `OpenInference` or of
//! `Traceloop`. What is no model call is kept as a span, and its tokens, which are its children's, are nobody's.

mod attributes;
mod content;
mod facts;
mod message;
mod other;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use opentelemetry_proto::tonic::common::v1::{InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{Span, status::StatusCode};
use providers::{Endpoint, Usage};
use serde_json::{Map, Value, json};

use attributes::Attributes;
use content::Content;

/// Characters of a span's name that are kept.
const MAX_NAME: usize = 256;

/// A call as its span tells of it.
#[derive(Debug)]
pub struct Call {
    /// [`Endpoint::Span`] for what is no model call.
    pub endpoint: Endpoint,
    pub method: String,
    pub url: String,
    /// Its slug where it is one that we know.
    pub provider: String,
    pub requested_model: Option<String>,
    pub model: Option<String>,
    pub metadata: BTreeMap<String, String>,
    /// 32 hexadecimal digits, and 16 for spans.
    pub trace_id: String,
    pub span_id: String,
    pub parent_span_id: Option<String>,
    pub span_name: String,
    /// An HTTP status: what the span says, else 200 or 500.
    pub status: u16,
    /// It failed, and no status of an answer is told.
    pub unanswered: bool,
    pub streamed: bool,
    pub latency_us: u64,
    pub first_byte_us: Option<u64>,
    /// As the span tells; never added up from children.
    pub usage: Option<Usage>,
    /// As the span tells, in pico-dollars.
    pub cost_pusd: Option<i64>,
    /// There is an answer in the content, in which tokens can be counted.
    pub has_answer: bool,
    /// The bodies, in the shape of `OpenAI`'s chat, completions or embeddings; of a span, all that it has.
    pub request: Value,
    pub response: Value,
}

/// Why a span is not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Rejected {
    #[error("trace_id: expected 16 bytes, not all of them zero")]
    TraceId,
    #[error("span_id: expected 8 bytes, not all of them zero")]
    SpanId,
    #[error("parent_span_id: expected none, or 8 bytes")]
    ParentSpanId,
}

/// Who made the spans, as far as it goes into their logs.
pub struct Origin {
    service: Option<String>,
    resource: Map<String, Value>,
}

impl Origin {
    #[must_use]
    pub fn of(resource: Option<Resource>) -> Self {
        let attributes = resource.map(|resource| resource.attributes).unwrap_or_default();
        let resource: Map<String, Value> = attributes::pairs(attributes).collect();
        let service = resource.get("service.name").and_then(Value::as_str).map(str::to_owned);
        Self { service, resource }
    }
}

/// The call that a span tells of.
///
/// # Errors
/// [`Rejected`] for a span that has no place in a trace.
pub fn read(mut span: Span, origin: &Origin, scope: Option<&InstrumentationScope>) -> Result<Call, Rejected> {
    let trace_id = hex(&span.trace_id, 16).ok_or(Rejected::TraceId)?;
    let span_id = hex(&span.span_id, 8).ok_or(Rejected::SpanId)?;
    let parent_span_id = match span.parent_span_id.as_slice() {
        // Zeros: as some send that there is none.
        [] | [0, 0, 0, 0, 0, 0, 0, 0] => None,
        parent => Some(hex(parent, 8).ok_or(Rejected::ParentSpanId)?),
    };
    let attributes = Attributes::of(std::mem::take(&mut span.attributes));
    let endpoint = facts::endpoint(&attributes);
    let failed = span.status.as_ref().is_some_and(|status| status.code == StatusCode::Error as i32);
    let told = facts::status(&attributes);
    let call = Call {
        endpoint,
        method: facts::method(&attributes, endpoint),
        url: facts::url(&attributes),
        provider: facts::provider(&attributes).unwrap_or_default(),
        requested_model: None,
        model: None,
        metadata: facts::metadata(&attributes, endpoint, &span, origin.service.as_deref()),
        trace_id,
        span_id,
        parent_span_id,
        span_name: span.name.chars().take(MAX_NAME).collect(),
        status: told.unwrap_or(if failed { 500 } else { 200 }),
        unanswered: failed && told.is_none(),
        streamed: false,
        latency_us: span.end_time_unix_nano.saturating_sub(span.start_time_unix_nano).min(YEAR_NS) / 1000,
        first_byte_us: None,
        usage: None,
        cost_pusd: None,
        has_answer: false,
        request: Value::Null,
        response: Value::Null,
    };
    Ok(match endpoint {
        Endpoint::Span => {
            let (request, response) = other::bodies(span, attributes, origin, scope);
            Call { request, response, ..call }
        }
        _ => model_call(call, failed, span, &attributes),
    })
}

/// What no call can take would overflow where latencies are added up.
const YEAR_NS: u64 = 31_536_000_000_000_000;

fn model_call(call: Call, failed: bool, span: Span, attributes: &Attributes) -> Call {
    let endpoint = call.endpoint;
    let error = failed.then(|| facts::error(attributes, &span));
    let (requested_model, model) = facts::models(attributes);
    let usage = facts::usage(attributes);
    let mut content = Content::of(attributes, span.events);
    let has_answer = content.has_answer();
    let request = content.request(endpoint, attributes, requested_model.as_deref());
    let response = match error {
        Some(error) if !has_answer => json!({ "error": error }),
        _ => content.response(endpoint, attributes, model.as_deref(), usage.as_ref()),
    };
    Call {
        requested_model,
        model,
        streamed: facts::streamed(attributes),
        first_byte_us: facts::first_byte_us(attributes),
        usage,
        cost_pusd: facts::cost_pusd(attributes),
        has_answer,
        request,
        response,
        ..call
    }
}

/// None when it has another length or is all zeros, which W3C's trace context has for no id.
fn hex(bytes: &[u8], length: usize) -> Option<String> {
    use std::fmt::Write as _;
    if bytes.len() != length || bytes.iter().all(|byte| *byte == 0) {
        return None;
    }
    let mut text = String::with_capacity(2 * length);
    for byte in bytes {
        // Writing to a text does not fail.
        let _ = write!(text, "{byte:02x}");
    }
    Some(text)
}

/// A list of attributes as an object.
fn object(attributes: Vec<KeyValue>) -> Value {
    Value::Object(attributes::pairs(attributes).collect())
}
