//! One call from its first byte to its last: admit, read, choose a target, ask, pass on, record.

use std::borrow::Cow;
use std::panic::AssertUnwindSafe;

use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, ResponseError, web};
use bytes::Bytes;
use futures_util::FutureExt;
use http::response::Parts as Head;
use hyper::body::Incoming;
use providers::{Endpoint, Peek};

use crate::Gateway;
use crate::admit::{Admitted, admit};
use crate::answer::{self, Passage};
use crate::connection::Watch;
use crate::control::{self, Control};
use crate::credentials;
use crate::error::Error;
use crate::headers;
use crate::limiting;
use crate::observation::Observation;
use crate::reading;
use crate::recording::month;
use crate::target::{self, Target};
use crate::upstream::{Outgoing, Upstream};
use crate::{echo, models};

/// What is passed on. TRACE would show a caller the provider's key, CONNECT is no request for anything.
const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/// `GET /`
pub(crate) async fn greet() -> &'static str {
    "Turnpike, an LLM gateway that keeps the log. Send calls to /v1/chat/completions.\n"
}

/// Whatever is not under `/v1/`.
pub(crate) async fn not_found() -> HttpResponse {
    HttpResponse::NotFound().json(serde_json::json!({"message": "Not Found", "ok": false}))
}

/// Every call under `/v1/` that is not the control plane's.
pub(crate) async fn handle(
    request: HttpRequest,
    payload: web::Payload,
    gateway: web::Data<Gateway>,
    upstream: web::Data<Upstream>,
) -> HttpResponse {
    if !METHODS.contains(&request.method().as_str()) {
        return not_found().await;
    }
    let endpoint = headers::endpoint(&request);
    let observation = Observation::begin(&gateway, &request, endpoint);
    let span = observation.span();
    // The record is handed over while a panic unwinds; what is left to do is to answer.
    // Kilobytes that would be moved with each of the futures around them.
    let served = Box::pin(serve(&request, payload, endpoint, &gateway, &upstream, observation));
    let served = AssertUnwindSafe(telemetry::within(span, served)).catch_unwind();
    served.await.unwrap_or_else(|_| Error::Internal.error_response())
}

/// What came of asking.
enum Answer {
    Upstream { head: Head, body: Incoming },
    Made { status: u16, chunks: Vec<Bytes>, event_stream: bool },
}

/// A call as far as it is known.
struct Call<'a> {
    request: &'a HttpRequest,
    gateway: &'a Gateway,
    upstream: &'a Upstream,
    endpoint: Endpoint,
    watch: Watch,
    /// The gateway's own headers for the response.
    own_headers: Vec<(HeaderName, HeaderValue)>,
    provider: String,
}

async fn serve(
    request: &HttpRequest,
    payload: web::Payload,
    endpoint: Endpoint,
    gateway: &Gateway,
    upstream: &Upstream,
    observation: Observation,
) -> HttpResponse {
    // The server reads the body of such a request until the connection ends, whatever its length says.
    let upgrade = request.headers().get("upgrade").map(HeaderValue::as_bytes).unwrap_or_default();
    if upgrade.eq_ignore_ascii_case(b"websocket") && endpoint != Endpoint::Realtime {
        let error = Error::invalid("upgrade", "only /v1/realtime is a WebSocket");
        observation.refused(&error);
        return error.error_response();
    }
    let mut admitted = match admit(request, gateway, observation).await {
        Ok(admitted) => admitted,
        Err(error) => return error.error_response(),
    };
    let mut call = Call {
        request,
        gateway,
        upstream,
        endpoint,
        watch: Watch::of(request),
        own_headers: Vec::new(),
        provider: String::new(),
    };
    let answered = call.ask(payload, &mut admitted).await;
    call.own_headers.extend(quota_header(&admitted, gateway));
    let answer = match answered {
        Ok(answer) => answer,
        Err(error) => return refuse(error, call, admitted).await,
    };
    let passage = Passage {
        recording: admitted.recording,
        watch: call.watch,
        provider: call.provider,
        endpoint: call.endpoint,
        head_only: request.method() == actix_web::http::Method::HEAD,
        idle_timeout: gateway.settings.gateway.stream_idle_timeout,
        sensitive_headers: admitted.sensitive_headers,
        own_headers: call.own_headers,
    };
    match answer {
        Answer::Upstream { head, body } => answer::pass_on(head, body, passage).await,
        Answer::Made { status, chunks, event_stream } => {
            answer::make(status, chunks, event_stream, passage).await
        }
    }
}

/// Answers with an error, once the call is recorded with it.
async fn refuse(error: Error, call: Call<'_>, admitted: Admitted) -> HttpResponse {
    let status = error.status_code().as_u16();
    admitted.recording.end_with(error.outcome(), status, &error.json()).await;
    let mut response = error.error_response();
    for (name, value) in call.own_headers {
        response.headers_mut().insert(name, value);
    }
    response
}

