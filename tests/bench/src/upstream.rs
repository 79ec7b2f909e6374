//! The provider that every subject stands before: always the same answer, at once or chunk by chunk, for as little CPU as may be.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use actix_web::http::header::ContentType;
use actix_web::{App, HttpResponse, HttpServer, web};
use anyhow::Context as _;
use bytes::Bytes;
use futures_util::stream;
use serde::Deserialize;
use serde_json::{Value, json};

/// Content chunks in a stream.
const CHUNKS: usize = 50;

/// Events in a stream: the chunks, the role before them, then finish, usage and the terminator.
pub const EVENTS: usize = CHUNKS + 4;

/// What the assistant says, in bytes: with what is around it, an answer of about 1.2 KB.
const TEXT_BYTES: usize = 600;

/// The base of a provider that is down: each call gets 503.
pub const DOWN: &str = "/down";

/// What is read of a request.
#[derive(Deserialize)]
struct Ask {
    #[serde(default)]
    stream: bool,
}

struct Answers {
    whole: Bytes,
    events: Vec<Bytes>,
    /// Between two events of a stream; 0: all at once.
    pause_ms: AtomicU64,
}

/// Serves until it is killed, and says on standard output where.
///
/// # Errors
/// When it cannot listen.
pub fn serve(workers: usize) -> anyhow::Result<()> {
    let answers = web::Data::new(Answers { whole: whole(), events: events(), pause_ms: AtomicU64::new(0) });
    let app = move || {
        App::new()
            .app_data(answers.clone())
            .route("/v1/chat/completions", web::post().to(chat))
            .route(&format!("{DOWN}/chat/completions"), web::post().to(down))
            .route("/pause/{ms}", web::put().to(pause))
    };
    actix_web::rt::System::new().block_on(async {
        let server = HttpServer::new(app).workers(workers).keep_alive(Duration::from_mins(10));
        let server = server.bind("127.0.0.1:0").context("the upstream cannot listen")?;
        println!("the upstream serves at http://{}", server.addrs()[0]);
        server.run().await.context("the upstream failed")
    })
}

async fn chat(body: Bytes, answers: web::Data<Answers>) -> HttpResponse {
    let Ok(ask) = serde_json::from_slice::<Ask>(&body) else { return HttpResponse::BadRequest().finish() };
    if !ask.stream {
        return HttpResponse::Ok().content_type(ContentType::json()).body(answers.whole.clone());
    }
    let pause = Duration::from_millis(answers.pause_ms.load(Ordering::Relaxed));
    let events = stream::unfold(0, move |next| {
        let answers = answers.clone();
        async move {
            let event = answers.events.get(next)?.clone();
            if next > 0 && !pause.is_zero() {
                tokio::time::sleep(pause).await;
            }
            Some((Ok::<_, actix_web::Error>(event), next + 1))
        }
    });
    HttpResponse::Ok()
        .content_type("text/event-stream; charset=utf-8")
        .insert_header(("cache-control", "no-cache"))
        // nginx passes such an answer on as it comes.
        .insert_header(("x-accel-buffering", "no"))
        .streaming(events)
}

async fn down(_: Bytes) -> HttpResponse {
    let error =
        r#"{"error":{"message":"The server is overloaded.","type":"server_error","param":null,"code":null}}"#;
    HttpResponse::ServiceUnavailable().content_type(ContentType::json()).body(error)
}

async fn pause(ms: web::Path<u64>, answers: web::Data<Answers>) -> HttpResponse {
    answers.pause_ms.store(*ms, Ordering::Relaxed);
    HttpResponse::NoContent().finish()
}

fn whole() -> Bytes {
    let answer = json!({
        "id": "chatcmpl-bench0123456789abcdefghijklm",
        "object": "chat.completion",
        "created": 1_750_000_000,
        "model": "gpt-4o-mini-2024-07-18",
        "choices": [{
            "index": 0,
            "message": { "role": "assistant", "content": prose(), "refusal": null, "annotations": [] },
            "logprobs": null,
            "finish_reason": "stop"
        }],
        "usage": usage(),
        "service_tier": "default",
        "system_fingerprint": "fp_bench0123"
    });
    answer.to_string().into()
}

fn events() -> Vec<Bytes> {
    let event = |choices: Value, usage: Value| {
        let chunk = json!({
            "id": "chatcmpl-bench0123456789abcdefghijklm",
            "object": "chat.completion.chunk",
            "created": 1_750_000_000,
            "model": "gpt-4o-mini-2024-07-18",
            "service_tier": "default",
            "system_fingerprint": "fp_bench0123",
            "choices": choices,
            "usage": usage
        });
        Bytes::from(format!("data: {chunk}\n\n"))
    };
    let choice = |delta: Value, finish: Option<&str>| {
        let choices = json!([{ "index": 0, "delta": delta, "logprobs": null, "finish_reason": finish }]);
        event(choices, Value::Null)
    };
    let text = prose();
    let piece = |n: usize| &text[n * text.len() / CHUNKS..(n + 1) * text.len() / CHUNKS];
    let mut events = vec![choice(json!({ "role": "assistant", "content": "" }), None)];
    events.extend((0..CHUNKS).map(|n| choice(json!({ "content": piece(n) }), None)));
    events.push(choice(json!({}), Some("stop")));
    events.push(event(json!([]), usage()));
    events.push(Bytes::from_static(b"data: [DONE]\n\n"));
    events
}

fn usage() -> Value {
    json!({
        "prompt_tokens": 180,
        "completion_tokens": 150,
        "total_tokens": 330,
        "prompt_tokens_details": { "cached_tokens": 0, "audio_tokens": 0 },
        "completion_tokens_details": {
            "reasoning_tokens": 0,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0
        }
    })
}

fn prose() -> String {
    const WORDS: &str = "The gateway passed this request on, and what answers here says plain prose of some length, so \
                         that a body has the size and the shape of a real one. ";
    WORDS.chars().cycle().take(TEXT_BYTES).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_have_the_size_and_the_events_that_are_told() {
        assert!((1100..1300).contains(&whole().len()), "{}", whole().len());
        assert_eq!(events().len(), EVENTS);
    }
}
