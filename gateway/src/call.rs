//! One call from its first byte to its last: admit, read, choose a target, ask, pass on, record.

use std::panic::AssertUnwindSafe;

use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, ResponseError, web};
use bytes::Bytes;
use futures_util::FutureExt;
use providers::{Endpoint, Peek};
use recorder::Routing;

use crate::admit::{Admitted, admit};
use crate::answer::{self, Answer, Passage};
use crate::connection::Watch;
use crate::control::{self, Control};
use crate::error::Error;
use crate::limiting;
use crate::observation::Observation;
use crate::route::{self, Brought, ConfigInUse};
use crate::target::{self, Target};
use crate::upstream::{Outgoing, Upstream};
use crate::{Gateway, content, echo, headers, models, told};

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

/// A call as far as it is known.
pub(crate) struct Call<'a> {
    pub request: &'a HttpRequest,
    pub gateway: &'a Gateway,
    pub upstream: &'a Upstream,
    pub endpoint: Endpoint,
    pub watch: Watch,
    /// The gateway's own headers for the response, but for what they say of the target.
    pub own_headers: Vec<(HeaderName, HeaderValue)>,
    pub provider: String,
    /// How it came to its target; none before there is one.
    pub routing: Option<Routing>,
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
        routing: None,
    };
    let answered = call.ask(payload, &mut admitted).await;
    if let Some(routing) = &call.routing {
        told::of_target(routing, &call.provider, &mut call.own_headers);
    }
    call.own_headers.extend(told::quota(&admitted, gateway));
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
    answer::pass_on(answer, passage).await
}

