//! The built-in provider `echo`, as a target: it needs no account and no network.

use bytes::Bytes;
use providers::Endpoint;
use providers::echo::{self, Answer};
use uuid::Uuid;

/// Status, chunks, and whether they are an event stream.
pub(crate) fn answer(endpoint: Endpoint, body: &[u8], id: Uuid, now_s: i64) -> (u16, Vec<Bytes>, bool) {
    match echo::answer(endpoint, body, &id.simple().to_string(), now_s) {
        Answer::Json { status, body } => (status, vec![body], false),
        Answer::Stream(events) => (200, events, true),
    }
}

/// The same for endpoints whose body is not looked into.
pub(crate) fn beyond(endpoint: Endpoint, now_s: i64) -> (u16, Vec<Bytes>, bool) {
    answer(endpoint, &[], Uuid::nil(), now_s)
}
