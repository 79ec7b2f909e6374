//! OTLP over gRPC, by the generated clients over our own connections.

use http::header::USER_AGENT;
use http::{HeaderMap, HeaderValue, Uri};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_client::MetricsServiceClient;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use tonic::codec::CompressionEncoding;
use tonic::metadata::MetadataMap;
use tonic::{Code, Extensions, Request, Status};
use tonic_types::StatusExt;

use super::{Accepted, MAX_ANSWER, SendError, Sender, unanswered, words};
use crate::destination::Destination;

impl Sender {
    pub(super) async fn grpc_traces(
        &self,
        to: &Destination,
        headers: HeaderMap,
        batch: &ExportTraceServiceRequest,
    ) -> Result<Accepted, SendError> {
        let mut client = TraceServiceClient::with_origin(self.grpc.clone(), origin(to)?)
            .send_compressed(CompressionEncoding::Gzip)
            .accept_compressed(CompressionEncoding::Gzip)
            .max_decoding_message_size(MAX_ANSWER);
        let answer =
            client.export(request(headers, batch.clone())).await.map_err(|status| refused(&status))?;
        let partial = answer.into_inner().partial_success.unwrap_or_default();
        Ok(Accepted { rejected: partial.rejected_spans.max(0), message: words(&partial.error_message) })
    }

    pub(super) async fn grpc_metrics(
        &self,
        to: &Destination,
        headers: HeaderMap,
        batch: &ExportMetricsServiceRequest,
    ) -> Result<Accepted, SendError> {
        let mut client = MetricsServiceClient::with_origin(self.grpc.clone(), origin(to)?)
            .send_compressed(CompressionEncoding::Gzip)
            .accept_compressed(CompressionEncoding::Gzip)
            .max_decoding_message_size(MAX_ANSWER);
        let answer =
            client.export(request(headers, batch.clone())).await.map_err(|status| refused(&status))?;
        let partial = answer.into_inner().partial_success.unwrap_or_default();
        Ok(Accepted { rejected: partial.rejected_data_points.max(0), message: words(&partial.error_message) })
    }
}

/// Scheme, host and port alone: the service's name is the path.
fn origin(to: &Destination) -> Result<Uri, SendError> {
    let origin = to.endpoint.origin().ascii_serialization();
    origin.parse().map_err(|_| SendError::last("the endpoint is no URL to send to"))
}

fn request<B>(mut headers: HeaderMap, batch: B) -> Request<B> {
    headers.entry(USER_AGENT).or_insert(HeaderValue::from_static(super::USER_AGENT));
    Request::from_parts(MetadataMap::from_headers(headers), Extensions::default(), batch)
}

/// Which codes may be tried again: OpenTelemetry, "OTLP Specification", OTLP/gRPC, Failures. An exhausted resource only
/// where the receiver says when. Who is not let in holds its spans until the headers are mended, or they are too old.
fn refused(status: &Status) -> SendError {
    if let Some(cause) = std::error::Error::source(status) {
        return unanswered(cause);
    }
    let retry_after = status.get_details_retry_info().and_then(|info| info.retry_delay);
    let retryable = match status.code() {
        Code::Unauthenticated
        | Code::PermissionDenied
        | Code::Cancelled
        | Code::DeadlineExceeded
        | Code::Aborted
        | Code::OutOfRange
        | Code::Unavailable
        | Code::DataLoss => true,
        Code::ResourceExhausted => retry_after.is_some(),
        _ => false,
    };
    let said = words(status.message()).map_or_else(String::new, |said| format!(": {said}"));
    SendError { retryable, retry_after, message: format!("answered {:?}{said}", status.code()) }
}
