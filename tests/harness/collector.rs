//! What takes telemetry by OTLP, as a collector does, and keeps all of it.

use std::sync::{Arc, Mutex};

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use opentelemetry_proto::tonic::collector::logs::v1::logs_service_server::{LogsService, LogsServiceServer};
use opentelemetry_proto::tonic::collector::logs::v1::{ExportLogsServiceRequest, ExportLogsServiceResponse};
use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_server::{
    MetricsService, MetricsServiceServer,
};
use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsPartialSuccess, ExportMetricsServiceRequest, ExportMetricsServiceResponse,
};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::metrics::v1::Metric;
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use tonic::codec::CompressionEncoding;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Code, Request, Response, Status};
use tonic_types::{ErrorDetails, StatusExt};

/// The longest batch that is taken, unpacked, in bytes.
const MAX_BATCH: usize = 64 << 20;

/// A listening collector. Clones share what came.
#[derive(Clone, Default)]
pub struct Collector {
    pub url: String,
    came: Arc<Mutex<Came>>,
}

/// What the collector says to spans and metrics.
#[derive(Clone, Default)]
pub enum Reply {
    #[default]
    Taken,
    /// So many items are refused, and why; the batch is kept as it came.
    Partly(i64, String),
    /// The status of HTTP or the code of gRPC, why, and after how many seconds to come back; nothing is kept.
    Refused(u16, String, Option<u64>),
}

#[derive(Default)]
struct Came {
    traces: Vec<ExportTraceServiceRequest>,
    metrics: Vec<ExportMetricsServiceRequest>,
    logs: Vec<ExportLogsServiceRequest>,
    reply: Reply,
    /// Requests with spans or metrics, refused ones too: their headers.
    asked: Vec<Vec<(String, String)>>,
}

impl Collector {
    /// One that speaks `grpc` or HTTP, there both protobuf and JSON, in the runtime of the caller.
    pub fn start(protocol: &str) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let collector = Self { url, ..Self::default() };
        let sink = collector.clone();
        if protocol == "grpc" {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            let server = Server::builder()
                .add_service(
                    TraceServiceServer::new(sink.clone())
                        .accept_compressed(CompressionEncoding::Gzip)
                        .max_decoding_message_size(MAX_BATCH),
                )
                .add_service(
                    MetricsServiceServer::new(sink.clone())
                        .accept_compressed(CompressionEncoding::Gzip)
                        .max_decoding_message_size(MAX_BATCH),
                )
                .add_service(LogsServiceServer::new(sink));
            tokio::spawn(server.serve_with_incoming(TcpIncoming::from(listener)));
        } else {
            let app = move || {
                App::new()
                    .app_data(web::Data::new(sink.clone()))
                    .app_data(web::PayloadConfig::new(MAX_BATCH))
                    .route("/v1/traces", web::post().to(traces))
                    .route("/v1/metrics", web::post().to(metrics))
                    .route("/v1/logs", web::post().to(logs))
            };
            tokio::spawn(HttpServer::new(app).workers(1).disable_signals().listen(listener).unwrap().run());
        }
        collector
    }

    /// Says this to every batch from now on.
    pub fn reply(&self, reply: Reply) {
        self.came.lock().unwrap().reply = reply;
    }

    /// The headers of each request with spans or metrics so far, refused ones too.
    pub fn asked(&self) -> Vec<Vec<(String, String)>> {
        self.came.lock().unwrap().asked.clone()
    }

    /// Notes a request, and gives what to say to it.
    fn ask<'a>(&self, headers: impl Iterator<Item = (&'a str, &'a [u8])>) -> Reply {
        let headers =
            headers.map(|(name, value)| (name.to_owned(), String::from_utf8_lossy(value).into_owned()));
        let mut came = self.came.lock().unwrap();
        came.asked.push(headers.collect());
        came.reply.clone()
    }

    /// The same over gRPC: how many are refused and why, or the status.
    fn ask_grpc<B>(&self, request: &Request<B>) -> Result<Option<(i64, String)>, Status> {
        let headers = request.metadata().clone().into_headers();
        match self.ask(headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()))) {
            Reply::Taken => Ok(None),
            Reply::Partly(rejected, message) => Ok(Some((rejected, message))),
            Reply::Refused(code, message, after) => {
                let mut details = ErrorDetails::new();
                if let Some(seconds) = after {
                    details.set_retry_info(Some(std::time::Duration::from_secs(seconds)));
                }
                Err(Status::with_error_details(Code::from_i32(code.into()), message, details))
            }
        }
    }

    /// The spans that came so far.
    pub fn spans(&self) -> Vec<Span> {
        let came = self.came.lock().unwrap();
        let of_resources = came.traces.iter().flat_map(|request| &request.resource_spans);
        let of_scopes = of_resources.flat_map(|of_resource| &of_resource.scope_spans);
        of_scopes.flat_map(|of_scope| of_scope.spans.clone()).collect()
    }

    /// The lines that came so far.
    pub fn lines(&self) -> Vec<LogRecord> {
        let came = self.came.lock().unwrap();
        let of_resources = came.logs.iter().flat_map(|request| &request.resource_logs);
        let of_scopes = of_resources.flat_map(|of_resource| &of_resource.scope_logs);
        of_scopes.flat_map(|of_scope| of_scope.log_records.clone()).collect()
    }

    /// The metrics that came so far.
    pub fn metrics(&self) -> Vec<Metric> {
        let came = self.came.lock().unwrap();
        let of_resources = came.metrics.iter().flat_map(|request| &request.resource_metrics);
        let of_scopes = of_resources.flat_map(|of_resource| &of_resource.scope_metrics);
        of_scopes.flat_map(|of_scope| of_scope.metrics.clone()).collect()
    }

    /// Who sent each signal.
    pub fn senders(&self) -> Vec<Resource> {
        let came = self.came.lock().unwrap();
        let traces =
            came.traces.iter().flat_map(|request| &request.resource_spans).map(|of| of.resource.clone());
        let metrics =
            came.metrics.iter().flat_map(|request| &request.resource_metrics).map(|of| of.resource.clone());
        let logs = came.logs.iter().flat_map(|request| &request.resource_logs).map(|of| of.resource.clone());
        traces.chain(metrics).chain(logs).flatten().collect()
    }

    /// All that came, as it came.
    pub fn bytes(&self) -> Vec<u8> {
        let came = self.came.lock().unwrap();
        let traces = came.traces.iter().map(Message::encode_to_vec);
        let metrics = came.metrics.iter().map(Message::encode_to_vec);
        traces.chain(metrics).chain(came.logs.iter().map(Message::encode_to_vec)).flatten().collect()
    }
}

