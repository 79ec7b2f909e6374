//! What takes telemetry by OTLP, as a collector does, and keeps all of it.

use std::sync::{Arc, Mutex};

use actix_web::{App, HttpResponse, HttpServer, web};
use opentelemetry_proto::tonic::collector::logs::v1::logs_service_server::{LogsService, LogsServiceServer};
use opentelemetry_proto::tonic::collector::logs::v1::{ExportLogsServiceRequest, ExportLogsServiceResponse};
use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_server::{
    MetricsService, MetricsServiceServer,
};
use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsServiceRequest, ExportMetricsServiceResponse,
};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use opentelemetry_proto::tonic::metrics::v1::Metric;
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};

/// A listening collector. Clones share what came.
#[derive(Clone, Default)]
pub struct Collector {
    pub url: String,
    came: Arc<Mutex<Came>>,
}

#[derive(Default)]
struct Came {
    traces: Vec<ExportTraceServiceRequest>,
    metrics: Vec<ExportMetricsServiceRequest>,
    logs: Vec<ExportLogsServiceRequest>,
}

impl Collector {
    /// One that speaks `grpc` or `http/protobuf`, in the runtime of the caller.
    pub fn start(protocol: &str) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let collector = Self { url, ..Self::default() };
        let sink = collector.clone();
        if protocol == "grpc" {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            let server = Server::builder()
                .add_service(TraceServiceServer::new(sink.clone()))
                .add_service(MetricsServiceServer::new(sink.clone()))
                .add_service(LogsServiceServer::new(sink));
            tokio::spawn(server.serve_with_incoming(TcpIncoming::from(listener)));
        } else {
            let app = move || {
                App::new()
                    .app_data(web::Data::new(sink.clone()))
                    .route("/v1/traces", web::post().to(traces))
                    .route("/v1/metrics", web::post().to(metrics))
                    .route("/v1/logs", web::post().to(logs))
            };
            tokio::spawn(HttpServer::new(app).workers(1).disable_signals().listen(listener).unwrap().run());
        }
        collector
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
        self.came.lock().unwrap().traces.push(request.into_inner());
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

#[tonic::async_trait]
impl MetricsService for Collector {
    async fn export(
        &self,
        request: Request<ExportMetricsServiceRequest>,
    ) -> Result<Response<ExportMetricsServiceResponse>, Status> {
        self.came.lock().unwrap().metrics.push(request.into_inner());
        Ok(Response::new(ExportMetricsServiceResponse::default()))
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

async fn traces(collector: web::Data<Collector>, body: web::Bytes) -> HttpResponse {
    collector.came.lock().unwrap().traces.push(Message::decode(body).unwrap());
    taken(&ExportTraceServiceResponse::default())
}

async fn metrics(collector: web::Data<Collector>, body: web::Bytes) -> HttpResponse {
    collector.came.lock().unwrap().metrics.push(Message::decode(body).unwrap());
    taken(&ExportMetricsServiceResponse::default())
}

async fn logs(collector: web::Data<Collector>, body: web::Bytes) -> HttpResponse {
    collector.came.lock().unwrap().logs.push(Message::decode(body).unwrap());
    taken(&ExportLogsServiceResponse::default())
}

fn taken(answer: &impl Message) -> HttpResponse {
    HttpResponse::Ok().content_type("application/x-protobuf").body(answer.encode_to_vec())
}
