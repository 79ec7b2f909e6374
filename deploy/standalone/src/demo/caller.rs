//! A client of the gateway, over real sockets.

use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use bytes::Bytes;
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};

/// Some 1,200 bytes with the rest of the request: a usual instruction.
const INSTRUCTION: &str = "You are the assistant of a shop that sells maps, lanterns and walking boots by post. Answer in \
plain words and in the language of the question. Keep to what the catalogue says; when it says nothing, say so and \
offer to ask a colleague. Prices are in pounds and include the postage within the country. Never promise a day of \
delivery: parcels leave the house on the next working day, and from there on the road decides. When somebody is unhappy, \
first say what can be done, then why it happened. Orders may be changed until they are packed, which is at noon. Boots \
can be sent back within sixty days if they were worn indoors only; lanterns can be mended here, also old ones, at the \
price of the parts; maps cannot be sent back once they were unfolded, though a misprint is always replaced. Do not ask for \
a card number, a password or a date of birth, and do not repeat one that was sent. Close with the number of the order when \
there is one, and without flourishes. If the question is about anything but the shop, answer in one sentence, then \
come back to the shop.";

/// Calls the gateway with one API key, or its provider directly.
#[derive(Clone)]
pub(crate) struct Caller {
    client: Client<HttpConnector, Full<Bytes>>,
    gateway: String,
    upstream: String,
    api_key: String,
}

impl Caller {
    /// URLs without a trailing slash; `upstream` is the provider's base, with `/v1`.
    pub(crate) fn new(gateway: String, upstream: String, api_key: String) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new()).build(connector);
        Self { client, gateway, upstream, api_key }
    }

    /// The `n`-th call through the gateway, every second one streamed. Gives how long it took, to the last byte.
    pub(crate) async fn call(&self, n: u64) -> anyhow::Result<Duration> {
        let request = Request::post(format!("{}/v1/chat/completions", self.gateway))
            .header("x-portkey-api-key", &self.api_key)
            .header("x-portkey-provider", "openai")
            .header("x-portkey-custom-host", &self.upstream);
        self.chat(request, n).await.with_context(|| format!("call {n} through the gateway"))
    }

    /// The same, past the gateway.
    pub(crate) async fn call_directly(&self, n: u64) -> anyhow::Result<Duration> {
        let request = Request::post(format!("{}/chat/completions", self.upstream));
        self.chat(request, n).await.with_context(|| format!("call {n} to the provider"))
    }

    async fn chat(&self, request: http::request::Builder, n: u64) -> anyhow::Result<Duration> {
        let request = request
            .header("authorization", "Bearer sk-demo")
            .header("content-type", "application/json")
            .body(Full::new(question(n)))?;
        let begun = Instant::now();
        let (status, body) = self.exchange(request).await?;
        let took = begun.elapsed();
        let whole = if is_streamed(n) { body.ends_with(b"data: [DONE]\n\n") } else { body.ends_with(b"}") };
        if status != StatusCode::OK || !whole {
            bail!("answered {status}: {}", String::from_utf8_lossy(&body));
        }
        Ok(took)
    }

    /// Asks the control plane; `path` begins with `/v1/`.
    pub(crate) async fn get(&self, path: &str) -> anyhow::Result<Value> {
        let request = Request::builder()
            .method(Method::GET)
            .uri(format!("{}{path}", self.gateway))
            .header("x-portkey-api-key", &self.api_key)
            .body(Full::default())?;
        let (status, body) = self.exchange(request).await.with_context(|| format!("GET {path}"))?;
        if status != StatusCode::OK {
            bail!("GET {path} answered {status}: {}", String::from_utf8_lossy(&body));
        }
        serde_json::from_slice(&body).with_context(|| format!("GET {path} answered no JSON"))
    }

    async fn exchange(&self, request: Request<Full<Bytes>>) -> anyhow::Result<(StatusCode, Bytes)> {
        let response = self.client.request(request).await?;
        let status = response.status();
        Ok((status, response.into_body().collect().await?.to_bytes()))
    }
}

fn is_streamed(n: u64) -> bool {
    n % 2 == 1
}

fn question(n: u64) -> Bytes {
    let mut body = json!({
        "model": "gpt-4o-mini",
        "messages": [
            {"role": "system", "content": INSTRUCTION},
            {"role": "user", "content": format!("Order {n}: are the boots packed yet?")},
        ],
        "temperature": 0.2,
        "user": format!("customer-{}", n % 100),
    });
    if is_streamed(n) {
        body["stream"] = json!(true);
        body["stream_options"] = json!({"include_usage": true});
    }
    Bytes::from(body.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_are_of_a_usual_size_and_every_second_one_is_streamed() {
        for n in 0..4 {
            let body = question(n);
            assert!((1_100..1_400).contains(&body.len()), "{}", body.len());
            let asked: Value = serde_json::from_slice(&body).unwrap_or_default();
            assert_eq!(asked["stream"] == true, n % 2 == 1);
        }
    }
}
