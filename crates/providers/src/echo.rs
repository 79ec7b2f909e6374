//! The built-in provider `echo`: it answers with what it was sent, in `OpenAI`'s shapes, so that a first request
//! needs no account anywhere. It takes any model name, tokens are whitespace-separated words, and what it answers is
//! a function of what it was asked.

mod embed;
mod request;
mod text;

use bytes::Bytes;
use serde_json::{Value, json};

use crate::Endpoint;
use request::Refusal;

/// What echo answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// A whole JSON body.
    Json {
        /// The HTTP status.
        status: u16,
        /// The body.
        body: Bytes,
    },
    /// A stream with status 200: one server-sent event each, the last is `data: [DONE]`.
    Stream(Vec<Bytes>),
}

/// Answers a request. `id` is the caller's, unique to the call; it becomes `chatcmpl-ID` or `cmpl-ID`. Bad requests are
/// answered as `OpenAI` does, with 400 and an error object. An answer is bounded whatever the request: a text by 64 KiB
/// and 4096 words (then it ends for `length`), embeddings by 2¹⁸ numbers.
#[must_use]
pub fn answer(endpoint: Endpoint, body: &[u8], id: &str, created_unix_s: i64) -> Answer {
    let answered = match endpoint {
        Endpoint::Models => Ok(models(created_unix_s)),
        Endpoint::ChatCompletions => text::chat(body, id, created_unix_s),
        Endpoint::Completions => text::complete(body, id, created_unix_s),
        Endpoint::Embeddings => embed::embed(body),
        other => Err(Refusal {
            status: 404,
            param: None,
            message: format!("echo does not answer {}", other.name()),
        }),
    };
    answered.unwrap_or_else(|refusal| json_answer(refusal.status, &refusal.body()))
}

fn models(created: i64) -> Answer {
    let echo = json!({ "id": "echo", "object": "model", "created": created, "owned_by": "echo" });
    json_answer(200, &json!({ "object": "list", "data": [echo] }))
}

fn json_answer(status: u16, body: &Value) -> Answer {
    Answer::Json { status, body: body.to_string().into() }
}

#[cfg(test)]
mod tests;
