//! What is asked for, and on how many connections.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use serde::Serialize;
use serde_json::{Value, json};

use crate::drive::Calls;
use crate::subject::Subject;
use crate::upstream::DOWN;

/// How an answer comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Shape {
    /// One JSON body: about 1 KB in, 1.2 KB out.
    Json,
    /// Server-sent events, [`crate::upstream::EVENTS`] of them.
    Stream,
    /// The JSON body again, under a config that keeps answers: all but the first are given from there. To peers a call like any other.
    Hit,
    /// The same under a config whose first target answers 503 to each call, so that a second one is asked.
    Fallback,
    /// The same under a config that spreads calls over three targets.
    Balance,
}

/// One line of a table for each subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Load {
    pub shape: Shape,
    pub connections: usize,
}

/// Every load there is.
pub const ALL: [Load; 9] = [
    Load { shape: Shape::Json, connections: 1 },
    Load { shape: Shape::Json, connections: 32 },
    Load { shape: Shape::Json, connections: 128 },
    Load { shape: Shape::Stream, connections: 1 },
    Load { shape: Shape::Stream, connections: 32 },
    Load { shape: Shape::Stream, connections: 128 },
    Load { shape: Shape::Hit, connections: 32 },
    Load { shape: Shape::Fallback, connections: 32 },
    Load { shape: Shape::Balance, connections: 32 },
];

impl Shape {
    /// As it is named in `--only`.
    fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Stream => "stream",
            Self::Hit => "hit",
            Self::Fallback => "fallback",
            Self::Balance => "balance",
        }
    }

    /// What a call is made under; none: no config.
    fn config(self, upstream: SocketAddr) -> Option<Value> {
        let target =
            |path: &str| json!({"provider": "openai", "custom_host": format!("http://{upstream}{path}")});
        match self {
            Self::Json | Self::Stream => None,
            Self::Hit => Some(json!({"cache": {"mode": "simple"}})),
            Self::Fallback => {
                Some(json!({"strategy": {"mode": "fallback"}, "targets": [target(DOWN), target("/v1")]}))
            }
            Self::Balance => {
                let targets = vec![target("/v1"); 3];
                Some(json!({"strategy": {"mode": "loadbalance"}, "targets": targets}))
            }
        }
    }
}

impl fmt::Display for Load {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.shape.name(), self.connections)
    }
}

/// These calls to this subject.
pub fn calls(subject: &Subject, load: Load) -> Calls {
    Calls { addr: subject.addr, request: request(load.shape, subject), connections: load.connections }
}

/// Calls of JSON for so long, of which the subject's store is told.
///
/// # Errors
/// When a call fails, or the subject keeps no logs.
pub async fn make(subject: &Subject, time: Duration) -> anyhow::Result<()> {
    let load = Load { shape: Shape::Json, connections: 32 };
    let store = subject.store()?;
    let ready = calls(subject, load).ready().await?;
    store.expect(load.connections as u64);
    store.expect(ready.most(time).await?.calls);
    Ok(())
}

/// A call as an OpenAI SDK makes it, with the subject's own headers.
fn request(shape: Shape, subject: &Subject) -> Bytes {
    let stream = match shape {
        Shape::Stream => r#","stream":true,"stream_options":{"include_usage":true}"#,
        _ => "",
    };
    let config = shape.config(subject.upstream);
    let config = config.map_or_else(String::new, |config| format!("x-portkey-config: {config}\r\n"));
    let prompt = "Say in plain words what a gateway does with a call before it passes it on. ".repeat(10);
    let body = format!(
        r#"{{"model":"gpt-4o-mini","messages":[{{"role":"system","content":"You are a helpful assistant. Answer in one paragraph."}},{{"role":"user","content":"{prompt}"}}],"temperature":0.7,"max_tokens":256{stream}}}"#
    );
    format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: {}\r\naccept: application/json\r\naccept-encoding: gzip, deflate\r\n\
         content-type: application/json\r\nuser-agent: OpenAI/Python 3.54.0\r\nauthorization: Bearer sk-bench\r\n{}{config}\
         content-length: {}\r\n\r\n{body}",
        subject.addr,
        subject.headers,
        body.len()
    )
    .into()
}
