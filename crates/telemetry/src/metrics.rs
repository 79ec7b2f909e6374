//! Every number of the process: what it is called, its unit, and how it is counted.
//!
//! What happens is counted here; what is at the moment (a depth, a pool) is read when somebody asks, from where it is:
//! [`Metrics::gauge`] and [`Metrics::total`]. No attribute has a value that callers choose: no tenant, no model, no path.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

use opentelemetry::KeyValue;
use opentelemetry::metrics::{AsyncInstrument, Counter, Histogram, Meter, MeterProvider as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use prometheus::{Registry, TextEncoder};

use crate::exemplars::{Exemplars, Place};
use crate::otlp::Numbers;

/// The two that have exemplars.
const REQUESTS: &str = "http.server.request.duration";
const FIRST_BYTE: &str = "turnpike.call.time_to_first_byte";

/// Seconds; those of the HTTP conventions.
const REQUEST_BUCKETS: [f64; 14] =
    [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];

/// Seconds; those of the GenAI conventions (1.41), for what a model may take its time over.
const MODEL_BUCKETS: [f64; 14] =
    [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92];

/// The statuses that are counted by themselves. A provider may answer with any number; another one counts as its class.
const STATUSES: [u16; 28] = [
    101, 200, 201, 202, 204, 206, 302, 304, 307, 400, 401, 402, 403, 404, 405, 408, 409, 413, 415, 422, 429,
    499, 500, 501, 502, 503, 504, 529,
];

/// The process's numbers. Clones share them.
#[derive(Clone)]
pub struct Metrics(Arc<Inner>);

struct Inner {
    provider: SdkMeterProvider,
    registry: Registry,
    meter: Meter,
    exemplars: Exemplars,
    in_flight: Arc<AtomicI64>,
    calls: Counter<u64>,
    requests: Histogram<f64>,
    first_byte: Histogram<f64>,
    logs: Counter<u64>,
    batches: Counter<u64>,
    batch_failures: Counter<u64>,
    batch_records: Counter<u64>,
    batch_bytes: Counter<u64>,
    batch_duration: Histogram<f64>,
    corrections: Counter<u64>,
    ledger_failures: Counter<u64>,
    job_runs: Counter<u64>,
    job_duration: Histogram<f64>,
}

/// A request that was answered, of either plane.
#[derive(Clone, Copy, Debug)]
pub struct Served {
    pub method: &'static str,
    /// As it is mounted, with its parameters in braces.
    pub route: &'static str,
    pub status: u16,
    pub took: Duration,
    /// Its span, where that is exported.
    pub place: Option<Place>,
}

/// A call through the gateway that has ended.
#[derive(Clone, Copy, Debug)]
pub struct Answered {
    pub served: Served,
    /// By its OpenTelemetry name.
    pub provider: Option<&'static str>,
    /// Until the first byte of upstream's answer.
    pub first_byte: Option<Duration>,
}

impl Metrics {
    /// Counts for whoever [scrapes](Self::scrape), and for `exported`.
    pub(crate) fn new(resource: Resource, exported: Option<Numbers>) -> Self {
        let registry = Registry::new();
        let scraped = opentelemetry_prometheus::exporter()
            .with_registry(registry.clone())
            .scope_info_enabled(false)
            .build();
        let mut builder = SdkMeterProvider::builder().with_resource(resource);
        match scraped {
            Ok(scraped) => builder = builder.with_reader(scraped),
            Err(error) => tracing::error!(%error, "there are no numbers at /metrics"),
        }
        if let Some(exported) = exported {
            builder = builder.with_reader(exported);
        }
        Self::on(builder.build(), registry)
    }

    fn on(provider: SdkMeterProvider, registry: Registry) -> Self {
        let meter = provider.meter("turnpike");
        let count = |name, about| meter.u64_counter(name).with_description(about).build();
        let seconds = |name, about, buckets: [f64; 14]| {
            let histogram = meter.f64_histogram(name).with_unit("s").with_description(about);
            histogram.with_boundaries(buckets.to_vec()).build()
        };
        let bytes = meter.u64_counter("turnpike.shipper.shipped").with_unit("By");
        let metrics = Self(Arc::new(Inner {
            exemplars: Exemplars::default(),
            in_flight: Arc::default(),
            calls: count("turnpike.calls", "Calls through the gateway that have ended."),
            requests: seconds(
                REQUESTS,
                "Duration of requests, to the end of their answers.",
                REQUEST_BUCKETS,
            ),
            first_byte: seconds(
                FIRST_BYTE,
                "From the receipt of a call to the first byte of the provider's answer.",
                MODEL_BUCKETS,
            ),
            logs: count("turnpike.logs", "Logs that came out of the spool, by what became of them."),
            batches: count("turnpike.shipper.batches", "Batches that the store has taken in."),
            batch_failures: count("turnpike.shipper.failures", "Tries of a batch that failed."),
            batch_records: count(
                "turnpike.shipper.records",
                "Records in the batches that the store has taken in.",
            ),
            batch_bytes: bytes.with_description("Bytes of records that the store has taken in.").build(),
            batch_duration: seconds(
                "turnpike.shipper.batch.duration",
                "Duration of a try of a batch.",
                REQUEST_BUCKETS,
            ),
            corrections: count(
                "turnpike.quota.ledger.corrections",
                "Counts of the store that the ledger could not explain.",
            ),
            ledger_failures: count(
                "turnpike.quota.ledger.failures",
                "Steps that the quota ledger did not answer.",
            ),
            job_runs: count("turnpike.job.runs", "Runs of jobs, by how they ended."),
            job_duration: seconds("turnpike.job.duration", "Duration of a job's run.", MODEL_BUCKETS),
            meter,
            registry,
            provider,
        }));
        metrics.observe_itself();
        metrics
    }

    fn observe_itself(&self) {
        let calls = Arc::clone(&self.0.in_flight);
        let calls = self
            .0
            .meter
            .i64_observable_up_down_counter("turnpike.calls.in_flight")
            .with_description("Calls through the gateway that have not ended.")
            .with_callback(move |now| now.observe(calls.load(Ordering::Relaxed), &[]));
        calls.build();
        let start = started_s();
        let started = self.0.meter.f64_observable_gauge("process.start_time").with_unit("s");
        let started = started.with_description("When the process started, as Unix time.");
        started.with_callback(move |now| now.observe(start, &[])).build();
    }

    /// All of it in Prometheus' text format.
    ///
    /// # Errors
    /// When one of the numbers cannot be written.
    pub fn scrape(&self) -> Result<String, prometheus::Error> {
        TextEncoder::new().encode_to_string(&self.0.registry.gather())
    }

    /// All of it in OpenMetrics' text format, with exemplars: the traces of requests that were measured.
    ///
    /// # Errors
    /// When one of the numbers cannot be written.
    pub fn scrape_open_metrics(&self) -> Result<String, prometheus::Error> {
        Ok(self.0.exemplars.join(&self.scrape()?))
    }

    /// What is read at the moment that somebody asks.
    pub fn gauge(
        &self,
        name: &'static str,
        unit: &'static str,
        about: &'static str,
        read: impl Fn(&dyn AsyncInstrument<u64>) + Send + Sync + 'static,
    ) {
        let gauge = self.0.meter.u64_observable_gauge(name).with_unit(unit).with_description(about);
        gauge.with_callback(read).build();
    }

    /// The same of what never goes down.
    pub fn total(
        &self,
        name: &'static str,
        about: &'static str,
        read: impl Fn(&dyn AsyncInstrument<u64>) + Send + Sync + 'static,
    ) {
        let total = self.0.meter.u64_observable_counter(name).with_description(about);
        total.with_callback(read).build();
    }

    /// A call has come in.
    pub fn call_begins(&self) {
        self.0.in_flight.fetch_add(1, Ordering::Relaxed);
    }

    /// A call has ended. Nothing is allocated where its span is not exported: names and values are static.
    pub fn call_ends(&self, call: &Answered) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
        let provider = KeyValue::new("gen_ai.provider.name", call.provider.unwrap_or("none"));
        let route = KeyValue::new("http.route", call.served.route);
        if let Some(took) = call.first_byte {
            let (took, attributes) = (took.as_secs_f64(), [provider.clone(), route.clone()]);
            self.0.first_byte.record(took, &attributes);
            if let Some(place) = call.served.place {
                self.0.exemplars.note(FIRST_BYTE, &MODEL_BUCKETS, took, &attributes, place);
            }
        }
        let class = KeyValue::new("turnpike.status_class", class(call.served.status));
        self.0.calls.add(1, &[provider, route, class]);
        self.served(&call.served);
    }

    /// A request was answered, by whichever plane.
    pub fn served(&self, request: &Served) {
        let attributes = [
            KeyValue::new("http.request.method", request.method),
            KeyValue::new("http.response.status_code", i64::from(usual(request.status))),
            KeyValue::new("http.route", request.route),
        ];
        let took = request.took.as_secs_f64();
        self.0.requests.record(took, &attributes);
        if let Some(place) = request.place {
            self.0.exemplars.note(REQUESTS, &REQUEST_BUCKETS, took, &attributes, place);
        }
    }

    /// `n` logs came out of the spool, and this became of them.
    pub fn logs(&self, outcome: &'static str, n: u64) {
        if n > 0 {
            self.0.logs.add(n, &[KeyValue::new("outcome", outcome)]);
        }
    }

    /// A batch is in the store.
    pub fn batch_shipped(&self, records: u64, bytes: u64, took: Duration) {
        self.0.batches.add(1, &[]);
        self.0.batch_records.add(records, &[]);
        self.0.batch_bytes.add(bytes, &[]);
        self.0.batch_duration.record(took.as_secs_f64(), &[]);
    }

    /// A batch is not in the store yet.
    pub fn batch_failed(&self, took: Duration) {
        self.0.batch_failures.add(1, &[]);
        self.0.batch_duration.record(took.as_secs_f64(), &[]);
    }

    /// The store's count was not the ledger's.
    pub fn ledger_corrected(&self) {
        self.0.corrections.add(1, &[]);
    }

    /// The ledger did not answer.
    pub fn ledger_failed(&self) {
        self.0.ledger_failures.add(1, &[]);
    }

    /// A job has run.
    pub fn job_ran(&self, job: &'static str, outcome: &'static str, took: Duration) {
        let attributes = [KeyValue::new("job", job), KeyValue::new("outcome", outcome)];
        self.0.job_runs.add(1, &attributes);
        self.0.job_duration.record(took.as_secs_f64(), &attributes[..1]);
    }

    pub(crate) fn shutdown(&self, within: Duration) {
        // Whether it arrived was noted where it was sent.
        let _ = self.0.provider.shutdown_with_timeout(within);
    }
}

impl Default for Metrics {
    /// Nobody reads them.
    fn default() -> Self {
        Self::on(SdkMeterProvider::default(), Registry::new())
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}

fn usual(status: u16) -> u16 {
    if STATUSES.contains(&status) { status } else { status / 100 * 100 }
}

fn class(status: u16) -> &'static str {
    match status / 100 {
        1 => "1xx",
        2 => "2xx",
        3 => "3xx",
        4 => "4xx",
        5 => "5xx",
        _ => "other",
    }
}

/// Now: it is asked for when the process starts.
#[expect(clippy::disallowed_methods, reason = "about this process, not about what it serves")]
fn started_s() -> f64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}
