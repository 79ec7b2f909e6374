//! A log that a client hands in (2.1), made into a record as the gateway's own calls are.

use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;
use providers::Endpoint;
use recorder::{Message, Outcome, Record, Source, Trace};
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::foreign::{Foreign, Inserter};
use super::{headers, url};
use crate::Error;
use crate::fields::{Fields, Sent, kind, shown};

/// Characters of a client's own id, of a metadata key and of its value (2.9).
const MAX_WORD: usize = 128;
const MAX_TRACE_ID: usize = 256;
const MAX_URL: usize = 8192;

/// Pairs of metadata, at most.
const MAX_PAIRS: usize = 100;

/// One log to insert, or several.
#[derive(Deserialize, ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "it says what is read from the body")]
pub(super) enum NewLogs {
    One(Box<NewLog>),
    Several(Several),
}

/// All or none of these.
#[derive(Deserialize, ToSchema)]
#[schema(as = NewLogArray, min_items = 1, max_items = 1000)]
#[expect(dead_code, reason = "it says what is read from the body")]
pub(super) struct Several(Vec<NewLog>);

/// A call that did not come through the gateway.
#[derive(Deserialize, ToSchema)]
#[schema(example = json!({
    "request": {
        "url": "https://api.openai.com/v1/chat/completions",
        "body": {"model": "gpt-4o", "messages": [{"role": "user", "content": "hello"}]}
    },
    "response": {"status": 200, "response_time": 820, "body": {"choices": []}},
    "metadata": {"traceId": "trace-1", "env": "prod"}
}))]
#[expect(dead_code, reason = "it says what is read from the body")]
pub(super) struct NewLog {
    /// The client's own id, with which the entry is safe to repeat.
    #[schema(min_length = 1, max_length = 128)]
    id: Option<String>,
    request: NewLogRequest,
    response: NewLogResponse,
    metadata: Option<NewLogMetadata>,
}

/// What was asked.
#[derive(Deserialize, ToSchema)]
#[expect(dead_code, reason = "it says what is read from the body")]
struct NewLogRequest {
    /// An absolute URL, or a path that begins with one slash.
    #[schema(min_length = 1, max_length = 8192)]
    url: String,
    /// `POST` when left out.
    #[schema(min_length = 1, max_length = 16)]
    method: Option<String>,
    /// A provider's slug; left out, the one at the URL's host.
    #[schema(min_length = 1, max_length = 128)]
    provider: Option<String>,
    /// At most 200.
    headers: Option<HashMap<String, String>>,
    /// Any JSON.
    body: Value,
}

/// What was answered.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "it says what is read from the body")]
struct NewLogResponse {
    /// 200 when left out.
    #[schema(minimum = 100, maximum = 599)]
    status: Option<u16>,
    /// Milliseconds.
    #[serde(rename = "response_time")]
    #[schema(minimum = 0)]
    response_time: Option<f64>,
    /// The same, where there is no `response_time`.
    #[schema(minimum = 0)]
    time: Option<f64>,
    streaming_mode: Option<bool>,
    /// At most 200.
    headers: Option<HashMap<String, String>>,
    /// Any JSON.
    body: Value,
}

/// The call's place in a trace, in either spelling, and at most 100 pairs of the client's own.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "it says what is read from the body")]
struct NewLogMetadata {
    #[schema(min_length = 1, max_length = 256)]
    trace_id: Option<String>,
    #[schema(min_length = 1, max_length = 256)]
    span_id: Option<String>,
    #[schema(min_length = 1, max_length = 256)]
    span_name: Option<String>,
    #[schema(min_length = 1, max_length = 256)]
    parent_span_id: Option<String>,
    #[serde(flatten)]
    pairs: HashMap<String, String>,
}

/// One side as it was handed in, and what is said of it.
struct Request {
    message: Message,
    url: String,
    method: String,
    endpoint: Endpoint,
    provider: String,
    model: Option<String>,
}

struct Response {
    message: Message,
    status: u16,
    latency_us: u64,
    streamed: bool,
}

impl Inserter<'_> {
    /// The record of the entry that is at `at` in the body.
    pub(super) fn record(&self, entry: Value, at: &str) -> Result<Record, Error> {
        let mut fields = Fields::of(entry, at)?;
        let external_id = fields.line("id", MAX_WORD)?;
        let request = fields.object("request")?;
        let request = request_of(fields.required("request", request, "an object with url and body")?)?;
        let response = fields.object("response")?;
        let response = response_of(fields.required("response", response, "an object with body")?)?;
        let (mut trace, metadata) =
            fields.object("metadata")?.map(metadata_of).transpose()?.unwrap_or_default();
        fields.finish()?;
        if trace.trace_id.is_empty() {
            trace.trace_id = self.api.ids.trace_id();
        }
        Ok(self.record_of(Foreign {
            source: Source::Insert,
            external_id,
            endpoint: request.endpoint,
            method: request.method,
            url: request.url,
            provider: request.provider,
            requested_model: request.model,
            metadata,
            trace,
            status: response.status,
            outcome: Outcome::Answered,
            streamed: response.streamed,
            latency_us: response.latency_us,
            first_byte_us: None,
            measured: None,
            given_cost_pusd: None,
            request: request.message,
            response: response.message,
        }))
    }
}

