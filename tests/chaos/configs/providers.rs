//! Providers that answer at random, and remember what they were asked for whom.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::config::WORD;
use crate::harness::{Chance, DONE, Exchange, Upstream, answer, delta, soon, usage_chunk};

/// Each has a path of its own at one address.
pub const NAMES: [&str; 3] = ["a", "b", "c"];

const ERRORS: [u16; 8] = [400, 401, 404, 429, 500, 502, 503, 504];

/// A request, and what was sent for it.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The path of the target in the config.
    pub target: String,
    pub url: String,
    /// None: nothing that is the head of an answer.
    pub status: Option<u16>,
    /// The body, as far as it is sent; none where that is megabytes.
    pub body: Option<Vec<u8>>,
    pub is_whole: bool,
}

#[derive(Clone)]
pub struct Providers {
    addr: SocketAddr,
    asked: Arc<Mutex<HashMap<String, Vec<Asked>>>>,
}

/// How a request is answered.
#[derive(Clone, Copy)]
enum Manner {
    Whole,
    Error(u16),
    /// After so many milliseconds.
    Late(u64),
    /// No byte of an answer.
    Dies,
    Silence,
    Garbage,
    /// A head that never ends, a byte at a time.
    DrippingHead,
    /// A head, part of the body, and an end.
    Cut,
    /// A head, part of the body, and nothing more.
    Stalls,
    /// More than its content-length says.
    TooLong,
    /// Less.
    TooShort,
    GarbageForEvents,
    /// The whole answer a few bytes at a time.
    Dripping,
    Megabytes,
}

impl Providers {
    /// `megabytes`: of the longest answer.
    pub async fn start(seed: u64, megabytes: usize) -> Self {
        let upstream = Upstream::start().await;
        let providers = Self { addr: upstream.addr, asked: Arc::default() };
        let own = providers.clone();
        upstream.answer_each(move |exchange| own.clone().answer(exchange, seed, megabytes));
        providers
    }

    pub fn url(&self, name: &str) -> String {
        format!("http://{}/{name}/v1", self.addr)
    }

    /// All that was asked for this call, in order.
    pub fn asked(&self, word: &str) -> Vec<Asked> {
        self.asked.lock().unwrap().get(word).cloned().unwrap_or_default()
    }

    async fn answer(self, exchange: Exchange, seed: u64, megabytes: usize) {
        let asked = exchange.json_body();
        let word = asked["messages"][0]["content"].as_str().unwrap().to_owned();
        let path = exchange.head.split(' ').nth(1).unwrap().to_owned();
        // The same request to a call is answered in the same way, whatever comes between.
        let nth = self.asked(&word).len();
        let seed =
            word.bytes().fold(seed ^ nth as u64, |seed, byte| Chance::seeded(seed ^ u64::from(byte)).next());
        let mut chance = Chance::seeded(seed);
        let manner = Manner::random(&mut chance);
        let is_streamed = asked["stream"] == true;
        let body = match manner {
            Manner::Error(_) => error(),
            Manner::Garbage => garbage(b"", &mut chance),
            Manner::GarbageForEvents => garbage(b"data: {\n\n", &mut chance),
            _ => body(&mut chance, is_streamed),
        };
        let (status, sent, is_whole) = match manner {
            Manner::Whole | Manner::Late(_) | Manner::Dripping | Manner::GarbageForEvents => {
                (Some(200), Some(body.clone()), true)
            }
            Manner::Error(status) => (Some(status), Some(body.clone()), true),
            Manner::Dies | Manner::Silence | Manner::Garbage | Manner::DrippingHead => (None, None, false),
            Manner::Cut | Manner::Stalls => (Some(200), Some(half(&body).to_owned()), false),
            Manner::TooLong => (Some(200), Some(half(&body).to_owned()), true),
            // A stream is over with its last event.
            Manner::TooShort => (Some(200), Some(body.clone()), is_streamed),
            Manner::Megabytes => (Some(200), None, true),
        };
        let secret = exchange.header("authorization").unwrap().to_owned();
        let target = secret.strip_prefix("Bearer ").unwrap().to_owned();
        let url = format!("http://{}{path}", self.addr);
        let asked = Asked { target, url, status, body: sent, is_whole };
        self.asked.lock().unwrap().entry(word).or_default().push(asked);
        manner.answer(exchange, &body, is_streamed, megabytes).await;
    }
}

