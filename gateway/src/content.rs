//! What a call brings with it: its body, whole where the gateway looks into it or may need it again, else as it comes.

use actix_web::HttpRequest;
use actix_web::web::Payload;
use bytes::Bytes;
use providers::Endpoint;

use crate::Gateway;
use crate::admit::Admitted;
use crate::error::Error;
use crate::reading;
use crate::upstream::Outgoing;

/// The endpoints whose body is one JSON object that the gateway looks into.
pub(crate) fn takes_json(endpoint: Endpoint) -> bool {
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

fn length(request: &HttpRequest) -> Option<u64> {
    request.headers().get("content-length")?.to_str().ok()?.parse().ok()
}

/// Whether a request has no body.
fn is_bodiless(request: &HttpRequest) -> bool {
    length(request).is_none_or(|length| length == 0) && !request.headers().contains_key("transfer-encoding")
}

/// Whether a request says that its body is JSON.
fn says_json(request: &HttpRequest) -> bool {
    let content_type = request.headers().get("content-type").and_then(|value| value.to_str().ok());
    let essence = content_type.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
}

/// Whether a request has a body that is JSON, as it says itself.
pub(crate) fn is_json(request: &HttpRequest) -> bool {
    says_json(request) && !is_bodiless(request)
}

/// Reads the body of an endpoint that takes JSON.
///
/// # Errors
/// [`Error::Invalid`] for another content type, and what is wrong with reading it.
pub(crate) async fn json(
    request: &HttpRequest,
    payload: Payload,
    gateway: &Gateway,
    admitted: &Admitted,
) -> Result<Bytes, Error> {
    if !says_json(request) {
        return Err(Error::invalid("content-type", "must be application/json for this endpoint"));
    }
    whole(request, payload, gateway, admitted).await
}

/// Reads the whole body, and keeps it for the log.
///
/// # Errors
/// As [`reading::read_whole`].
pub(crate) async fn whole(
    request: &HttpRequest,
    mut payload: Payload,
    gateway: &Gateway,
    admitted: &Admitted,
) -> Result<Bytes, Error> {
    let max = gateway.settings.gateway.max_body_bytes;
    let body = reading::read_whole(&mut payload, max, length(request)).await?;
    if let Some(capture) = admitted.recording.request_capture() {
        capture.keep(body.clone());
    }
    Ok(body)
}

/// The client's body as it comes; none where the request has none.
///
/// # Errors
/// [`Error::UploadTooLarge`], and as [`whole`].
pub(crate) async fn as_it_comes(
    request: &HttpRequest,
    payload: Payload,
    gateway: &Gateway,
    admitted: &Admitted,
) -> Result<Outgoing, Error> {
    if is_bodiless(request) {
        return Ok(Outgoing::Whole(Bytes::new()));
    }
    let length = length(request);
    // The client upstream gives methods that seldom have a body one only when its length is known.
    if length.is_none() && matches!(request.method().as_str(), "GET" | "HEAD") {
        return whole(request, payload, gateway, admitted).await.map(Outgoing::Whole);
    }
    let settings = &gateway.settings.gateway;
    if length.is_some_and(|length| length > settings.max_upload_bytes as u64) {
        return Err(Error::UploadTooLarge);
    }
    let capture = admitted.recording.request_capture();
    Ok(Outgoing::Streamed { pieces: reading::stream(payload, settings.max_upload_bytes, capture), length })
}
