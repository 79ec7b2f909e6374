//! The suite's harness: the real server in this process (or, to be killed, in one of its own), with a folder, a port and
//! a clock of its own for each test, and actors that call it.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot set itself up has failed")]

mod app;
mod browser;
mod chance;
mod collector;
mod fleet;
mod load;
mod moved;
mod nginx;
mod org;
mod postgres;
mod process;
mod proxy;
mod sdk;
mod stripe;
mod upstream;
mod wire;

use std::future::Future;
use std::time::Duration;

pub use app::{START_MS, TestApp, number};
pub use browser::walk;
pub use chance::Chance;
pub use collector::{Collector, Reply, attribute};
pub use fleet::{Fleet, Tenant};
pub use load::{Answered, Ask, Progress, load, load_of};
pub use moved::{AHEAD_MS, Plane};
pub use nginx::Nginx;
pub use org::{Caller, Org, ask, log_id};
pub use postgres::Postgres;
pub use process::{Binary, LINES, Process};
pub use proxy::Proxy;
pub use sdk::{SDKS, Sdk};
pub use stripe::{STRIPE_KEY, StripeStandIn};
pub use upstream::{Exchange, Upstream};
pub use wire::Wire;

/// One for all servers of a test, so that each opens what another sealed.
pub const MASTER_KEY: &str = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

/// A schedule that is not due while a test runs.
pub const NEVER: &str = "0 0 0 1 1 * 2099";

/// Far longer than anything here takes: what is not there by then is not coming.
const PATIENCE: Duration = Duration::from_secs(30);

/// The same where there are tens of thousands of it.
const PATIENCE_AT_FULL_SIZE: Duration = Duration::from_mins(5);

/// Whether this run is of `make chaos`, which takes the sizes that people are told of.
pub fn at_full_size() -> bool {
    std::env::var("CHAOS_SIZE").is_ok_and(|size| size == "full")
}

/// Waits for what must happen soon.
pub async fn soon<T>(future: impl Future<Output = T>, what: &str) -> T {
    let patience = if at_full_size() { PATIENCE_AT_FULL_SIZE } else { PATIENCE };
    tokio::time::timeout(patience, future).await.unwrap_or_else(|_| panic!("waited in vain until {what}"))
}

/// Asks until there is an answer.
pub async fn until<T, F: Future<Output = Option<T>>>(what: &str, mut ask: impl FnMut() -> F) -> T {
    let asking = async {
        loop {
            if let Some(answer) = ask().await {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    soon(asking, what).await
}

/// Headers as they stand in a message.
pub fn header_lines(headers: &[(&str, &str)]) -> String {
    headers.iter().flat_map(|(name, value)| [*name, ": ", *value, "\r\n"]).collect()
}

/// The object with these members too.
pub fn with(mut object: serde_json::Value, more: serde_json::Value) -> serde_json::Value {
    let serde_json::Value::Object(more) = more else { panic!("{more} is no object") };
    object.as_object_mut().unwrap().extend(more);
    object
}

/// The rest of a body as far as it comes, and whether that is all of it.
pub async fn read(response: &mut reqwest::Response) -> (Vec<u8>, bool) {
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => return (body, true),
            Err(_) => return (body, false),
        }
    }
}

/// A chat request's body.
pub fn chat(text: &str) -> serde_json::Value {
    serde_json::json!({"model": "gpt-4o-mini", "messages": [{"role": "user", "content": text}]})
}

/// A provider's answer to [`chat`], with usage.
pub fn answer(text: &str) -> serde_json::Value {
    serde_json::json!({
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1_764_000_000, "model": "gpt-4o-mini-2024-07-18",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1000, "completion_tokens": 200, "total_tokens": 1200}
    })
}

/// A content chunk of a stream.
pub fn delta(text: &str) -> String {
    let chunk = serde_json::json!({
        "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1_764_000_000, "model": "gpt-4o-mini-2024-07-18",
        "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": null}]
    });
    format!("data: {chunk}\n\n")
}

/// The usage chunk of a stream.
pub fn usage_chunk() -> String {
    let chunk = serde_json::json!({
        "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1_764_000_000, "model": "gpt-4o-mini-2024-07-18",
        "choices": [], "usage": {"prompt_tokens": 1000, "completion_tokens": 200, "total_tokens": 1200}
    });
    format!("data: {chunk}\n\n")
}

pub const DONE: &str = "data: [DONE]\n\n";
