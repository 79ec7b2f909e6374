//! The built-in provider `echo`, as a target: it needs no account and no network.

use providers::Endpoint;
use providers::echo::{self, Answer as Echo};
use uuid::Uuid;

use crate::answer::{self, Answer};

/// What it answers to `body`: nothing, for endpoints whose body is not looked into.
pub(crate) fn answer(endpoint: Endpoint, body: &[u8], id: Uuid, now_s: i64) -> Answer {
    match echo::answer(endpoint, body, &id.simple().to_string(), now_s) {
        Echo::Json { status, body } => answer::made(status, vec![body], false),
        Echo::Stream(events) => answer::made(200, events, true),
    }
}
