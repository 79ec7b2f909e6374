//! Spans that callers send by OTLP, which become logs (5): over HTTP here, and by gRPC where the settings say where.
//!
//! Source: opentelemetry.io, OTLP 1.10, "OTLP/HTTP" and "OTLP/gRPC".

mod answer;
mod body;
mod grpc;
mod intake;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, ResponseError as _, web};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tenancy::Scope;
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::{Content, OpenApi as Document, RefOr, Required, Schema};
use utoipa::{OpenApi, ToSchema};

use crate::access::Caller;
use crate::query::Query;
use crate::{Access, Api, Error};
use body::Encoding;
pub use grpc::serve;

/// What it takes to send spans.
pub(crate) const ACCESS: Access = Access::AnyOf(&[Scope::LogsWrite]);

/// Where each signal is taken besides the path that its operation names.
const ALIASES: [(&str, &str); 3] = [
    ("/v1/traces", "/v1/otel/v1/traces"),
    ("/v1/traces", "/v1/logs/otel/v1/traces"),
    ("/v1/otel/v1/logs", "/v1/logs/otel/v1/logs"),
];

/// What was taken; nothing is in it when that is all.
#[derive(ToSchema)]
#[schema(as = OtlpExported)]
#[expect(dead_code, reason = "it says what is answered")]
struct Exported {
    #[schema(rename = "partialSuccess", inline)]
    partial_success: Option<Partial>,
}

/// What was not taken, which is not to be sent again, and why.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "it says what is answered")]
struct Partial {
    /// Of spans.
    rejected_spans: Option<String>,
    /// Of log records.
    rejected_log_records: Option<String>,
    error_message: Option<String>,
}

/// Takes in spans by OTLP.
///
/// An `ExportTraceServiceRequest` as protobuf or as JSON, which the content type tells, plain or in gzip; answered in the same
/// way, when all of it is safe on disk. A span of a model call becomes a log with its model, tokens, cost and messages; any other
/// is kept as a span of its trace. A span that comes again is there once.
#[utoipa::path(post, path = "/v1/traces", operation_id = "export_traces", responses((status = 200, body = Exported), (status = 402), (status = 415)))]
pub(crate) async fn traces(
    request: HttpRequest,
    caller: Result<Caller, Error>,
    api: web::Data<Api>,
    query: Query,
    payload: web::Payload,
) -> HttpResponse {
    let taken = async |asked| {
        let caller = caller?;
        query.none()?;
        let request: ExportTraceServiceRequest = read(&api, &caller, asked, payload).await?;
        intake::spans(&api, caller, request).await
    };
    answer(&request, taken).await
}

/// Takes in log records by OTLP, and keeps none.
///
/// The answer says so: what becomes a log is a span.
#[utoipa::path(post, path = "/v1/otel/v1/logs", operation_id = "export_logs", responses((status = 200, body = Exported), (status = 402), (status = 415)))]
pub(crate) async fn logs(
    request: HttpRequest,
    caller: Result<Caller, Error>,
    api: web::Data<Api>,
    query: Query,
    payload: web::Payload,
) -> HttpResponse {
    let taken = async |asked| {
        let caller = caller?;
        query.none()?;
        let request: ExportLogsServiceRequest = read(&api, &caller, asked, payload).await?;
        Ok(intake::log_records(&request))
    };
    answer(&request, taken).await
}

/// How a body is written.
type Asked = Result<body::Kind, Error>;

/// The body, of a caller who is known and may be recorded.
async fn read<M: Message + Default + DeserializeOwned + 'static>(
    api: &Api,
    caller: &Caller,
    kind: Asked,
    payload: web::Payload,
) -> Result<M, Error> {
    intake::check(api, caller)?;
    body::read(payload, kind?).await
}

/// Says what came of it as the request was written; in our own shape where that is not plain.
async fn answer<M: Message + Serialize>(
    request: &HttpRequest,
    take: impl AsyncFnOnce(Asked) -> Result<M, Error>,
) -> HttpResponse {
    let kind = body::Kind::of(request);
    let encoding = kind.as_ref().ok().map(|kind| kind.encoding);
    match (take(kind).await, encoding) {
        (Ok(taken), Some(Encoding::Protobuf)) => answer::protobuf(StatusCode::OK, &taken),
        (Ok(taken), _) => HttpResponse::Ok().json(taken),
        (Err(error), Some(encoding)) => answer::refused(encoding, &error),
        (Err(error), None) => error.error_response(),
    }
}

/// The operations, each under all of its paths.
pub(crate) fn openapi() -> Document {
    let mut document = Doc::openapi();
    for item in document.paths.paths.values_mut() {
        let Some(operation) = &mut item.post else { continue };
        let body = ["application/json", "application/x-protobuf"]
            .into_iter()
            .fold(RequestBodyBuilder::new().required(Some(Required::True)), |body, kind| {
                body.content(kind, Content::new(None::<RefOr<Schema>>))
            });
        operation.request_body = Some(body.build().into());
    }
    for (path, alias) in ALIASES {
        if let Some(item) = document.paths.paths.get(path).cloned() {
            document.paths.paths.insert(alias.to_owned(), item);
        }
    }
    document
}

/// The part of the document.
#[derive(OpenApi)]
#[openapi(paths(traces, logs))]
struct Doc;
