//! Checks that post the call to the tenant's own service: `webhook` asks for a verdict, `log` only tells.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue};
use serde_json::{Map, Value, json};
use url::Url;

use super::{Change, Finding, Means, Subject};
use crate::parse::Parameters;
use crate::{Phase, content};

/// How long the service may take where the check does not say. The contract's. Milliseconds.
const TIMEOUT_MS: u64 = 3_000;
/// The longest that it may say. Ours.
const MAX_TIMEOUT_MS: u64 = 60_000;
const MAX_HEADERS: usize = 50;

/// What one connection uses for itself.
const NOT_SET: [&str; 5] = ["host", "content-length", "transfer-encoding", "connection", "content-type"];

/// Where to post, and how.
struct Post {
    url: Url,
    headers: Vec<(HeaderName, HeaderValue)>,
    timeout: Duration,
}

impl fmt::Debug for Post {
    /// Headers are how the service knows us: they are secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Post").field("timeout", &self.timeout).finish_non_exhaustive()
    }
}

impl Post {
    fn read(parameters: &mut Parameters<'_>, url_name: &str) -> Option<Self> {
        let expected = format!("a whole number of milliseconds from 1 to {MAX_TIMEOUT_MS}");
        let timeout_ms = parameters.whole("timeout", &expected, 1..=MAX_TIMEOUT_MS).unwrap_or(TIMEOUT_MS);
        let blank =
            parameters.get("headers").and_then(Value::as_str).is_some_and(|text| text.trim().is_empty());
        let sent = if blank { None } else { parameters.object_or_text("headers") };
        let headers = headers(sent.unwrap_or_default(), parameters);
        let url = parameters.url(url_name)?;
        Some(Self { url, headers, timeout: Duration::from_millis(timeout_ms) })
    }
}

fn headers(sent: Map<String, Value>, parameters: &mut Parameters<'_>) -> Vec<(HeaderName, HeaderValue)> {
    if sent.len() > MAX_HEADERS {
        parameters.mistake("headers", format!("must be at most {MAX_HEADERS}"));
    }
    let mut headers = Vec::new();
    for (name, value) in sent {
        let read = HeaderName::try_from(&name).ok().zip(value.as_str().and_then(|text| {
            let mut value = HeaderValue::from_str(text).ok()?;
            value.set_sensitive(true);
            Some(value)
        }));
        match read {
            Some((own, _)) if NOT_SET.contains(&own.as_str()) => {
                parameters.mistake(&format!("headers.{name}"), "is set by the connection");
            }
            Some(header) => headers.push(header),
            None => parameters
                .mistake(&format!("headers.{name}"), "must be a header's name and its value, a string"),
        }
    }
    headers
}

/// `webhook`
#[derive(Debug)]
pub(crate) struct Webhook(Post);

impl Webhook {
    pub fn read(parameters: &mut Parameters<'_>) -> Option<Self> {
        Post::read(parameters, "webhookURL").map(Self)
    }

    pub async fn judge(&self, subject: Subject<'_>, means: Means<'_>) -> Finding<'static> {
        let Post { url, headers, timeout } = &self.0;
        let answer = match means.outside.post(url, headers, told(subject), *timeout).await {
            Ok(answer) => answer,
            Err(failure) => return Finding::trouble("WebhookError", failure.to_string()),
        };
        let Ok(Value::Object(mut answer)) = serde_json::from_slice(&answer) else {
            return Finding::trouble("WebhookError", "the answer is no JSON object");
        };
        let Some(verdict) = answer.get("verdict").and_then(Value::as_bool) else {
            return Finding::trouble("WebhookError", "the answer has no verdict, true or false");
        };
        let mut finding = Finding::of(
            verdict,
            if verdict { "the webhook's verdict is true" } else { "the webhook's verdict is false" },
        );
        if let Some(data) = answer.remove("data") {
            finding = finding.with("responseData", data);
        }
        match transformed(&answer, subject.phase) {
            Some(body) => finding.changing(Change::Whole(body)),
            None => finding,
        }
    }
}

/// The body that a webhook puts in the place of the one it was shown.
fn transformed(answer: &Map<String, Value>, phase: Phase) -> Option<Value> {
    let part = match phase {
        Phase::Input => "request",
        Phase::Output => "response",
    };
    let body = answer.get("transformedData")?.get(part)?.get("json")?;
    body.as_object().filter(|body| !body.is_empty()).map(|body| body.clone().into())
}

/// `log`
#[derive(Debug)]
pub(crate) struct Log(Post);

impl Log {
    pub fn read(parameters: &mut Parameters<'_>) -> Option<Self> {
        Post::read(parameters, "logURL").map(Self)
    }

    pub async fn judge(&self, subject: Subject<'_>, means: Means<'_>) -> Finding<'static> {
        let Post { url, headers, timeout } = &self.0;
        match means.outside.post(url, headers, told(subject), *timeout).await {
            Ok(_) => Finding::of(true, "the call was told"),
            Err(failure) => Finding::trouble("LogError", failure.to_string()),
        }
    }
}

/// What a service is told of a call (contract: 6.2); of its headers nothing.
fn told(subject: Subject<'_>) -> Bytes {
    let call = subject.call;
    let request_text = content::text(call.endpoint, Phase::Input, subject.request);
    let response_text =
        subject.response.map(|json| content::text(call.endpoint, Phase::Output, json)).unwrap_or_default();
    let changed = |phase| subject.changed && subject.phase == phase;
    let told = json!({
        "request": {
            "json": subject.request,
            "text": request_text,
            "isStreamingRequest": call.streamed,
            "isTransformed": changed(Phase::Input),
        },
        "response": {
            "json": subject.response.unwrap_or(&json!({})),
            "text": response_text,
            "statusCode": subject.status,
            "isTransformed": changed(Phase::Output),
        },
        "provider": call.provider,
        "requestType": call.endpoint.name(),
        "metadata": call.metadata,
        "eventType": subject.phase.event(),
    });
    told.to_string().into()
}
