//! What a receiver says over HTTP.

use prost::Message;
use serde::Deserialize;

use super::{Accepted, words};

/// The answer to spans and the one to metrics differ in names alone, and not in their numbers.
#[derive(Clone, PartialEq, Message)]
struct Answer {
    #[prost(message, optional, tag = "1")]
    partial_success: Option<Partial>,
}

#[derive(Clone, PartialEq, Message)]
struct Partial {
    #[prost(int64, tag = "1")]
    rejected: i64,
    #[prost(string, tag = "2")]
    error_message: String,
}

/// `google.rpc.Status`.
#[derive(Clone, PartialEq, Message, Deserialize)]
struct Refusal {
    #[prost(string, tag = "2")]
    message: String,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct JsonAnswer {
    partial_success: Option<JsonPartial>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct JsonPartial {
    rejected_spans: Option<Whole>,
    rejected_data_points: Option<Whole>,
    error_message: Option<String>,
}

/// protobuf's JSON writes an int64 as a string; not everybody does.
#[derive(Deserialize)]
#[serde(untagged)]
enum Whole {
    Number(i64),
    Text(String),
}

impl Whole {
    fn value(&self) -> i64 {
        match self {
            Self::Number(number) => *number,
            Self::Text(text) => text.parse().unwrap_or(0),
        }
    }
}

/// What is said with a success; nothing where it cannot be read.
pub(super) fn taken(body: &[u8], json: bool) -> Accepted {
    if !json {
        let partial = Answer::decode(body).unwrap_or_default().partial_success.unwrap_or_default();
        return Accepted { rejected: partial.rejected.max(0), message: words(&partial.error_message) };
    }
    let answer: JsonAnswer = serde_json::from_slice(body).unwrap_or_default();
    let partial = answer.partial_success.unwrap_or_default();
    let rejected = partial.rejected_spans.or(partial.rejected_data_points);
    Accepted {
        rejected: rejected.map_or(0, |whole| whole.value().max(0)),
        message: partial.error_message.as_deref().and_then(words),
    }
}

/// What is said with a refusal: the status' message, else the text.
pub(super) fn refused(body: &[u8], json: bool) -> Option<String> {
    let status = if json { serde_json::from_slice(body).ok() } else { Refusal::decode(body).ok() };
    let message = status.map(|Refusal { message }| message).filter(|message| !message.is_empty());
    message.or_else(|| std::str::from_utf8(body).ok().map(str::to_owned))
}
