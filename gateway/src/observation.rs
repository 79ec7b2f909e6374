//! What the server's operator is told of a call: its numbers, and its spans where spans are exported. Nothing of its content,
//! no key, and in the numbers nothing that callers choose.

use std::time::{Duration, Instant};

use actix_web::HttpRequest;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::{Request, Uri};
use providers::Endpoint;
use recorder::{Outcome, Record};
use telemetry::{Answered, Begin, KeyValue, Served, Span};

use crate::Gateway;
use crate::error::Error;
use crate::recording::CLIENT_CLOSED_REQUEST;

/// One call, from its receipt to its end. Dropped without an end, the client went away (or the handler panicked).
pub(crate) struct Observation {
    gateway: Gateway,
    pub received: Instant,
    method: &'static str,
    route: &'static str,
    /// The call, where spans are exported.
    span: Option<Span>,
    /// What is asked of the provider for it.
    asking: Option<Span>,
    ended: bool,
}

impl Observation {
    pub(crate) fn begin(gateway: &Gateway, request: &HttpRequest, endpoint: Endpoint) -> Self {
        let received = Instant::now();
        let (method, route) = (telemetry::method(request.method().as_str()), route(endpoint));
        let header = |name: &str| request.headers().get(name)?.to_str().ok();
        let span = gateway.telemetry.tracer.serve(header, || {
            let request = telemetry::Request { method, route, path: request.path(), host: header("host") };
            request.begin()
        });
        gateway.telemetry.metrics.call_begins();
        Self { gateway: gateway.clone(), received, method, route, span, asking: None, ended: false }
    }

    /// The call's span.
    pub(crate) fn span(&self) -> Option<Span> {
        self.span.clone()
    }

    /// The call is this one's on the log.
    pub(crate) fn is_of(&self, record: &Record) {
        if let Some(span) = self.span.as_ref().filter(|span| span.is_recorded()) {
            span.set([
                KeyValue::new("turnpike.log_id", record.id.to_string()),
                KeyValue::new("turnpike.organisation_id", record.organisation_id.to_string()),
                KeyValue::new("turnpike.workspace_id", record.workspace_id.to_string()),
            ]);
        }
    }

    /// The provider is asked with `request`. Where the caller's place in a trace is passed on, ours takes its place.
    /// `retry`: how often it was asked for the same before.
    pub(crate) fn asks<B>(&mut self, record: &Record, request: &mut Request<B>, retry: u16) {
        let Some(call) = &self.span else { return };
        let asking = call.ask(asking(record, self.method, request.uri()));
        if retry > 0 {
            asking.set([KeyValue::new("http.request.resend_count", i64::from(retry))]);
        }
        if request.headers().contains_key("traceparent") {
            asking.put(|name, value| replace(request.headers_mut(), name, value));
        }
        self.asking = Some(asking);
    }

    /// What the provider was asked last is over, and the call goes on.
    pub(crate) fn asked(&mut self, status: Option<u16>, outcome: Outcome) {
        if let Some(span) = self.asking.take() {
            end(&span, status, outcome, 400);
        }
    }

    /// The call ended without a record, as its caller is not known.
    pub(crate) fn refused(mut self, error: &Error) {
        let (status, took) = (error.status(), self.received.elapsed());
        self.conclude(status, error.outcome(), None, took, None);
    }

    /// The call ended as its record says.
    pub(crate) fn end(mut self, record: &Record) {
        let provider = providers::provider(&record.provider).map(|provider| provider.gen_ai_system.as_str());
        let took = Duration::from_micros(record.latency_us);
        let first_byte = record.first_byte_us.map(Duration::from_micros);
        self.conclude(record.status, record.outcome, provider, took, first_byte);
    }

    fn conclude(
        &mut self,
        status: u16,
        outcome: Outcome,
        provider: Option<&'static str>,
        took: Duration,
        first_byte: Option<Duration>,
    ) {
        self.ended = true;
        let place = self.span.as_ref().and_then(Span::place);
        let served = Served { method: self.method, route: self.route, status, took, place };
        self.gateway.telemetry.metrics.call_ends(&Answered { served, provider, first_byte });
        // An answer of 400 is a failure for who asked for it, not for who gave it.
        if let Some(span) = &self.asking {
            end(span, Some(status), outcome, 400);
        }
        if let Some(span) = &self.span {
            end(span, Some(status), outcome, 500);
        }
    }
}

impl Drop for Observation {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        let (status, outcome) = if std::thread::panicking() {
            (500, Outcome::Panicked)
        } else {
            (CLIENT_CLOSED_REQUEST, Outcome::ClientGone)
        };
        self.conclude(status, outcome, None, self.received.elapsed(), None);
    }
}