impl Call<'_> {
    async fn ask(&mut self, payload: web::Payload, admitted: &mut Admitted) -> Result<Answer, Error> {
        let control = self.control(admitted)?;
        admitted.check_scope()?;
        admitted.check_organisation(self.gateway)?;
        if self.endpoint == Endpoint::Realtime {
            self.reserve(admitted, &control, None, &[]).await?;
            return Err(Error::Realtime);
        }
        if takes_json(self.endpoint) {
            self.ask_with_json(payload, &control, admitted).await
        } else if self.endpoint == Endpoint::Models && control.names_no_target() {
            self.reserve(admitted, &control, None, &[]).await?;
            let chunks = vec![models::list(admitted, self.gateway).await?];
            "turnpike".clone_into(&mut self.provider);
            admitted.recording.edit(|record| "turnpike".clone_into(&mut record.provider));
            Ok(Answer::Made { status: 200, chunks, event_stream: false })
        } else {
            let target = self.choose(&control, None, admitted).await?;
            self.reserve(admitted, &control, Some(&target), &[]).await?;
            let body = self.body(payload, admitted).await?;
            self.ask_target(target, body, &control, admitted).await
        }
    }

    fn control(&mut self, admitted: &mut Admitted) -> Result<Control, Error> {
        let client = self.request.headers();
        let span_name = format!("{} {}", self.request.method(), self.request.path());
        let control = Control::read(client, &span_name, &self.gateway.ids);
        let (trace, metadata) = match &control {
            Ok(control) => (control.trace.clone(), control.metadata.clone()),
            // A call that is refused for one header is found by the others.
            Err(_) => control::readable(client, &span_name, &self.gateway.ids),
        };
        self.own_headers = own_headers(&trace.trace_id, admitted);
        admitted.recording.edit(|record| {
            record.trace = trace;
            record.metadata = metadata;
        });
        control
    }

    async fn ask_with_json(
        &mut self,
        mut payload: web::Payload,
        control: &Control,
        admitted: &mut Admitted,
    ) -> Result<Answer, Error> {
        check_json_type(self.request)?;
        let max = self.gateway.settings.gateway.max_body_bytes;
        let body = reading::read_whole(&mut payload, max, content_length(self.request)).await?;
        if let Some(capture) = admitted.recording.request_capture() {
            capture.keep(body.clone());
        }
        let peek = providers::peek(&body)?;
        admitted.recording.edit(|record| {
            record.requested_model = peek.model.as_deref().map(shortened);
            // What the body says is content; under Do Not Track only what the metadata header says is kept.
            if let Some(user) = peek.user.as_ref().filter(|_| control.debug) {
                record.metadata.entry("_user".to_owned()).or_insert_with(|| shortened(user));
            }
        });
        let target = self.choose(control, Some(&peek), admitted).await?;
        let body = match (&target.model, peek.model_span) {
            (Some(model), Some(span)) => Bytes::from(providers::with_model(&body, span, model)),
            _ => body,
        };
        self.reserve(admitted, control, Some(&target), &body).await?;
        if target.is_echo() {
            let now_s = self.gateway.clock.now_s();
            let (status, chunks, event_stream) = echo::answer(self.endpoint, &body, admitted.id, now_s);
            return Ok(Answer::Made { status, chunks, event_stream });
        }
        self.ask_target(target, Outgoing::Whole(body), control, admitted).await
    }

    async fn choose(
        &mut self,
        control: &Control,
        peek: Option<&Peek<'_>>,
        admitted: &mut Admitted,
    ) -> Result<Target, Error> {
        let client = self.request.headers();
        let target = target::choose(control, peek, client, admitted, self.gateway).await?;
        self.provider.clone_from(&target.provider.slug);
        self.own_headers.extend(target_headers(&target));
        admitted.recording.edit(|record| {
            record.provider.clone_from(&target.provider.slug);
            record.virtual_key.clone_from(&target.virtual_key);
            if target.model.is_some() {
                record.requested_model.clone_from(&target.model);
            }
            if let Some(origin) = &target.origin {
                record.url = origin.shown(headers::path(self.request));
            }
        });
        target.check_endpoint(self.endpoint)?;
        Ok(target)
    }

    async fn reserve(
        &self,
        admitted: &Admitted,
        control: &Control,
        target: Option<&Target>,
        body: &[u8],
    ) -> Result<(), Error> {
        limiting::reserve(self.gateway, admitted, control, self.endpoint, target, body).await
    }

    /// The client's body as it comes; none where the request has none.
    async fn body(&self, mut payload: web::Payload, admitted: &Admitted) -> Result<Outgoing, Error> {
        let length = content_length(self.request);
        if length.is_none_or(|length| length == 0)
            && !self.request.headers().contains_key("transfer-encoding")
        {
            return Ok(Outgoing::Whole(Bytes::new()));
        }
        let settings = &self.gateway.settings.gateway;
        let capture = admitted.recording.request_capture();
        // The client upstream gives methods that seldom have a body one only when its length is known.
        if length.is_none() && matches!(self.request.method().as_str(), "GET" | "HEAD") {
            let body = reading::read_whole(&mut payload, settings.max_body_bytes, None).await?;
            if let Some(capture) = capture {
                capture.keep(body.clone());
            }
            return Ok(Outgoing::Whole(body));
        }
        if length.is_some_and(|length| length > settings.max_upload_bytes as u64) {
            return Err(Error::UploadTooLarge);
        }
        Ok(Outgoing::Streamed {
            pieces: reading::stream(payload, settings.max_upload_bytes, capture),
            length,
        })
    }

    async fn ask_target(
        &mut self,
        target: Target,
        body: Outgoing,
        control: &Control,
        admitted: &mut Admitted,
    ) -> Result<Answer, Error> {
        if target.is_echo() {
            let (status, chunks, event_stream) = echo::beyond(self.endpoint, self.gateway.clock.now_s());
            return Ok(Answer::Made { status, chunks, event_stream });
        }
        let timeout = control.request_timeout.unwrap_or(self.gateway.settings.gateway.request_timeout);
        let mut request = self.build(&target, body, control)?;
        admitted.recording.asks(&mut request);
        let asked = self.upstream.ask(request, &self.provider, timeout, &mut self.watch).await?;
        let (head, body) = asked.into_parts();
        Ok(Answer::Upstream { head, body })
    }

    fn build(
        &self,
        target: &Target,
        body: Outgoing,
        control: &Control,
    ) -> Result<http::Request<Outgoing>, Error> {
        let method = http::Method::from_bytes(self.request.method().as_str().as_bytes())
            .map_err(|_| Error::invalid("method", "is not an HTTP method"))?;
        let mut request = http::Request::new(body);
        *request.method_mut() = method;
        headers::pass_up(self.request.headers(), self.endpoint, &control.forward_headers, &mut request);
        for (name, value) in &target.provider.headers {
            if !request.headers().contains_key(name) {
                headers::set(request.headers_mut(), name, value.as_bytes());
            }
        }
        let auth = &target.provider.auth;
        let key_in_query = credentials::apply(auth, target.secret.as_ref(), request.headers_mut());
        let (path, query) = (headers::path(self.request), self.request.query_string());
        let origin = target.origin.as_ref();
        *request.uri_mut() = origin
            .and_then(|origin| origin.uri(path, query, key_in_query.as_deref()))
            .ok_or_else(|| Error::invalid("path", "does not make a valid URL with the target's host"))?;
        Ok(request)
    }
}

