//! Logs as spans and metrics, by the conventions at [`SCHEMA_URL`](crate::names::SCHEMA_URL).
//!
//! A call is a SERVER span with a CLIENT child for each attempt at a provider; a log that was inserted, of a call that
//! did not go through here, is a CLIENT span alone. Usage, cost and messages are on the CLIENT span of the attempt whose answer
//! was the call's, and nowhere else, so that no tool counts them twice; whose call it was is on all. That the cache was looked into,
//! that a target or another one was asked again, and what guardrails found, are events of the SERVER span.

mod answer;
mod attempts;
mod attributes;
mod bound;
mod guardrails;
mod ids;
mod messages;
mod metrics;
mod operation;
mod opinion;
mod parameters;
mod parts;
mod quota;
mod span;

use std::collections::BTreeMap;

use entity::{feedback, log};
use logstore::Exchange;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use opentelemetry_proto::tonic::metrics::v1::{ResourceMetrics, ScopeMetrics};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, span::SpanKind};
use uuid::Uuid;

use crate::names;
use attributes::Attributes;
pub use ids::trace_id;
pub use quota::Quota;

/// A log and its content.
#[derive(Clone, Copy)]
pub struct Call<'a> {
    pub log: &'a log::Model,
    /// Parameters and finish reasons are read from it even where messages are not sent; none where none was kept.
    pub content: Option<&'a Exchange>,
}

/// A feedback and the logs of its trace that are known, the oldest first.
#[derive(Clone, Copy)]
pub struct Opinion<'a> {
    pub feedback: &'a feedback::Model,
    pub logs: &'a [log::Model],
}

/// How logs are written.
#[derive(Clone, Debug)]
pub struct Options {
    /// Whether messages are sent too; those of a call under Do Not Track never are.
    pub content: bool,
    /// Attributes of the resource, over our own.
    pub resource: BTreeMap<String, String>,
    /// The longest attribute of content, in bytes: longer ones are cut, and stay JSON.
    pub max_content_bytes: usize,
}

impl Default for Options {
    /// No content; the length is what the strictest of the known tools takes.
    fn default() -> Self {
        Self { content: false, resource: BTreeMap::new(), max_content_bytes: (64 << 10) - 1 }
    }
}

/// The spans of calls. The same log gives the same spans with the same ids, however often.
#[must_use]
pub fn traces(calls: &[Call<'_>], options: &Options) -> ExportTraceServiceRequest {
    request(calls.iter().flat_map(|call| span::of(*call, options)).collect(), options)
}

/// The spans of feedback: each in the trace of the logs that it is about, under the newest of them and linked to all.
#[must_use]
pub fn feedback(opinions: &[Opinion<'_>], options: &Options) -> ExportTraceServiceRequest {
    request(opinions.iter().map(|opinion| opinion::span(*opinion, options)).collect(), options)
}

/// The span that shows whether a receiver can be reached, named `turnpike test`, of no call; and its trace id as hex. `id` is fresh.
#[must_use]
pub fn probe(
    organisation: Uuid,
    id: Uuid,
    now_ms: i64,
    options: &Options,
) -> (String, ExportTraceServiceRequest) {
    let mut attributes = Attributes::default();
    attributes.text(names::ORGANISATION_ID, &organisation.to_string());
    let at = u64::try_from(now_ms).unwrap_or(0).saturating_mul(1_000_000);
    let span = Span {
        trace_id: id.as_bytes().to_vec(),
        span_id: id.as_bytes()[8..].to_vec(),
        name: "turnpike test".to_owned(),
        kind: SpanKind::Internal.into(),
        start_time_unix_nano: at,
        end_time_unix_nano: at + 1_000_000,
        attributes: attributes.done(),
        ..Span::default()
    };
    (id.as_simple().to_string(), request(vec![span], options))
}

fn request(spans: Vec<Span>, options: &Options) -> ExportTraceServiceRequest {
    let scope_spans = ScopeSpans { scope: Some(scope()), spans, schema_url: names::SCHEMA_URL.to_owned() };
    let resource_spans = ResourceSpans {
        resource: Some(resource(options)),
        scope_spans: vec![scope_spans],
        schema_url: names::SCHEMA_URL.to_owned(),
    };
    ExportTraceServiceRequest { resource_spans: vec![resource_spans] }
}

/// The metrics of calls: histograms of these calls alone (delta temporality), so that batches add up; and how their organisation's
/// quota stands, as gauges.
#[must_use]
pub fn metrics(calls: &[Call<'_>], quota: Option<&Quota>, options: &Options) -> ExportMetricsServiceRequest {
    let mut metrics = metrics::of(calls);
    metrics.extend(quota.into_iter().flat_map(Quota::metrics));
    let scope_metrics =
        ScopeMetrics { scope: Some(scope()), metrics, schema_url: names::SCHEMA_URL.to_owned() };
    let resource_metrics = ResourceMetrics {
        resource: Some(resource(options)),
        scope_metrics: vec![scope_metrics],
        schema_url: names::SCHEMA_URL.to_owned(),
    };
    ExportMetricsServiceRequest { resource_metrics: vec![resource_metrics] }
}

fn scope() -> InstrumentationScope {
    let (name, version) = ("turnpike".to_owned(), env!("CARGO_PKG_VERSION").to_owned());
    InstrumentationScope { name, version, ..InstrumentationScope::default() }
}

fn resource(options: &Options) -> Resource {
    let own = [(names::SERVICE_NAME, "turnpike"), (names::SERVICE_VERSION, env!("CARGO_PKG_VERSION"))];
    let mut attributes = Attributes::default();
    for (name, value) in own.into_iter().filter(|(name, _)| !options.resource.contains_key(*name)) {
        attributes.text(name, value);
    }
    for (name, value) in &options.resource {
        attributes.text(name, value);
    }
    Resource { attributes: attributes.done(), ..Resource::default() }
}

#[cfg(test)]
mod tests;
