//! What the process says of itself: its lines on standard error, its numbers for whoever asks ([`Metrics`]), and both, with
//! spans ([`Tracer`]), by OTLP to where the standard `OTEL_*` variables say.
//!
//! A new number is an instrument in `metrics`, named there once.

mod exemplars;
mod lines;
mod metrics;
mod noted;
mod otlp;
mod traces;
mod variables;

use std::io::{self, IsTerminal as _};
use std::time::Duration;

pub use exemplars::Place;
pub use metrics::{Answered, Metrics, Served};
pub use opentelemetry::KeyValue;
pub use opentelemetry::metrics::AsyncInstrument;
use opentelemetry_sdk::logs::SdkLoggerProvider;
use opentelemetry_sdk::trace::SdkTracerProvider;
use settings::LogFormat;
use tokio::sync::oneshot;
pub use traces::{Begin, Request, Span, Tracer, method, within};
use tracing::Metadata;
use tracing_subscriber::filter::{FilterExt as _, LevelFilter, filter_fn};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::{SubscriberInitExt as _, TryInitError};
use tracing_subscriber::{Layer as _, Registry};

/// How long the end of the process may wait for what is still to be exported.
const FLUSHED_WITHIN: Duration = Duration::from_secs(3);

/// The SDK's own lines: each export that fails has one, again and again. [`noted`] says it once.
const SDK_LINES: &str = "opentelemetry=off";

/// What an export itself is done with: exported, its lines and spans would make more of themselves.
const EXPORTERS: [&str; 7] = ["opentelemetry", "tonic", "hyper", "h2", "tower", "reqwest", "rustls"];

/// Why there is no telemetry.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The filter cannot be read; `name` is where it was set.
    #[error("{name}: expected a level or directives, as `info,sqlx=warn`")]
    Filter { name: &'static str, source: tracing_subscriber::filter::ParseError },
    /// `RUST_LOG` is set to something other than text.
    #[error("RUST_LOG: expected UTF-8 text")]
    NotText,
    /// An `OTEL_*` variable is not right.
    #[error("{name}: expected {expected}")]
    Variable { name: String, expected: &'static str },
    /// The exporter refuses what the variables say.
    #[error("OTEL_EXPORTER_OTLP_*: what they say of {signal} cannot be used")]
    Exporter { signal: &'static str, source: opentelemetry_otlp::ExporterBuildError },
    /// It was set up before, here or by another.
    #[error("tracing is set up already")]
    Twice(#[from] TryInitError),
}

/// What a process measures and traces with. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Telemetry {
    pub metrics: Metrics,
    pub tracer: Tracer,
    spans: Option<SdkTracerProvider>,
    lines: Option<SdkLoggerProvider>,
}

impl Telemetry {
    /// For a server beside others in one process, as in tests: numbers of its own, and nothing is exported.
    #[must_use]
    pub fn unexported(name: &'static str) -> Self {
        Self { metrics: Metrics::new(otlp::resource(name), None), ..Self::default() }
    }

    /// Exports what is left, for a few seconds at the most. To be called when everything else has ended.
    pub async fn shutdown(self) {
        let Self { metrics, spans, lines, .. } = self;
        // Whether it arrived was noted where it was sent.
        let ending = [
            in_a_thread(move || drop(spans.map(|spans| spans.shutdown_with_timeout(FLUSHED_WITHIN)))),
            in_a_thread(move || drop(lines.map(|lines| lines.shutdown_with_timeout(FLUSHED_WITHIN)))),
            in_a_thread(move || metrics.shutdown(FLUSHED_WITHIN)),
        ];
        let all = async {
            for one in ending {
                let _ = one.await;
            }
        };
        let _ = tokio::time::timeout(FLUSHED_WITHIN, all).await;
    }
}

/// Work that blocks, and that the end of the runtime does not wait for: the SDK's patience is longer than ours.
fn in_a_thread(work: impl FnOnce() + Send + 'static) -> oneshot::Receiver<()> {
    let (sender, done) = oneshot::channel();
    std::thread::spawn(move || {
        work();
        let _ = sender.send(());
    });
    done
}

/// Sets up tracing for this process, and lines of the `log` crate with it. `RUST_LOG`, if it is set, goes before `filter`.
/// `name` is the service's, unless `OTEL_SERVICE_NAME` or `OTEL_RESOURCE_ATTRIBUTES` say another.
///
/// To be called in a Tokio runtime, which an export by gRPC runs on.
///
/// # Errors
/// [`Error`] if the filter or an `OTEL_*` variable is malformed, or if tracing is set up already.
pub fn init(name: &'static str, format: LogFormat, filter: &str) -> Result<Telemetry, Error> {
    let directives = lines::choose(std::env::var("RUST_LOG"), filter)?;
    let export = variables::read(&|name| std::env::var_os(name))?;
    let colours = io::stderr().is_terminal();
    if !export.any() {
        let written = lines::layer(format, colours, io::stderr);
        Registry::default().with(directives.filter("")?).with(written).try_init()?;
        return Ok(Telemetry::unexported(name));
    }
    let resource = otlp::resource(name);
    let spans = export.traces.map(|by| otlp::spans(by, resource.clone())).transpose()?;
    let logs = export.logs.map(|by| otlp::lines(by, resource.clone())).transpose()?;
    let numbers = export.metrics.map(otlp::numbers).transpose()?;
    let tracer = spans.as_ref().map(Tracer::of).unwrap_or_default();
    let exported_spans =
        tracer.layer().map(|layer| layer.with_filter(LevelFilter::INFO.and(filter_fn(is_ours))));
    let exported_lines =
        logs.as_ref().map(opentelemetry_appender_tracing::layer::OpenTelemetryTracingBridge::new);
    let of_lines = directives.filter(SDK_LINES)?.and(filter_fn(is_ours));
    Registry::default()
        .with(exported_spans)
        .with(exported_lines.map(|layer| layer.with_filter(of_lines)))
        .with(lines::layer(format, colours, io::stderr).with_filter(directives.filter(SDK_LINES)?))
        .try_init()?;
    Ok(Telemetry { metrics: Metrics::new(resource, numbers), tracer, spans, lines: logs })
}

fn is_ours(of: &Metadata<'_>) -> bool {
    !EXPORTERS.iter().any(|exporter| of.target().starts_with(exporter))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn tracing_is_set_up_once() {
        init("turnpike", LogFormat::Json, "info").unwrap();
        assert!(matches!(init("turnpike", LogFormat::Json, "info"), Err(Error::Twice(_))));
    }
}