fn request_of(mut fields: Fields) -> Result<Request, Error> {
    let url = fields.line("url", MAX_URL)?;
    let url = fields.required("url", url, "the URL that was called")?;
    let url = url::sanitised(&url).ok_or_else(|| {
        Error::invalid(
            fields.path("url"),
            "not a URL",
            "an absolute URL, or a path that begins with one slash",
        )
    })?;
    let method = method(&mut fields)?;
    let provider = fields.line("provider", MAX_WORD)?;
    let headers = headers::take(&mut fields)?;
    let body = body(&mut fields)?;
    fields.finish()?;
    let model = body.get("model").and_then(Value::as_str).map(|model| model.chars().take(MAX_WORD).collect());
    Ok(Request {
        endpoint: endpoint(&method, url::path(&url)),
        provider: provider.map_or_else(|| provider_at(&url), |name| slug(&name)),
        method: method.to_string(),
        model,
        message: Message { headers, body: bytes(&body) },
        url,
    })
}

fn response_of(mut fields: Fields) -> Result<Response, Error> {
    let status = match fields.take("status") {
        None => 200,
        Some(value) => status_code(&value).ok_or_else(|| {
            Error::invalid(fields.path("status"), format!("found {}", shown(&value)), "an HTTP status code")
        })?,
    };
    let latency_ms = fields.number("response_time")?.or(fields.number("time")?).unwrap_or(0.0);
    let streamed = fields.flag("streamingMode")?.unwrap_or(false);
    let headers = headers::take(&mut fields)?;
    let body = body(&mut fields)?;
    fields.finish()?;
    Ok(Response {
        message: Message { headers, body: bytes(&body) },
        status,
        latency_us: micros(latency_ms),
        streamed,
    })
}

fn status_code(value: &Value) -> Option<u16> {
    let code = u16::try_from(value.as_u64()?).ok()?;
    (100..600).contains(&code).then_some(code)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at least 0, and saturates")]
fn micros(ms: f64) -> u64 {
    // What no call can take would overflow where latencies are added up: a year is plenty.
    (ms.min(31_536_000_000.0) * 1000.0) as u64
}

fn method(fields: &mut Fields) -> Result<http::Method, Error> {
    let text = fields.line("method", 16)?.unwrap_or_else(|| "post".to_owned());
    let method = http::Method::from_bytes(text.to_ascii_uppercase().as_bytes());
    method.map_err(|_| Error::invalid(fields.path("method"), format!("found `{text}`"), "an HTTP method"))
}

/// Null is a body too, an empty one; no body at all is not.
fn body(fields: &mut Fields) -> Result<Value, Error> {
    match fields.sent("body") {
        Sent::As(body) => Ok(body),
        Sent::Null => Ok(Value::Null),
        Sent::Not => Err(Error::invalid(fields.path("body"), "missing", "the body that was sent")),
    }
}

fn bytes(body: &Value) -> Bytes {
    match body {
        Value::Null => Bytes::new(),
        Value::String(text) => Bytes::copy_from_slice(text.as_bytes()),
        other => other.to_string().into(),
    }
}

/// Providers put their version of the API under a path of their own, as in `/openai/v1/chat/completions`.
fn endpoint(method: &http::Method, path: &str) -> Endpoint {
    Endpoint::of(method, path.find("/v1/").map_or(path, |at| &path[at..]))
}

fn slug(name: &str) -> String {
    providers::provider(name).map_or_else(|| name.to_owned(), |provider| provider.slug.clone())
}

/// Whose address a URL has.
fn provider_at(url: &str) -> String {
    let host = ::url::Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned));
    let at_host = |provider: &&providers::Provider| {
        host.is_some() && provider.base.as_ref().and_then(|base| base.host_str()) == host.as_deref()
    };
    providers::all().find(at_host).map_or_else(|| "unknown".to_owned(), |provider| provider.slug.clone())
}

/// Trace keys in both of the contract's spellings; all others are the client's own pairs.
fn metadata_of(mut fields: Fields) -> Result<(Trace, BTreeMap<String, String>), Error> {
    let mut either = |names: [&'static str; 2]| -> Result<Option<String>, Error> {
        let [first, second] = [fields.line(names[0], MAX_TRACE_ID)?, fields.line(names[1], MAX_TRACE_ID)?];
        Ok(first.or(second))
    };
    let trace = Trace {
        trace_id: either(["traceId", "trace_id"])?.unwrap_or_default(),
        span_id: either(["spanId", "span_id"])?,
        span_name: either(["spanName", "span_name"])?,
        parent_span_id: either(["parentSpanId", "parent_span_id"])?,
    };
    let at = fields.path("");
    let pairs = fields.rest();
    if pairs.len() > MAX_PAIRS {
        let problem = format!("{} pairs", pairs.len());
        return Err(Error::invalid(at.trim_end_matches('.'), problem, format!("at most {MAX_PAIRS}")));
    }
    let pair = |(key, value): (String, Value)| {
        let problem = match value {
            Value::String(text) if text.chars().count() <= MAX_WORD && key.chars().count() <= MAX_WORD => {
                return Ok((key, text));
            }
            Value::String(_) => "too long".to_owned(),
            other => format!("found {}", kind(&other)),
        };
        Err(Error::invalid(format!("{at}{key}"), problem, "a string of at most 128 characters"))
    };
    Ok((trace, pairs.into_iter().map(pair).collect::<Result<_, _>>()?))
}
