//! The ways out by OTLP. Endpoints, headers, time-outs, batches and the sampler are read from their variables by the SDK,
//! after [`crate::variables`] has looked at them.

use opentelemetry::KeyValue;
use opentelemetry_otlp::{ExporterBuildError, LogExporter, MetricExporter, SpanExporter};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::logs::SdkLoggerProvider;
use opentelemetry_sdk::metrics::PeriodicReader;
use opentelemetry_sdk::resource::{EnvResourceDetector, TelemetryResourceDetector};
use opentelemetry_sdk::trace::SdkTracerProvider;
use uuid::Uuid;

use crate::Error;
use crate::noted::Noted;
use crate::variables::Protocol;

/// Our numbers on their way out, every `OTEL_METRIC_EXPORT_INTERVAL`.
pub(crate) type Numbers = PeriodicReader<Noted<MetricExporter>>;

/// Who we are, as `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES` say, else by `name`.
pub(crate) fn resource(name: &'static str) -> Resource {
    let own = Resource::builder_empty()
        .with_attributes([
            KeyValue::new("service.name", name),
            KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
            KeyValue::new("service.instance.id", instance()),
        ])
        .with_detectors(&[Box::new(TelemetryResourceDetector), Box::new(EnvResourceDetector::new())]);
    match std::env::var("OTEL_SERVICE_NAME") {
        Ok(name) if !name.is_empty() => own.with_service_name(name).build(),
        _ => own.build(),
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "it names this process among others, and nothing depends on it"
)]
fn instance() -> String {
    Uuid::new_v4().to_string()
}

pub(crate) fn spans(by: Protocol, resource: Resource) -> Result<SdkTracerProvider, Error> {
    let exporter = match by {
        Protocol::Grpc => SpanExporter::builder().with_tonic().build(),
        Protocol::Http => SpanExporter::builder().with_http().build(),
    };
    let exporter = Noted::new("traces", exporter.map_err(refused("traces"))?);
    Ok(SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build())
}

pub(crate) fn lines(by: Protocol, resource: Resource) -> Result<SdkLoggerProvider, Error> {
    let exporter = match by {
        Protocol::Grpc => LogExporter::builder().with_tonic().build(),
        Protocol::Http => LogExporter::builder().with_http().build(),
    };
    let exporter = Noted::new("logs", exporter.map_err(refused("logs"))?);
    Ok(SdkLoggerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build())
}

pub(crate) fn numbers(by: Protocol) -> Result<Numbers, Error> {
    let exporter = match by {
        Protocol::Grpc => MetricExporter::builder().with_tonic().build(),
        Protocol::Http => MetricExporter::builder().with_http().build(),
    };
    let exporter = Noted::new("metrics", exporter.map_err(refused("metrics"))?);
    Ok(PeriodicReader::builder(exporter).build())
}

fn refused(signal: &'static str) -> impl FnOnce(ExporterBuildError) -> Error {
    move |source| Error::Exporter { signal, source }
}
