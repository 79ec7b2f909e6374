//! What a call's status says in words: the labels of the contract's guide to the request status (2.4).

use entity::log;
use serde::Serialize;
use utoipa::ToSchema;

/// A label for each of what may have acted on a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct StatusLabels {
    pub cache: &'static str,
    pub retry: String,
    pub fallback: &'static str,
    pub loadbalance: &'static str,
}

impl StatusLabels {
    /// The labels of a log.
    #[must_use]
    pub fn of(log: &log::Model) -> Self {
        let active = |mode: &str, on, off| if log.mode.eq_ignore_ascii_case(mode) { on } else { off };
        Self {
            cache: match log.cache_status.as_str() {
                "MISS" | "SEMANTIC MISS" => "Cache Miss",
                "REFRESH" => "Cache Refreshed",
                "HIT" => "Cache Hit",
                "SEMANTIC HIT" => "Cache Semantic Hit",
                _ => "Cache Disabled",
            },
            retry: match log.retry_count {
                0 => "Retry Not Triggered".to_owned(),
                ..0 => "Retry Failed".to_owned(),
                tries => format!("Retry Success on {tries} Tries"),
            },
            fallback: active("fallback", "Fallback Active", "Fallback Disabled"),
            loadbalance: active("loadbalance", "Loadbalancer Active", "Loadbalancer Disabled"),
        }
    }
}
