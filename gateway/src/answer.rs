//! From the head of upstream's answer to the response that the client gets.

use std::task::Poll;

use actix_web::HttpResponse;
use actix_web::body::SizedStream;
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, HeaderValue};
use bytes::{Bytes, BytesMut};
use futures_util::stream;
use http::response::Parts as Head;
use hyper::body::{Body as _, Incoming};
use providers::Endpoint;
use recorder::Outcome;

use crate::connection::Watch;
use crate::decoding::{self, Encoding};
use crate::headers;
use crate::recording::Recording;
use crate::relay::{self, Cut, Relay, Source};

/// Up to here an answer that is all there is sent in one piece.
const ONE_PIECE: usize = 256 << 10;

/// What a call is answered with.
pub(crate) struct Answer {
    pub head: Head,
    pub body: Body,
}

/// Its body.
pub(crate) enum Body {
    /// As it comes from upstream.
    Upstream(Incoming),
    /// It is there. (What the head says of its length and its encoding counts for nothing.)
    Whole(Vec<Bytes>),
    /// Some of it was taken in.
    Begun {
        begun: Bytes,
        rest: Source,
        /// What came compressed is not any more.
        decoded: bool,
    },
}

/// An answer that is made here.
pub(crate) fn made(status: u16, chunks: Vec<Bytes>, event_stream: bool) -> Answer {
    let content_type = if event_stream { "text/event-stream" } else { "application/json" };
    let (mut head, ()) = http::Response::new(()).into_parts();
    head.status = http::StatusCode::from_u16(status).unwrap_or(http::StatusCode::BAD_GATEWAY);
    head.headers.insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static(content_type));
    Answer { head, body: Body::Whole(chunks) }
}

impl Answer {
    pub(crate) fn status(&self) -> u16 {
        self.head.status.as_u16()
    }
}

/// What an answer's body needs on its way.
pub(crate) struct Passage {
    pub recording: Recording,
    pub watch: Watch,
    pub provider: String,
    pub endpoint: Endpoint,
    /// The request was a HEAD.
    pub head_only: bool,
    pub idle_timeout: std::time::Duration,
    pub sensitive_headers: Vec<String>,
    /// The gateway's own headers for this call.
    pub own_headers: Vec<(HeaderName, HeaderValue)>,
}

/// The client's response. It is complete only when the call is recorded.
pub(crate) async fn pass_on(answer: Answer, mut passage: Passage) -> HttpResponse {
    let Answer { head, body } = answer;
    let bodiless = matches!(&body, Body::Upstream(body) if body.is_end_stream());
    let event_stream = is_event_stream(&head) && !bodiless;
    let status = head.status.as_u16();
    let logged = headers::logged_upstream(&head.headers, &passage.sensitive_headers);
    passage.recording.answer_begins(status, event_stream, logged);
    let mut response = HttpResponse::build(StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY));
    let (source, length, decoded) = source(&head, body);
    for header in headers::pass_down(&head.headers, decoded) {
        response.append_header(header);
    }
    for header in passage.own_headers.drain(..) {
        response.insert_header(header);
    }
    if bodiless {
        passage.recording.end(Outcome::Answered).await;
        // What a HEAD would have been followed by is told by its length alone.
        return match length.filter(|_| passage.head_only) {
            Some(length) => response.body(SizedStream::new(length, stream::empty::<Result<Bytes, Cut>>())),
            None => response.finish(),
        };
    }
    respond(response, source, length, event_stream, passage).await
}

async fn respond(
    mut response: actix_web::HttpResponseBuilder,
    mut source: Source,
    length: Option<u64>,
    event_stream: bool,
    mut passage: Passage,
) -> HttpResponse {
    // What a stream may be given on its way (a comment, an error) has no place in a fixed length.
    let length = length.filter(|_| !event_stream);
    let mut begun = Bytes::new();
    if !event_stream {
        match what_is_there(&mut source, length, &mut passage.recording).await {
            Ok(whole) => {
                passage.recording.end(Outcome::Answered).await;
                return response.body(whole);
            }
            Err(part) => begun = part,
        }
    }
    let relay = Relay::new(relay::Parts {
        source,
        length,
        event_stream,
        recording: passage.recording,
        provider: passage.provider,
        endpoint: passage.endpoint,
        watch: passage.watch,
        idle_timeout: passage.idle_timeout,
    });
    response.body(relay.after(begun))
}

/// Takes what can be had without waiting: the whole body, mostly, when it came with its head; else its beginning.
async fn what_is_there(
    source: &mut Source,
    length: Option<u64>,
    recording: &mut Recording,
) -> Result<Bytes, Bytes> {
    let mut parts: Vec<Bytes> = Vec::new();
    let mut taken = 0;
    loop {
        let next = std::future::poll_fn(|context| Poll::Ready(source.poll(context))).await;
        match next {
            Poll::Ready(Some(Ok(chunk))) => {
                recording.answer_goes_on(&chunk);
                taken += chunk.len();
                parts.push(chunk);
                if length.is_some_and(|length| taken as u64 >= length) {
                    return Ok(join(parts));
                }
                if taken > ONE_PIECE {
                    return Err(join(parts));
                }
            }
            Poll::Ready(None) => return Ok(join(parts)),
            // The relay will meet the error again: a source that failed stays failed.
            Poll::Ready(Some(Err(_))) | Poll::Pending => return Err(join(parts)),
        }
    }
}

fn join(mut parts: Vec<Bytes>) -> Bytes {
    if parts.len() == 1 {
        return parts.swap_remove(0);
    }
    let mut whole = BytesMut::with_capacity(parts.iter().map(Bytes::len).sum());
    for part in parts {
        whole.extend_from_slice(&part);
    }
    whole.freeze()
}

pub(crate) fn is_event_stream(head: &Head) -> bool {
    let content_type = head.headers.get(http::header::CONTENT_TYPE);
    content_type.is_some_and(|value| {
        value.as_bytes().get(..17).is_some_and(|start| start.eq_ignore_ascii_case(b"text/event-stream"))
    })
}

/// The body as it is to be passed on, its length where that is known, and whether it is decoded: what came compressed
/// is, where the encoding is one we know.
pub(crate) fn source(head: &Head, body: Body) -> (Source, Option<u64>, bool) {
    let body = match body {
        Body::Upstream(body) => body,
        Body::Begun { begun, rest, decoded } => {
            return (Source::Begun([begun].into(), Box::new(rest)), None, decoded);
        }
        Body::Whole(chunks) => {
            let length = chunks.iter().map(|chunk| chunk.len() as u64).sum();
            return (Source::Ready(chunks.into()), Some(length), true);
        }
    };
    let encoding = head.headers.get(http::header::CONTENT_ENCODING).and_then(|value| value.to_str().ok());
    match encoding.and_then(Encoding::named) {
        Some(encoding) if !body.is_end_stream() => {
            (Source::Decoded(decoding::decoded(body, encoding)), None, true)
        }
        _ => {
            let length = head.headers.get(http::header::CONTENT_LENGTH);
            let length = length.and_then(|value| value.to_str().ok()?.parse().ok());
            (Source::Upstream(body), length, false)
        }
    }
}
