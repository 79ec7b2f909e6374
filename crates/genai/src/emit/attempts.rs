//! The attempts of a call that ran under a config: what each target was asked, and what became of it.

use std::borrow::Cow;

use entity::log;
use opentelemetry_proto::tonic::trace::v1::span::{Event, SpanKind};
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{Span, Status};
use serde::Deserialize;

use super::attributes::Attributes;
use super::operation;
use crate::names;

/// What a log says of one attempt. Of what a later version may write, the rest is left.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Attempt {
    pub target: String,
    pub provider: String,
    pub model: Option<String>,
    pub url: String,
    pub retry: u16,
    pub status: Option<i64>,
    pub error: Option<String>,
    pub started_us: i64,
    pub latency_us: i64,
}

/// The attempts of a log; none where the one attempt was all that the log says.
pub(super) fn of(log: &log::Model) -> Vec<Attempt> {
    log.attempts.as_ref().and_then(|attempts| Vec::deserialize(attempts).ok()).unwrap_or_default()
}

impl Attempt {
    /// Whether the provider was asked: not where the cache answered, a guardrail denied the call, or a limit of its key.
    pub(super) fn is_asked(&self) -> bool {
        self.status.is_some() || (self.error.is_some() && self.latency_us > 0)
    }

    /// `error.type` of an attempt that the call went on after.
    fn error_type(&self) -> Option<Cow<'static, str>> {
        match self.status {
            Some(status) if status < 400 => None,
            Some(status) => Some(status.to_string().into()),
            None => Some("upstream_failed".into()),
        }
    }

    /// Begins and ends a span as the attempt did, and says which it was.
    pub(super) fn time(&self, log: &log::Model, span: &mut Span) {
        span.start_time_unix_nano = operation::at(log, self.started_us);
        span.end_time_unix_nano = operation::at(log, self.started_us.saturating_add(self.latency_us));
        let mut attributes = Attributes::default();
        attributes.text(names::TARGET, &self.target);
        attributes
            .int(names::HTTP_REQUEST_RESEND_COUNT, Some(i64::from(self.retry)).filter(|retry| *retry > 0));
        span.attributes.extend(attributes.done());
    }

    /// The CLIENT span of an attempt whose answer was not the call's; `attributes` say whose call it was.
    pub(super) fn passed_over(&self, log: &log::Model, number: u16, whose: Attributes) -> Span {
        let mut attributes = Attributes::default();
        let operation = operation::name(log);
        attributes.text(names::OPERATION_NAME, operation);
        attributes.text(names::PROVIDER_NAME, operation::provider_named(&self.provider));
        attributes.text_if(names::REQUEST_MODEL, self.model.as_deref());
        if let Some((address, port)) = operation::server_at(&self.url) {
            attributes.text(names::SERVER_ADDRESS, &address);
            attributes.int(names::SERVER_PORT, port);
            attributes.text(names::URL_FULL, &self.url);
        }
        attributes.text(names::HTTP_REQUEST_METHOD, &log.method);
        attributes.int(names::HTTP_RESPONSE_STATUS_CODE, self.status);
        let error = self.error_type();
        attributes.text_if(names::ERROR_TYPE, error.as_deref());
        attributes.int(names::ATTEMPT, Some(number.into()));
        let model = self.model.as_deref();
        let mut all = attributes.done();
        all.extend(whose.done());
        let mut span = Span {
            kind: SpanKind::Client.into(),
            name: model.map_or_else(|| operation.to_owned(), |model| format!("{operation} {model}")),
            attributes: all,
            status: error.is_some().then(|| self.failure()),
            ..Span::default()
        };
        self.time(log, &mut span);
        span
    }

    fn failure(&self) -> Status {
        let message = match (&self.error, self.status) {
            (Some(error), _) => error.clone(),
            (None, Some(status)) => format!("answered with status {status}"),
            (None, None) => "there was no answer".to_owned(),
        };
        Status { code: StatusCode::Error.into(), message }
    }
}

/// What was done for a call beside asking: events of its SERVER span.
pub(super) fn events(log: &log::Model, attempts: &[Attempt]) -> Vec<Event> {
    let mut events = Vec::new();
    if log.cache_status != "DISABLED" {
        let mut attributes = Attributes::default();
        attributes.text(names::CACHE_STATUS, &log.cache_status);
        let last = attempts.last().map_or(0, |attempt| attempt.started_us);
        events.push(attributes.event(names::CACHE_EVENT, operation::at(log, last)));
    }
    for (number, pair) in attempts.windows(2).enumerate() {
        let [before, attempt] = pair else { continue };
        let mut attributes = Attributes::default();
        attributes.text(names::TARGET, &attempt.target);
        attributes.int(names::ATTEMPT, i64::try_from(number + 1).ok());
        attributes.text_if(names::ERROR_TYPE, before.error_type().as_deref());
        let name = if attempt.retry > 0 { names::RETRY_EVENT } else { names::FALLBACK_EVENT };
        events.push(attributes.event(name, operation::at(log, attempt.started_us)));
    }
    events
}