/// Answers with an error, once the call is recorded with it.
async fn refuse(error: Error, mut call: Call<'_>, admitted: Admitted) -> HttpResponse {
    let status = error.status_code().as_u16();
    // Of what was wrong before there was a target nothing is said of one.
    if call.routing.is_some() && !error.is_of_target() {
        call.own_headers.push(told::exception());
    }
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
            limiting::reserve(self, admitted, &control, None, &[]).await?;
            return Err(Error::Realtime);
        }
        let config = route::config::of(&control, admitted, self.gateway).await?;
        let names_no_target = || config.as_ref().is_none_or(ConfigInUse::names_no_target);
        if self.endpoint == Endpoint::Models && control.names_no_target() && names_no_target() {
            return self.list_models(&control, admitted).await;
        }
        if let Some(config) = &config {
            // What plain calls have no use for is not part of their future.
            return Box::pin(self.ask_by_config(config, payload, &control, admitted)).await;
        }
        if content::takes_json(self.endpoint) {
            self.ask_with_json(payload, &control, admitted).await
        } else {
            let target = self.choose(&control, None, admitted).await?;
            limiting::reserve(self, admitted, &control, Some(&target), &[]).await?;
            let body = content::as_it_comes(self.request, payload, self.gateway, admitted).await?;
            self.ask_target(target, body, &control, admitted).await
        }
    }

    fn control(&mut self, admitted: &mut Admitted) -> Result<Control, Error> {
        let client = self.request.headers();
        let span_name = format!("{} {}", self.request.method(), self.request.path());
        let mut control = Control::read(client, &span_name, &self.gateway.ids);
        let (trace, mut metadata) = match &control {
            Ok(control) => (control.trace.clone(), control.metadata.clone()),
            // A call that is refused for one header is found by the others.
            Err(_) => control::readable(client, &span_name, &self.gateway.ids),
        };
        if let Some(defaults) = &admitted.tenant.defaults {
            control::add_defaults(&mut metadata, &defaults.metadata);
            if let Ok(control) = &mut control {
                control.metadata.clone_from(&metadata);
            }
        }
        self.own_headers = told::of_call(&trace.trace_id, admitted);
        admitted.recording.edit(|record| {
            record.trace = trace;
            record.metadata = metadata;
        });
        control
    }

    async fn list_models(&mut self, control: &Control, admitted: &mut Admitted) -> Result<Answer, Error> {
        limiting::reserve(self, admitted, control, None, &[]).await?;
        let chunks = vec![models::list(admitted, self.gateway).await?];
        "turnpike".clone_into(&mut self.provider);
        admitted.recording.edit(|record| "turnpike".clone_into(&mut record.provider));
        Ok(answer::made(200, chunks, false))
    }

    async fn ask_with_json(
        &mut self,
        payload: web::Payload,
        control: &Control,
        admitted: &mut Admitted,
    ) -> Result<Answer, Error> {
        let body = content::json(self.request, payload, self.gateway, admitted).await?;
        let peek = providers::peek(&body)?;
        note(&peek, control, admitted);
        let target = self.choose(control, Some(&peek), admitted).await?;
        let body = with_model(&body, Some(&peek), &target);
        limiting::reserve(self, admitted, control, Some(&target), &body).await?;
        self.ask_target(target, Outgoing::Whole(body), control, admitted).await
    }

    /// The same under a config.
    async fn ask_by_config(
        &mut self,
        config: &ConfigInUse,
        payload: web::Payload,
        control: &Control,
        admitted: &mut Admitted,
    ) -> Result<Answer, Error> {
        admitted.recording.edit(|record| record.config.clone_from(&config.saved));
        if content::takes_json(self.endpoint) {
            let body = content::json(self.request, payload, self.gateway, admitted).await?;
            let peek = providers::peek(&body)?;
            note(&peek, control, admitted);
            route::ask(self, config, Brought::json(body.clone(), Some(&peek)), control, admitted).await
        } else if content::is_json(self.request) {
            let body = content::whole(self.request, payload, self.gateway, admitted).await?;
            // What it must look like is the provider's to say.
            let peek = providers::peek(&body).ok();
            route::ask(self, config, Brought::json(body.clone(), peek.as_ref()), control, admitted).await
        } else {
            let body = content::as_it_comes(self.request, payload, self.gateway, admitted).await?;
            route::ask(self, config, Brought::other(body), control, admitted).await
        }
    }

    async fn choose(
        &mut self,
        control: &Control,
        peek: Option<&Peek<'_>>,
        admitted: &mut Admitted,
    ) -> Result<Target, Error> {
        let client = self.request.headers();
        let target = target::choose(control, peek, client, admitted, self.gateway).await?;
        self.goes_to(&target, Routing::default(), admitted);
        let model = target.model.as_deref().or_else(|| peek?.model.as_deref());
        target.check(self.endpoint, model, self.request.method())?;
        Ok(target)
    }

    /// The call has a target: its response and its log name it.
    pub(crate) fn goes_to(&mut self, target: &Target, routing: Routing, admitted: &mut Admitted) {
        self.provider.clone_from(&target.provider.slug);
        self.routing = Some(routing);
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
    }

    async fn ask_target(
        &mut self,
        target: Target,
        body: Outgoing,
        control: &Control,
        admitted: &mut Admitted,
    ) -> Result<Answer, Error> {
        if target.is_echo() {
            return Ok(self.echo(&body, admitted));
        }
        let timeout = control.request_timeout.unwrap_or(self.gateway.settings.gateway.request_timeout);
        let mut request = target.request(self.request, self.endpoint, &control.forward_headers, body)?;
        admitted.recording.asks(&mut request, 0);
        let asked = self.upstream.ask(request, &self.provider, timeout, &mut self.watch).await?;
        let (head, body) = asked.into_parts();
        Ok(Answer { head, body: answer::Body::Upstream(body) })
    }

    /// The built-in provider's answer.
    pub(crate) fn echo(&self, body: &Outgoing, admitted: &Admitted) -> Answer {
        let now_s = self.gateway.clock.now_s();
        match body {
            Outgoing::Whole(body) if content::takes_json(self.endpoint) => {
                echo::answer(self.endpoint, body, admitted.id, now_s)
            }
            _ => echo::answer(self.endpoint, &[], uuid::Uuid::nil(), now_s),
        }
    }
}

/// The body as `target` takes it: where it named a virtual key beside the model, with the model alone.
pub(crate) fn with_model(body: &Bytes, peek: Option<&Peek<'_>>, target: &Target) -> Bytes {
    match (&target.model, peek.and_then(|peek| peek.model_span.clone())) {
        (Some(model), Some(span)) => Bytes::from(providers::with_model(body, span, model)),
        _ => body.clone(),
    }
}

/// The log says what the body says of itself.
fn note(peek: &Peek<'_>, control: &Control, admitted: &mut Admitted) {
    admitted.recording.edit(|record| {
        record.requested_model = peek.model.as_deref().map(shortened);
        // What the body says is content; under Do Not Track only what the metadata header says is kept.
        if let Some(user) = peek.user.as_ref().filter(|_| control.debug && !control.names_user) {
            record.metadata.insert("_user".to_owned(), shortened(user));
        }
    });
}

/// Names in a log are of a bounded length, whatever the body says.
pub(crate) fn shortened(name: &str) -> String {
    name.chars().take(256).collect()
}
