//! From spans to records in the spool.

use std::collections::BTreeMap;

use bytes::Bytes;
use futures_util::future::try_join_all;
use genai::read::{self, Origin};
use opentelemetry_proto::tonic::collector::logs::v1::{
    ExportLogsPartialSuccess, ExportLogsServiceRequest, ExportLogsServiceResponse,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use recorder::{Measured, Message, Outcome, Record, Source, Trace};
use serde_json::Value;

use crate::access::Caller;
use crate::logs::{Foreign, Inserter, url};
use crate::{Api, Error};

/// Spans of one request; those beyond are not taken.
const MAX_SPANS: usize = 8192;

#[derive(Debug, thiserror::Error)]
#[error("the spool has no room for what is sent")]
struct NoRoom;

/// Refuses, before anything is read, what would not be recorded.
pub(super) fn check(api: &Api, caller: &Caller) -> Result<(), Error> {
    Inserter::of(api, caller)?;
    if api.recorder.is_full() { Err(Error::unavailable(NoRoom)) } else { Ok(()) }
}

/// Records all spans that can be; the answer says which cannot, and comes when the others are safe on disk.
///
/// A span's log has an id of the caller's, made of its own: however often an exporter sends it, the store takes it in once.
pub(super) async fn spans(
    api: &Api,
    caller: Caller,
    request: ExportTraceServiceRequest,
) -> Result<ExportTraceServiceResponse, Error> {
    let here = api.clone();
    // Long ones take a while, and tokens may have to be counted.
    let read = tokio::task::spawn_blocking(move || records(&here, &caller, request));
    let (records, rejected) = read.await.map_err(Error::internal)??;
    try_join_all(records.into_iter().map(|record| api.recorder.record_synced(record))).await?;
    Ok(ExportTraceServiceResponse { partial_success: rejected.told() })
}

/// What is not taken, by the reason.
#[derive(Default)]
struct Rejections(BTreeMap<String, i64>);

impl Rejections {
    fn add(&mut self, reason: impl Into<String>) {
        *self.0.entry(reason.into()).or_default() += 1;
    }

    fn told(self) -> Option<ExportTracePartialSuccess> {
        let rejected_spans = self.0.values().sum();
        let told = |(reason, count): (String, i64)| format!("{reason} ({count} spans)");
        let error_message = self.0.into_iter().map(told).collect::<Vec<_>>().join("; ");
        (rejected_spans > 0).then_some(ExportTracePartialSuccess { rejected_spans, error_message })
    }
}

fn records(
    api: &Api,
    caller: &Caller,
    request: ExportTraceServiceRequest,
) -> Result<(Vec<Record>, Rejections), Error> {
    let inserter = Inserter::of(api, caller)?;
    let (mut records, mut rejections) = (Vec::new(), Rejections::default());
    for of_resource in request.resource_spans {
        let origin = Origin::of(of_resource.resource);
        for of_scope in of_resource.scope_spans {
            for span in of_scope.spans {
                if records.len() == MAX_SPANS {
                    rejections.add(format!("more than {MAX_SPANS} in one request"));
                    continue;
                }
                match read::read(span, &origin, of_scope.scope.as_ref()) {
                    Ok(call) => records.push(inserter.record_of(foreign(call))),
                    Err(rejected) => rejections.add(rejected.to_string()),
                }
            }
        }
    }
    Ok((records, rejections))
}

fn foreign(call: read::Call) -> Foreign {
    let (request, response) = (message(&call.request), message(&call.response));
    let counted = || {
        let counts = call.has_answer && (200..300).contains(&call.status);
        // The body is no stream of events, whatever the answer was.
        let counted = counts
            .then(|| providers::measure(call.endpoint, call.status, &request.body, &response.body, false));
        counted.and_then(|counted| counted.usage)
    };
    let usage = call.usage.or_else(counted);
    Foreign {
        source: Source::Otlp,
        external_id: Some(format!("{}-{}", call.trace_id, call.span_id)),
        endpoint: call.endpoint,
        method: call.method,
        url: url::sanitised(&call.url).unwrap_or_default(),
        provider: call.provider,
        requested_model: call.requested_model,
        metadata: call.metadata,
        trace: Trace {
            trace_id: call.trace_id,
            span_id: Some(call.span_id),
            span_name: Some(call.span_name),
            parent_span_id: call.parent_span_id,
        },
        status: call.status,
        outcome: if call.unanswered { Outcome::UpstreamFailed } else { Outcome::Answered },
        streamed: call.streamed,
        latency_us: call.latency_us,
        first_byte_us: call.first_byte_us,
        measured: Some(Measured { model: call.model, usage }),
        given_cost_pusd: call.cost_pusd,
        request,
        response,
    }
}

fn message(body: &Value) -> Message {
    Message { body: Bytes::from(body.to_string()), ..Message::default() }
}

/// None is kept: what the conventions put into log records is told by spans as well.
pub(super) fn log_records(request: &ExportLogsServiceRequest) -> ExportLogsServiceResponse {
    let scopes = request.resource_logs.iter().flat_map(|of_resource| &of_resource.scope_logs);
    let records: usize = scopes.map(|of_scope| of_scope.log_records.len()).sum();
    let rejected = || ExportLogsPartialSuccess {
        rejected_log_records: i64::try_from(records).unwrap_or(i64::MAX),
        error_message: "log records are not kept; send the spans of the calls, to /v1/traces".to_owned(),
    };
    ExportLogsServiceResponse { partial_success: (records > 0).then(rejected) }
}
