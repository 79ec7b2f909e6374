//! What the targets of a call's config answered, one by one.

use entity::log;
use recorder::Attempt as Recorded;
use serde::Serialize;
use utoipa::ToSchema;

/// One request to one target. Without a status there was no answer, or none was asked for: from the cache, after a guardrail or
/// a limit that denied it.
#[derive(Serialize, ToSchema)]
#[schema(as = LogAttempt)]
pub(crate) struct Attempt {
    /// The JSON path of the target in its config, e.g. `config.targets[0]`.
    pub target: String,
    /// The name that the config gives the target.
    pub name: Option<String>,
    pub provider: String,
    virtual_key: Option<String>,
    pub model: Option<String>,
    request_url: String,
    /// 0: the first request to this target; n: its n-th retry.
    pub retry: u16,
    pub response_status_code: Option<u16>,
    /// Why there was no answer, or why it was not whole.
    pub error: Option<String>,
    /// Milliseconds from receiving the call.
    pub started_after: u64,
    /// Milliseconds to the head of the answer; of the one that was passed on, to its end.
    pub response_time: u64,
    pub cache_status: String,
}

/// The attempts of a log; none where the call ran under no config: its one attempt is all that the log says.
pub(super) fn of(log: &log::Model) -> Vec<Attempt> {
    let recorded = log.attempts.clone();
    let recorded: Vec<Recorded> =
        recorded.and_then(|attempts| serde_json::from_value(attempts).ok()).unwrap_or_default();
    recorded.into_iter().map(Attempt::from).collect()
}

impl From<Recorded> for Attempt {
    fn from(recorded: Recorded) -> Self {
        Self {
            target: recorded.target,
            name: recorded.name,
            provider: recorded.provider,
            virtual_key: recorded.virtual_key,
            model: recorded.model,
            request_url: recorded.url,
            retry: recorded.retry,
            response_status_code: recorded.status,
            error: recorded.error,
            started_after: recorded.started_us / 1000,
            response_time: recorded.latency_us / 1000,
            cache_status: recorded.cache_status.into_owned(),
        }
    }
}