impl Manner {
    fn random(chance: &mut Chance) -> Self {
        match chance.below(40) {
            0..12 => Self::Whole,
            12..22 => Self::Error(ERRORS[chance.below(ERRORS.len())]),
            22..25 => Self::Late(chance.next() % 30),
            25..28 => Self::Dies,
            28 => Self::Silence,
            29 | 30 => Self::Garbage,
            31 => Self::DrippingHead,
            32 | 33 => Self::Cut,
            34 => Self::Stalls,
            35 => Self::TooLong,
            36 => Self::TooShort,
            37 => Self::GarbageForEvents,
            38 => Self::Dripping,
            _ => Self::Megabytes,
        }
    }

    async fn answer(self, mut exchange: Exchange, body: &[u8], is_streamed: bool, megabytes: usize) {
        let json = ("content-type", "application/json");
        let kind = if is_streamed { ("content-type", "text/event-stream") } else { json };
        match self {
            Self::Whole | Self::GarbageForEvents => exchange.answer(kind, body).await,
            Self::Late(ms) => {
                tokio::time::sleep(Duration::from_millis(ms)).await;
                exchange.answer(kind, body).await;
            }
            Self::Error(status) => {
                let length = body.len().to_string();
                let headers = [json, ("content-length", &*length), ("retry-after-ms", "3")];
                exchange.head(status, &headers).await;
                exchange.send(body).await;
                exchange.whole();
            }
            Self::Dies => exchange.die(),
            Self::Silence => exchange.given_up().await,
            Self::Garbage => {
                exchange.raw(body).await;
                exchange.die();
            }
            Self::DrippingHead => drip(exchange).await,
            Self::Cut => {
                exchange.head(200, &[kind]).await;
                exchange.send(half(body)).await;
                exchange.die();
            }
            Self::Stalls => {
                exchange.head(200, &[kind]).await;
                exchange.send(half(body)).await;
                exchange.given_up().await;
            }
            Self::TooLong => {
                let length = half(body).len().to_string();
                // Else what comes next on the connection would be taken for the rest.
                let headers = [kind, ("content-length", &*length), ("connection", "close")];
                exchange.head(200, &headers).await;
                exchange.send(body).await;
                exchange.die();
            }
            Self::TooShort => {
                let length = (body.len() + 1).to_string();
                exchange.head(200, &[kind, ("content-length", &*length)]).await;
                exchange.send(body).await;
                exchange.die();
            }
            Self::Dripping => {
                exchange.head(200, &[kind]).await;
                for piece in body.chunks(7) {
                    exchange.send(piece).await;
                    tokio::task::yield_now().await;
                }
                exchange.end().await;
            }
            Self::Megabytes => {
                exchange.head(200, &[kind]).await;
                for _ in 0..megabytes * 16 {
                    exchange.send(delta(&"x".repeat(64 << 10))).await;
                }
                exchange.end().await;
            }
        }
    }
}

impl Exchange {
    async fn answer(mut self, kind: (&str, &str), body: &[u8]) {
        self.head(200, &[kind]).await;
        self.send(body).await;
        self.end().await;
    }
}

/// Sends a byte of a head now and then, until nobody listens.
async fn drip(mut exchange: Exchange) {
    exchange.raw(b"HTTP/1.1 200 OK\r\nx-slow: ").await;
    let mut pace = tokio::time::interval(Duration::from_millis(5));
    let dripping = async {
        while exchange.is_heard(b"x").await {
            pace.tick().await;
        }
    };
    soon(dripping, "the gateway gives a head up that does not end").await;
}

fn body(chance: &mut Chance, is_streamed: bool) -> Vec<u8> {
    let text = if chance.below(4) == 0 { WORD } else { "fine" };
    if is_streamed {
        [delta(text), delta(" and so on"), usage_chunk(), DONE.to_owned()].concat().into_bytes()
    } else {
        answer(text).to_string().into_bytes()
    }
}

fn half(body: &[u8]) -> &[u8] {
    &body[..body.len() / 2]
}

/// Bytes that are neither a head nor an event.
fn garbage(then: &[u8], chance: &mut Chance) -> Vec<u8> {
    let length = 1 + chance.below(2_000);
    [b"\xff\x00", then, &*chance.bytes(length)].concat()
}

fn error() -> Vec<u8> {
    br#"{"error": {"message": "not now", "type": "server_error", "param": null, "code": null}}"#.to_vec()
}
