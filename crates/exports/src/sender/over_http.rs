//! OTLP over HTTP, as protobuf and as JSON (OpenTelemetry, "OTLP Specification", OTLP/HTTP).

use std::io::Write;
use std::time::Duration;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER, USER_AGENT};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use prost::Message;
use serde::Serialize;
use url::Url;

use super::{Accepted, MAX_ANSWER, SendError, Sender, answer, unanswered, words};
use crate::destination::{Destination, Protocol};

/// Where a signal goes: what the endpoint says, or beside what it says of another signal.
pub(super) fn signal_url(endpoint: &Url, signal: &str) -> String {
    let base = endpoint.as_str().trim_end_matches('/');
    let base = base.strip_suffix("/v1/traces").or_else(|| base.strip_suffix("/v1/metrics")).unwrap_or(base);
    format!("{base}/v1/{signal}")
}

impl Sender {
    pub(super) async fn post<B: Message + Serialize>(
        &self,
        to: &Destination,
        signal: &str,
        headers: HeaderMap,
        batch: &B,
    ) -> Result<Accepted, SendError> {
        let json = to.protocol == Protocol::HttpJson;
        let body =
            if json { serde_json::to_vec(batch).map_err(|_| unwritable())? } else { batch.encode_to_vec() };
        // Compressing is computation: not for a thread that others wait for.
        let packed = tokio::task::spawn_blocking(move || gzip(&body)).await;
        let body = packed.map_err(|_| unwritable())?.map_err(|_| unwritable())?;
        let mut request = Request::new(Full::new(Bytes::from(body)));
        *request.method_mut() = http::Method::POST;
        *request.uri_mut() = signal_url(&to.endpoint, signal)
            .parse()
            .map_err(|_| SendError::last("the endpoint is no URL to send to"))?;
        *request.headers_mut() = headers;
        let kind = if json { "application/json" } else { "application/x-protobuf" };
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        request.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        request.headers_mut().entry(USER_AGENT).or_insert(HeaderValue::from_static(super::USER_AGENT));
        let response = self.http.request(request).await.map_err(|error| unanswered(&error))?;
        let (parts, body) = response.into_parts();
        // What cannot be read of an answer changes nothing of its status.
        let said = Limited::new(body, MAX_ANSWER).collect().await.map(http_body_util::Collected::to_bytes);
        self.judged(&Response::from_parts(parts, said.unwrap_or_default()))
    }

    fn judged(&self, response: &Response<Bytes>) -> Result<Accepted, SendError> {
        let status = response.status();
        let json = response
            .headers()
            .get(CONTENT_TYPE)
            .is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
        if status.is_success() {
            return Ok(answer::taken(response.body(), json));
        }
        let said = answer::refused(response.body(), json).and_then(|said| words(&said));
        let said = said.map_or_else(String::new, |said| format!(": {said}"));
        let redirected = if status.is_redirection() { "; redirects are not followed" } else { "" };
        Err(SendError {
            // OTLP's four; and who is not let in holds its spans until the headers are mended, or they are too old.
            retryable: matches!(
                status,
                StatusCode::UNAUTHORIZED
                    | StatusCode::FORBIDDEN
                    | StatusCode::TOO_MANY_REQUESTS
                    | StatusCode::BAD_GATEWAY
                    | StatusCode::SERVICE_UNAVAILABLE
                    | StatusCode::GATEWAY_TIMEOUT
            ),
            retry_after: response
                .headers()
                .get(RETRY_AFTER)
                .and_then(|value| after(value.to_str().ok()?, self.clock.now_ms())),
            message: format!("answered {}{redirected}{said}", status.as_u16()),
        })
    }
}

fn unwritable() -> SendError {
    SendError::last("the batch could not be written")
}

fn gzip(body: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut packer = GzEncoder::new(Vec::with_capacity(body.len() / 4), Compression::fast());
    packer.write_all(body)?;
    packer.finish()
}

/// `Retry-After`: seconds, or a date (RFC 9110, 10.2.3).
pub(super) fn after(text: &str, now_ms: i64) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = chrono::DateTime::parse_from_rfc2822(text).ok()?;
    let ms = date.timestamp_millis().saturating_sub(now_ms);
    Some(Duration::from_millis(u64::try_from(ms).unwrap_or(0)))
}