/// An attribute as text.
pub fn attribute(attributes: &[KeyValue], name: &str) -> Option<String> {
    let found = attributes.iter().find(|attribute| attribute.key == name)?;
    match found.value.as_ref()? {
        AnyValue { value: Some(any_value::Value::StringValue(text)) } => Some(text.clone()),
        AnyValue { value: Some(any_value::Value::IntValue(number)) } => Some(number.to_string()),
        other => Some(format!("{other:?}")),
    }
}

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let partial_success = self.ask_grpc(&request)?;
        let partial_success = partial_success.map(|(rejected_spans, error_message)| {
            ExportTracePartialSuccess { rejected_spans, error_message }
        });
        self.came.lock().unwrap().traces.push(request.into_inner());
        Ok(Response::new(ExportTraceServiceResponse { partial_success }))
    }
}

#[tonic::async_trait]
impl MetricsService for Collector {
    async fn export(
        &self,
        request: Request<ExportMetricsServiceRequest>,
    ) -> Result<Response<ExportMetricsServiceResponse>, Status> {
        let partial_success = self.ask_grpc(&request)?;
        let partial_success = partial_success.map(|(rejected_data_points, error_message)| {
            ExportMetricsPartialSuccess { rejected_data_points, error_message }
        });
        self.came.lock().unwrap().metrics.push(request.into_inner());
        Ok(Response::new(ExportMetricsServiceResponse { partial_success }))
    }
}

#[tonic::async_trait]
impl LogsService for Collector {
    async fn export(
        &self,
        request: Request<ExportLogsServiceRequest>,
    ) -> Result<Response<ExportLogsServiceResponse>, Status> {
        self.came.lock().unwrap().logs.push(request.into_inner());
        Ok(Response::new(ExportLogsServiceResponse::default()))
    }
}

async fn traces(collector: web::Data<Collector>, request: HttpRequest, body: web::Bytes) -> HttpResponse {
    over_http(&collector, &request, &body, "rejectedSpans", |came, batch| came.traces.push(batch))
}

async fn metrics(collector: web::Data<Collector>, request: HttpRequest, body: web::Bytes) -> HttpResponse {
    over_http(&collector, &request, &body, "rejectedDataPoints", |came, batch| came.metrics.push(batch))
}

/// Answers a batch as protobuf, or JSON, with the like.
fn over_http<B: Message + Default + Serialize + DeserializeOwned>(
    collector: &Collector,
    request: &HttpRequest,
    body: &[u8],
    rejected_name: &str,
    keep: fn(&mut Came, B),
) -> HttpResponse {
    let headers = request.headers().iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
    let reply = collector.ask(headers);
    let json = request.headers().get("content-type").is_some_and(|kind| kind == "application/json");
    if let Reply::Refused(status, message, after) = reply {
        let mut answer = HttpResponse::build(status.try_into().unwrap());
        if let Some(seconds) = after {
            answer.insert_header(("retry-after", seconds.to_string()));
        }
        // `google.rpc.Status`.
        return if json { answer.json(json!({ "message": message })) } else { answer.body(message) };
    }
    let batch = if json { serde_json::from_slice(body).unwrap() } else { B::decode(body).unwrap() };
    keep(&mut collector.came.lock().unwrap(), batch);
    let (rejected, error_message) = match reply {
        Reply::Partly(rejected, message) => (rejected, message),
        _ => (0, String::new()),
    };
    if json {
        let partial = json!({ rejected_name: rejected.to_string(), "errorMessage": error_message });
        return HttpResponse::Ok().json(json!({ "partialSuccess": partial }));
    }
    // The same message on the wire for either signal.
    let partial_success = Some(ExportTracePartialSuccess { rejected_spans: rejected, error_message });
    taken(&ExportTraceServiceResponse { partial_success })
}

async fn logs(collector: web::Data<Collector>, body: web::Bytes) -> HttpResponse {
    collector.came.lock().unwrap().logs.push(Message::decode(body).unwrap());
    taken(&ExportLogsServiceResponse::default())
}

fn taken(answer: &impl Message) -> HttpResponse {
    HttpResponse::Ok().content_type("application/x-protobuf").body(answer.encode_to_vec())
}
