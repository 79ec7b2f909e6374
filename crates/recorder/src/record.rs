//! What is known of a call when its answer ends: the unit that goes through the spool.

use std::borrow::Cow;
use std::collections::BTreeMap;

pub use logstore::{Content as Message, Headers};
use providers::{Endpoint, Usage};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// One call, as it was seen. Self-describing on disk (MessagePack with names), so that a newer version can drain what
/// an older one left.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// UUIDv7; its millisecond is when the call was received.
    pub id: Uuid,
    pub organisation_id: Uuid,
    pub workspace_id: Uuid,
    pub api_key_id: Option<Uuid>,
    /// Days of retention under the plan at the time of the call; 0 is for ever.
    pub retention_class: i16,
    pub source: Source,
    /// The client's own id of a log that it inserted.
    #[serde(default)]
    pub external_id: Option<String>,
    /// The log whose call this one is, once more.
    #[serde(default)]
    pub replay_of: Option<Uuid>,

    pub endpoint: Endpoint,
    pub method: String,
    pub url: String,
    pub provider: String,
    pub requested_model: Option<String>,
    pub virtual_key: Option<String>,
    #[serde(default)]
    pub metadata: BTreeMap<String, String>,
    pub trace: Trace,
    /// How the call was routed; the default is a single target, tried once, no cache.
    #[serde(default)]
    pub routing: Routing,
    /// The saved config that it ran under.
    #[serde(default)]
    pub config: Option<ConfigVersion>,
    /// Every attempt, in order; empty where the one attempt was all that the record says.
    #[serde(default)]
    pub attempts: Vec<Attempt>,
    /// What guardrails found, as in the answer's `hook_results`; without their data under Do Not Track.
    #[serde(default)]
    pub hook_results: Option<serde_json::Value>,
    /// What guardrails think of the call: feedback on its trace.
    #[serde(default)]
    pub feedback: Vec<Feedback>,

    /// The HTTP status that the client was sent, or would have been.
    pub status: u16,
    pub outcome: Outcome,
    /// The answer is a stream of server-sent events.
    pub streamed: bool,
    /// From receiving the call to the end of its answer, in microseconds.
    pub latency_us: u64,
    /// From receiving the call to the first byte of upstream's answer, in microseconds.
    pub first_byte_us: Option<u64>,

    pub payload: Payload,
    /// Present where the content was already measured, as it is for Do Not Track before the content is dropped.
    #[serde(default)]
    pub measured: Option<Measured>,
    /// A cost the client gave with a log it inserted, in pico-dollars.
    #[serde(default)]
    pub given_cost_pusd: Option<i64>,
    /// Empty under Do Not Track.
    #[serde(default)]
    pub request: Message,
    /// Empty under Do Not Track.
    #[serde(default)]
    pub response: Message,
}

/// Where a log comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    Gateway,
    Insert,
    /// A span that was sent by OTLP.
    Otlp,
}

impl Source {
    /// As it stands in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::Insert => "insert",
            Self::Otlp => "otlp",
        }
    }
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The whole answer was passed on, whatever its status.
    Answered,
    /// Turned away by the gateway itself before any upstream was called.
    Refused,
    /// Upstream could not be reached or gave no answer.
    UpstreamFailed,
    /// Upstream's answer ended before it was whole.
    UpstreamCut,
    /// The client went away before the end.
    ClientGone,
    TimedOut,
    /// A bug: the handler panicked.
    Panicked,
}

impl Outcome {
    /// As it stands in the database and on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Refused => "refused",
            Self::UpstreamFailed => "upstream_failed",
            Self::UpstreamCut => "upstream_cut",
            Self::ClientGone => "client_gone",
            Self::TimedOut => "timed_out",
            Self::Panicked => "panicked",
        }
    }
}

/// What became of the content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Payload {
    Whole,
    /// Longer than `log.max_payload_bytes`: the beginning is kept.
    Cut,
    /// The spool had no room for it, being nearly full or the content too long: none is kept.
    Shed,
    /// The store refused the content: none is kept.
    Unstorable,
    /// Do Not Track: none is kept.
    Withheld,
}

impl Payload {
    /// As it stands in the database and on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Whole => "whole",
            Self::Cut => "cut",
            Self::Shed => "shed",
            Self::Unstorable => "unstorable",
            Self::Withheld => "withheld",
        }
    }
}

/// Where the call stands in a trace. The ids are the caller's own strings.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Trace {
    pub trace_id: String,
    pub span_id: Option<String>,
    pub span_name: Option<String>,
    pub parent_span_id: Option<String>,
}

/// What caching, retries and target selection did for the call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Routing {
    /// As in the header `x-portkey-cache-status`.
    pub cache_status: Cow<'static, str>,
    /// As in the header `x-portkey-retry-attempt-count`: -1 when retries were exhausted.
    pub retry_count: i16,
    pub mode: Cow<'static, str>,
    /// As in the header `x-portkey-last-used-option-index`.
    pub option_path: Cow<'static, str>,
}

/// A saved config as it was when a call ran under it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConfigVersion {
    pub slug: String,
    pub version_id: Uuid,
}

/// An opinion on the call's trace.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Feedback {
    /// -10 to 10.
    pub value: i16,
    /// 0 to 1.
    pub weight: f64,
    /// A JSON object.
    pub metadata: serde_json::Value,
}

/// One request to one target, whatever became of it. It holds no content.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Attempt {
    /// JSON path of the target, e.g. `config.targets[0]`.
    pub target: String,
    /// The name that the config gives the target.
    pub name: Option<String>,
    pub provider: String,
    pub virtual_key: Option<String>,
    pub model: Option<String>,
    /// Without its query.
    pub url: String,
    /// 0 for the first request to this target, n for its n-th retry.
    pub retry: u16,
    /// None where there was no answer.
    pub status: Option<u16>,
    /// Why there was none, or why it was not taken, in our own words.
    pub error: Option<String>,
    /// From receiving the call to the beginning of this attempt, in microseconds.
    pub started_us: u64,
    /// To the head of its answer, or its failure; of the attempt that was passed on, to the end of the answer. Microseconds.
    pub latency_us: u64,
    /// As in the header `x-portkey-cache-status`.
    pub cache_status: Cow<'static, str>,
}

impl Default for Routing {
    fn default() -> Self {
        Self {
            cache_status: "DISABLED".into(),
            retry_count: 0,
            mode: "single".into(),
            option_path: "config".into(),
        }
    }
}

/// What was read from an answer before its content was dropped.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    pub model: Option<String>,
    pub usage: Option<Usage>,
}