/// The endpoints whose body is one JSON object that the gateway looks into.
fn takes_json(endpoint: Endpoint) -> bool {
    matches!(
        endpoint,
        Endpoint::ChatCompletions
            | Endpoint::Completions
            | Endpoint::Embeddings
            | Endpoint::Messages
            | Endpoint::MessagesCountTokens
            | Endpoint::CreateModelResponse
            | Endpoint::ImageGenerate
            | Endpoint::CreateSpeech
    )
}

fn content_length(request: &HttpRequest) -> Option<u64> {
    request.headers().get("content-length")?.to_str().ok()?.parse().ok()
}

fn check_json_type(request: &HttpRequest) -> Result<(), Error> {
    let content_type = request.headers().get("content-type").and_then(|value| value.to_str().ok());
    let essence = content_type.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    Err(Error::invalid("content-type", "must be application/json for this endpoint"))
}

/// Names in a log are of a bounded length, whatever the body says.
fn shortened(name: &str) -> String {
    name.chars().take(256).collect()
}

fn own_headers(trace_id: &str, admitted: &Admitted) -> Vec<(HeaderName, HeaderValue)> {
    let mut headers = Vec::with_capacity(8);
    if let Ok(value) = HeaderValue::from_bytes(trace_id.as_bytes()) {
        headers.push((HeaderName::from_static("x-portkey-trace-id"), value));
    }
    if let Ok(value) = HeaderValue::from_str(&admitted.id.to_string()) {
        headers.push((HeaderName::from_static("x-turnpike-log-id"), value));
    }
    headers
}

/// What the contract tells of the target that was used.
fn target_headers(target: &Target) -> Vec<(HeaderName, HeaderValue)> {
    let mut headers: Vec<_> = [
        ("x-portkey-last-used-option-index", "config"),
        ("x-portkey-retry-attempt-count", "0"),
        ("x-portkey-cache-status", "DISABLED"),
    ]
    .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
    .into();
    if let Ok(value) = HeaderValue::from_str(&target.provider.slug) {
        headers.push((HeaderName::from_static("x-portkey-provider"), value));
    }
    headers
}

/// Where the organisation's quota stands, as far as that is known here.
fn quota_header(admitted: &Admitted, gateway: &Gateway) -> Option<(HeaderName, HeaderValue)> {
    let key = quota::Key { organisation: admitted.tenant.organisation_id, month: month(admitted.id) };
    let used = gateway.ledger.known(key)?;
    let limit = admitted.tenant.terms.limit().map_or(Cow::Borrowed("unlimited"), |n| n.to_string().into());
    let value = HeaderValue::from_str(&format!("{used}/{limit}")).ok()?;
    Some((HeaderName::from_static("x-turnpike-log-quota"), value))
}
