//! A provider to call: on a port of its own, in OpenAI's shape, with answers of a usual size.
//! <https://platform.openai.com/docs/api-reference/chat>

use std::net::{Ipv4Addr, SocketAddr};

use actix_web::dev::ServerHandle;
use actix_web::{App, HttpResponse, HttpServer, web};
use anyhow::Context as _;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

/// Some 1,200 bytes of text: a usual answer.
const ANSWER: &str = "A turnpike is a road that is kept by those who travel on it. Each traveller stops at the gate, \
shows what they carry, pays what the road costs, and goes on; the keeper writes a line in the book. From the book one \
can tell, years later, how many carts went to market in a wet spring, which of them paid late, and whether the bridge \
was worth its stones. The keeper does not open the carts, and does not hold them up when the book is full: the road is \
for travelling. But what the book has no room for is counted with a stroke on the slate beside the door, so that \
nobody can say afterwards that it never happened. When a page is old enough, it is taken out and burnt, for a book that \
only grows is read by no one, and there are things about a journey that only the traveller should keep. So a good gate \
is known by three things: that nobody waits at it, that its book is true, and that its old pages are gone when they \
were promised to be. Everything else about it is paint. The toll is small, the queue is short, and the keeper, when \
asked, reads aloud from the last page without looking for it twice.";

/// Characters in a streamed event, about as many as in a token or two.
const PIECE: usize = 48;

pub(crate) struct Upstream {
    addr: SocketAddr,
    handle: ServerHandle,
}

/// What is looked at of a request.
#[derive(Deserialize)]
struct Request {
    model: String,
    messages: Vec<Message>,
    #[serde(default)]
    stream: bool,
    #[serde(default)]
    stream_options: StreamOptions,
}

#[derive(Deserialize)]
struct Message {
    content: String,
}

#[derive(Default, Deserialize)]
struct StreamOptions {
    #[serde(default)]
    include_usage: bool,
}

impl Upstream {
    pub(crate) fn start() -> anyhow::Result<Self> {
        let app = || {
            App::new()
                .app_data(web::JsonConfig::default().limit(1 << 20))
                .route("/v1/chat/completions", web::post().to(chat))
        };
        let server = HttpServer::new(app)
            .workers(1)
            .tcp_nodelay(true)
            .shutdown_timeout(1)
            .disable_signals()
            .bind((Ipv4Addr::LOCALHOST, 0))
            .context("the demo's provider cannot listen on a port of this machine")?;
        let addr = server.addrs().first().copied().context("the demo's provider listens nowhere")?;
        let server = server.run();
        let handle = server.handle();
        tokio::spawn(server);
        Ok(Self { addr, handle })
    }

    /// What goes into `x-portkey-custom-host`.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/v1", self.addr)
    }

    pub(crate) async fn stop(self) {
        self.handle.stop(true).await;
    }
}

async fn chat(request: web::Json<Request>) -> HttpResponse {
    let request = request.into_inner();
    let usage = usage(&request);
    if request.stream {
        let usage = request.stream_options.include_usage.then_some(usage);
        let events = events(&request.model, usage).into_iter().map(Ok::<_, std::convert::Infallible>);
        return HttpResponse::Ok()
            .content_type("text/event-stream")
            .streaming(futures_util::stream::iter(events));
    }
    HttpResponse::Ok().json(json!({
        "id": "chatcmpl-demo",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": request.model,
        "choices": [{
            "index": 0,
            "message": {"role": "assistant", "content": ANSWER},
            "logprobs": null,
            "finish_reason": "stop",
        }],
        "usage": usage,
        "system_fingerprint": "fp_demo",
    }))
}

/// Roughly: four bytes a token.
fn usage(request: &Request) -> Value {
    let prompt_tokens = request.messages.iter().map(|message| message.content.len() / 4 + 4).sum::<usize>();
    let completion_tokens = ANSWER.len() / 4;
    json!({
        "prompt_tokens": prompt_tokens,
        "completion_tokens": completion_tokens,
        "total_tokens": prompt_tokens + completion_tokens,
    })
}

fn events(model: &str, usage: Option<Value>) -> Vec<Bytes> {
    let chunk = |choices: Value, usage: &Value| {
        let chunk = json!({
            "id": "chatcmpl-demo",
            "object": "chat.completion.chunk",
            "created": 1_700_000_000,
            "model": model,
            "choices": choices,
            "usage": usage,
        });
        Bytes::from(format!("data: {chunk}\n\n"))
    };
    let delta = |delta: Value, finish: Value| {
        chunk(json!([{"index": 0, "delta": delta, "finish_reason": finish}]), &Value::Null)
    };
    let mut events = vec![delta(json!({"role": "assistant", "content": ""}), Value::Null)];
    // The text is ASCII, so that every cut is between characters.
    for piece in ANSWER.as_bytes().chunks(PIECE) {
        events.push(delta(json!({"content": String::from_utf8_lossy(piece)}), Value::Null));
    }
    events.push(delta(json!({}), json!("stop")));
    events.extend(usage.map(|usage| chunk(json!([]), &usage)));
    events.push(Bytes::from_static(b"data: [DONE]\n\n"));
    events
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_is_of_a_usual_size_and_comes_whole_when_streamed() {
        assert!(ANSWER.is_ascii() && (1_100..1_300).contains(&ANSWER.len()), "{}", ANSWER.len());
        let events = events("m", Some(json!({"total_tokens": 7})));
        let mut text = String::new();
        for event in &events[..events.len() - 1] {
            let data = event.strip_prefix(b"data: ").unwrap_or_default();
            let chunk: Value = serde_json::from_slice(data).unwrap_or_default();
            text.push_str(chunk["choices"][0]["delta"]["content"].as_str().unwrap_or_default());
        }
        assert_eq!(text, ANSWER);
        assert_eq!(events.last().map(Bytes::as_ref), Some(b"data: [DONE]\n\n".as_slice()));
    }
}