/// Ends a span; its error is how the call ended, or a status from `bad_from` on.
fn end(span: &Span, status: Option<u16>, outcome: Outcome, bad_from: u16) {
    if span.is_recorded() {
        span.set(status.map(|status| KeyValue::new("http.response.status_code", i64::from(status))));
        match outcome {
            Outcome::Answered | Outcome::Refused => {
                if let Some(status) = status.filter(|status| *status >= bad_from) {
                    span.fail(status.to_string());
                }
            }
            Outcome::UpstreamFailed
            | Outcome::UpstreamCut
            | Outcome::ClientGone
            | Outcome::TimedOut
            | Outcome::Panicked => span.fail(outcome.as_str()),
        }
    }
    span.end();
}

/// The span of the request to the provider. Source: the OpenTelemetry GenAI conventions 1.41; a request that they have no
/// name for is an HTTP client's.
fn asking(record: &Record, method: &'static str, uri: &Uri) -> Begin {
    let mut attributes = vec![KeyValue::new("http.request.method", method)];
    attributes.extend(uri.host().map(|host| KeyValue::new("server.address", host.to_owned())));
    let port = uri.port_u16().or_else(|| (uri.scheme_str() == Some("https")).then_some(443));
    attributes.push(KeyValue::new("server.port", i64::from(port.unwrap_or(80))));
    let provider = providers::provider(&record.provider);
    attributes
        .extend(provider.map(|known| KeyValue::new("gen_ai.provider.name", known.gen_ai_system.as_str())));
    let model = record.requested_model.as_deref();
    attributes.extend(model.map(|model| KeyValue::new("gen_ai.request.model", model.to_owned())));
    let name = match (operation(record.endpoint), model) {
        (Some(operation), Some(model)) => format!("{operation} {model}").into(),
        (Some(operation), None) => operation.into(),
        (None, _) => method.into(),
    };
    attributes.extend(operation(record.endpoint).map(|name| KeyValue::new("gen_ai.operation.name", name)));
    (name, attributes)
}

fn operation(endpoint: Endpoint) -> Option<&'static str> {
    match endpoint {
        Endpoint::ChatCompletions | Endpoint::Messages | Endpoint::CreateModelResponse => Some("chat"),
        Endpoint::Completions => Some("text_completion"),
        Endpoint::Embeddings => Some("embeddings"),
        _ => None,
    }
}

/// Sets a header, or takes it out where it has no value.
fn replace(headers: &mut HeaderMap, name: &str, value: String) {
    let (Ok(name), Ok(text)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) else { return };
    if text.is_empty() {
        headers.remove(name);
    } else {
        headers.insert(name, text);
    }
}

/// What a call counts under, and is called by: few enough to be multiplied by all providers.
fn route(endpoint: Endpoint) -> &'static str {
    match endpoint {
        Endpoint::ChatCompletions => "/v1/chat/completions",
        Endpoint::Completions => "/v1/completions",
        Endpoint::Embeddings => "/v1/embeddings",
        Endpoint::Models => "/v1/models",
        Endpoint::Messages | Endpoint::MessagesCountTokens => "/v1/messages",
        Endpoint::CreateModelResponse
        | Endpoint::GetModelResponse
        | Endpoint::DeleteModelResponse
        | Endpoint::ListResponseInputItems => "/v1/responses",
        Endpoint::ImageGenerate | Endpoint::ImageEdit => "/v1/images",
        Endpoint::CreateSpeech | Endpoint::CreateTranscription | Endpoint::CreateTranslation => "/v1/audio",
        Endpoint::UploadFile
        | Endpoint::ListFiles
        | Endpoint::RetrieveFile
        | Endpoint::DeleteFile
        | Endpoint::RetrieveFileContent => "/v1/files",
        Endpoint::CreateBatch
        | Endpoint::ListBatches
        | Endpoint::RetrieveBatch
        | Endpoint::GetBatchOutput
        | Endpoint::CancelBatch => "/v1/batches",
        Endpoint::CreateFinetune
        | Endpoint::ListFinetunes
        | Endpoint::RetrieveFinetune
        | Endpoint::CancelFinetune => "/v1/fine_tuning/jobs",
        Endpoint::Realtime => "/v1/realtime",
        Endpoint::PromptCompletions | Endpoint::PromptRender => "/v1/prompts",
        Endpoint::Proxy | Endpoint::Span => "/v1/{path}",
    }
}
