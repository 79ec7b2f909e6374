//! OTLP/gRPC, on a port of its own.

use std::time::Duration;

use anyhow::Context as _;
use host::{Running, Task};
use opentelemetry_proto::tonic::collector::logs::v1::logs_service_server::{LogsService, LogsServiceServer};
use opentelemetry_proto::tonic::collector::logs::v1::{ExportLogsServiceRequest, ExportLogsServiceResponse};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use tokio::net::TcpListener;
use tonic::codec::CompressionEncoding::Gzip;
use tonic::metadata::MetadataMap;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};

use super::answer::code;
use super::body::MAX_INFLATED;
use super::{ACCESS, intake};
use crate::access::{self, Caller};
use crate::{Api, Error};

/// Requests of one connection that are read at a time.
const AT_A_TIME: usize = 16;

/// Listens where the settings say, if they do, until the process stops taking calls in.
///
/// # Errors
/// When it cannot listen there.
pub async fn serve(running: Running, api: Api) -> anyhow::Result<Running> {
    let Some(wanted) = running.settings.otlp.grpc_addr else { return Ok(running) };
    let listener = match TcpListener::bind(wanted).await {
        Ok(listener) => listener,
        Err(error) => {
            running.stop().await;
            return Err(error)
                .with_context(|| format!("cannot listen on {wanted} (TURNPIKE_OTLP__GRPC_ADDR)"));
        }
    };
    let addr = listener.local_addr()?;
    let task = begin(listener, api, running.settings.stop_within);
    Ok(running.taking_grpc(addr, task))
}

fn begin(listener: TcpListener, api: Api, stop_within: Duration) -> Task {
    let exporter = Exporter(api);
    let traces = TraceServiceServer::new(exporter.clone())
        .accept_compressed(Gzip)
        .max_decoding_message_size(MAX_INFLATED);
    let logs =
        LogsServiceServer::new(exporter).accept_compressed(Gzip).max_decoding_message_size(MAX_INFLATED);
    let server =
        Server::builder().concurrency_limit_per_connection(AT_A_TIME).add_service(traces).add_service(logs);
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
    Task::start(|stop| async move {
        let late = {
            let stop = stop.clone();
            async move {
                stop.cancelled().await;
                tokio::time::sleep(stop_within).await;
            }
        };
        tokio::select! {
            ended = server.serve_with_incoming_shutdown(incoming, stop.cancelled_owned()) => {
                if let Err(error) = ended {
                    tracing::error!(%error, "the gRPC server failed");
                }
            }
            () = late => tracing::warn!("requests by gRPC are cut: they took too long"),
        }
    })
}

#[derive(Clone)]
struct Exporter(Api);

impl Exporter {
    /// Who calls, if they may; as over HTTP.
    async fn admit(&self, metadata: &MetadataMap) -> Result<Caller, Error> {
        let text = |name: &str| metadata.get(name).and_then(|value| value.to_str().ok());
        let bearer = text("authorization").and_then(|value| {
            let (scheme, token) = value.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
        });
        let shown = access::credential(text(access::API_KEY), bearer);
        let caller = Caller::identify(&self.0, shown, ACCESS).await?;
        intake::check(&self.0, &caller)?;
        Ok(caller)
    }
}

fn status(error: &Error) -> Status {
    error.log();
    Status::new(code(error), error.to_string())
}

#[tonic::async_trait]
impl TraceService for Exporter {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let caller = self.admit(request.metadata()).await.map_err(|error| status(&error))?;
        intake::spans(&self.0, caller, request.into_inner())
            .await
            .map(Response::new)
            .map_err(|error| status(&error))
    }
}

#[tonic::async_trait]
impl LogsService for Exporter {
    async fn export(
        &self,
        request: Request<ExportLogsServiceRequest>,
    ) -> Result<Response<ExportLogsServiceResponse>, Status> {
        self.admit(request.metadata()).await.map_err(|error| status(&error))?;
        Ok(Response::new(intake::log_records(request.get_ref())))
    }
}
