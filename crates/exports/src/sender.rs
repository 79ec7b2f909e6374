//! One batch to one receiver, by whichever protocol it speaks.

mod answer;
mod grpc;
mod over_http;

use std::error::Error as StdError;
use std::time::Duration;

use bytes::Bytes;
use clock::Clock;
use egress::{Reach, Resolver, check_private_url};
use http::HeaderMap;
use http_body_util::Full;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use secrecy::ExposeSecret;

use crate::destination::{Destination, Protocol, check_header};

/// How long a receiver may take for a batch.
const TIMEOUT: Duration = Duration::from_secs(30);
/// How long a connection may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a connection is kept for the next batch.
const IDLE: Duration = Duration::from_secs(30);
/// What is read of an answer, in bytes.
const MAX_ANSWER: usize = 64 << 10;
/// What is told of a receiver's own words, in characters.
const MAX_WORDS: usize = 500;

const USER_AGENT: &str = concat!("Turnpike/", env!("CARGO_PKG_VERSION"));

/// Sends batches; connections are kept from one to the next.
pub struct Sender {
    http: Client<Connector, Full<Bytes>>,
    grpc: Client<Connector, tonic::body::Body>,
    reach: Reach,
    clock: Clock,
}

type Connector = HttpsConnector<HttpConnector<Resolver>>;

/// The receiver took the batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accepted {
    /// How many of its spans, or points, it refused; they are not to be sent again.
    pub rejected: i64,
    /// Why, or what it wants known, in its own words.
    pub message: Option<String>,
}

/// The batch was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SendError {
    /// Whether sending the same again may help.
    pub retryable: bool,
    /// How long the receiver wants to be left alone.
    pub retry_after: Option<Duration>,
    /// What happened, with what the receiver said: for the organisation's eyes.
    pub message: String,
}

impl SendError {
    fn last(message: impl Into<String>) -> Self {
        Self { retryable: false, retry_after: None, message: message.into() }
    }

    fn again(message: impl Into<String>) -> Self {
        Self { retryable: true, retry_after: None, message: message.into() }
    }
}

impl Sender {
    /// Batches go where `reach` allows.
    #[must_use]
    pub fn new(reach: Reach, clock: Clock) -> Self {
        let mut connections = egress::connector(reach, CONNECT_TIMEOUT);
        connections.set_nodelay(true);
        let tls = || HttpsConnectorBuilder::new().with_webpki_roots().https_or_http();
        let mut client = Client::builder(TokioExecutor::new());
        client.pool_idle_timeout(IDLE).pool_timer(hyper_util::rt::TokioTimer::new());
        let http = client.build(tls().enable_http1().wrap_connector(connections.clone()));
        let grpc = client.http2_only(true).build(tls().enable_http2().wrap_connector(connections));
        Self { http, grpc, reach, clock }
    }

    /// Sends spans.
    ///
    /// # Errors
    /// [`SendError`]: the receiver did not take the batch.
    pub async fn traces(
        &self,
        to: &Destination,
        batch: &ExportTraceServiceRequest,
    ) -> Result<Accepted, SendError> {
        let headers = self.headers(to)?;
        match to.protocol {
            Protocol::Grpc => in_time(self.grpc_traces(to, headers, batch)).await,
            _ => in_time(self.post(to, "traces", headers, batch)).await,
        }
    }

    /// Sends metrics.
    ///
    /// # Errors
    /// [`SendError`]: the receiver did not take the batch.
    pub async fn metrics(
        &self,
        to: &Destination,
        batch: &ExportMetricsServiceRequest,
    ) -> Result<Accepted, SendError> {
        let headers = self.headers(to)?;
        match to.protocol {
            Protocol::Grpc => in_time(self.grpc_metrics(to, headers, batch)).await,
            _ => in_time(self.post(to, "metrics", headers, batch)).await,
        }
    }

    /// The destination's headers, if it may be sent to.
    fn headers(&self, to: &Destination) -> Result<HeaderMap, SendError> {
        // An address that is written in the URL is not resolved: it is judged here, by the rules of today.
        if check_private_url(to.endpoint.as_str(), self.reach).is_err() {
            return Err(SendError::last("the endpoint is not one that this server may connect to"));
        }
        let mut headers = HeaderMap::with_capacity(to.headers.len() + 4);
        for (name, value) in &to.headers {
            let (header, value) = check_header(name, value.expose_secret())
                .map_err(|problem| SendError::last(format!("the header {name} {problem}")))?;
            headers.append(header, value);
        }
        Ok(headers)
    }
}

async fn in_time(sending: impl Future<Output = Result<Accepted, SendError>>) -> Result<Accepted, SendError> {
    tokio::time::timeout(TIMEOUT, sending)
        .await
        .unwrap_or_else(|_| Err(SendError::again(format!("no answer within {} s", TIMEOUT.as_secs()))))
}

fn unanswered(error: &(dyn StdError + 'static)) -> SendError {
    SendError::again(egress::unanswered(error))
}

/// What a receiver said, fit to be shown: none if nothing, one line, not too long.
fn words(text: &str) -> Option<String> {
    let line: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let plain = line.chars().filter(|c| !c.is_control());
    let cut: String = plain.take(MAX_WORDS).collect();
    (!cut.is_empty()).then_some(cut)
}
