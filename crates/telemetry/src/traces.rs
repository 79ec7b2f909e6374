//! Spans that are begun and ended by hand: a call goes through many futures, and a `tracing` span over all of them costs more.

use std::borrow::Cow;

use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator as _};
use opentelemetry::trace::{
    SpanBuilder, SpanKind, Status, TraceContextExt as _, Tracer as _, TracerProvider as _,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};
use tracing::Subscriber;
use tracing_opentelemetry::OpenTelemetryLayer;
use tracing_subscriber::registry::LookupSpan;

use crate::exemplars::Place;

/// Begins spans where spans are exported; where not, it does nothing and builds nothing. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Tracer(Option<SdkTracer>);

/// A span's name and the attributes that are known at its begin.
pub type Begin = (Cow<'static, str>, Vec<KeyValue>);

/// What HTTP's conventions say of a request, as far as it is known at its begin.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    pub method: &'static str,
    pub route: &'static str,
    /// Without its query.
    pub path: &'a str,
    /// As the header `host` has it.
    pub host: Option<&'a str>,
}

impl Request<'_> {
    /// The begin of its span.
    #[must_use]
    pub fn begin(&self) -> Begin {
        let mut attributes = vec![
            KeyValue::new("http.request.method", self.method),
            KeyValue::new("http.route", self.route),
            KeyValue::new("url.path", self.path.to_owned()),
            KeyValue::new("url.scheme", "http"),
        ];
        if let Some(host) = self.host {
            let (name, port) = match host.rsplit_once(':') {
                Some((name, port)) if !port.ends_with(']') => (name, port.parse::<u16>().ok()),
                _ => (host, None),
            };
            attributes.push(KeyValue::new("server.address", name.to_owned()));
            attributes.extend(port.map(|port| KeyValue::new("server.port", i64::from(port))));
        }
        (format!("{} {}", self.method, self.route).into(), attributes)
    }
}

/// A method by its name in attributes: of those that are not HTTP's, callers could make up any number.
#[must_use]
pub fn method(name: &str) -> &'static str {
    const KNOWN: [&str; 9] = ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE", "CONNECT"];
    KNOWN.into_iter().find(|known| *known == name).unwrap_or("_OTHER")
}

/// Does `work` as a part of `span`: what is said and begun meanwhile is under it.
pub async fn within<T>(span: Option<Span>, work: impl Future<Output = T>) -> T {
    let mut work = std::pin::pin!(work);
    std::future::poll_fn(|context| {
        let _current = span.as_ref().map(|span| span.context.clone().attach());
        work.as_mut().poll(context)
    })
    .await
}

/// A span that is not ended yet: it ends when it is told to, or when the last of its clones is dropped.
#[derive(Clone, Debug)]
pub struct Span {
    context: Context,
    tracer: SdkTracer,
}

impl Tracer {
    pub(crate) fn of(provider: &SdkTracerProvider) -> Self {
        Self(Some(provider.tracer("turnpike")))
    }

    /// Brings the spans of `tracing` to where ours go.
    pub(crate) fn layer<S>(&self) -> Option<OpenTelemetryLayer<S, SdkTracer>>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let tracer = self.0.clone()?;
        Some(tracing_opentelemetry::layer().with_tracer(tracer).with_location(false).with_threads(false))
    }

    /// Begins the span of a request from outside, under the caller's span if its headers name one (W3C Trace Context).
    pub fn serve<'a>(
        &self,
        header: impl Fn(&str) -> Option<&'a str>,
        begin: impl FnOnce() -> Begin,
    ) -> Option<Span> {
        let tracer = self.0.as_ref()?;
        let callers = Callers { traceparent: header("traceparent"), tracestate: header("tracestate") };
        let parent = TraceContextPropagator::new().extract_with_context(&Context::new(), &callers);
        Some(Span::begin(tracer, SpanKind::Server, &parent, begin()))
    }
}

impl Span {
    fn begin(tracer: &SdkTracer, kind: SpanKind, parent: &Context, (name, attributes): Begin) -> Self {
        let builder = SpanBuilder::from_name(name).with_kind(kind).with_attributes(attributes);
        let span = tracer.build_with_context(builder, parent);
        Self { context: parent.with_span(span), tracer: tracer.clone() }
    }

    /// Begins the span of a request that we make for this one.
    #[must_use]
    pub fn ask(&self, begin: Begin) -> Self {
        Self::begin(&self.tracer, SpanKind::Client, &self.context, begin)
    }

    /// Whether anybody will see what is set; not where the sampler left it out.
    #[must_use]
    pub fn is_recorded(&self) -> bool {
        self.context.span().is_recording()
    }

    /// Where it is in which trace, for the numbers of it; none where nobody will see it.
    #[must_use]
    pub fn place(&self) -> Option<Place> {
        let of = self.context.span().span_context().clone();
        self.is_recorded().then(|| Place { trace: of.trace_id(), span: of.span_id() })
    }

    pub fn set(&self, attributes: impl IntoIterator<Item = KeyValue>) {
        self.context.span().set_attributes(attributes);
    }

    /// It ends badly: a word of ours or a status, never what somebody said.
    pub fn fail(&self, error_type: impl Into<Cow<'static, str>>) {
        let span = self.context.span();
        span.set_attribute(KeyValue::new("error.type", error_type.into()));
        span.set_status(Status::error(""));
    }

    pub fn end(&self) {
        self.context.span().end();
    }

    /// Gives the headers that make this span the parent of what the other side does; one without a value is to be left out.
    pub fn put(&self, header: impl FnMut(&str, String)) {
        TraceContextPropagator::new().inject_context(&self.context, &mut Ours(header));
    }
}

/// The caller's place in a trace, as its headers have it.
struct Callers<'a> {
    traceparent: Option<&'a str>,
    tracestate: Option<&'a str>,
}

impl Extractor for Callers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        match key {
            "traceparent" => self.traceparent,
            "tracestate" => self.tracestate,
            _ => None,
        }
    }

    fn keys(&self) -> Vec<&str> {
        vec!["traceparent", "tracestate"]
    }
}

/// Our place, given to what writes headers.
struct Ours<F>(F);

impl<F: FnMut(&str, String)> Injector for Ours<F> {
    fn set(&mut self, key: &str, value: String) {
        (self.0)(key, value);
    }
}
