//! What a log keeps of its tokens besides its columns, so that it can be costed anew.

use entity::log;
use providers::{ServiceTier, Usage};
use serde::{Deserialize, Serialize};

/// `log.usage_detail`; what is nothing is not written.
#[derive(Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Detail {
    #[serde(skip_serializing_if = "is_nothing")]
    cache_write_1h_tokens: u64,
    #[serde(skip_serializing_if = "is_nothing")]
    audio_input_tokens: u64,
    #[serde(skip_serializing_if = "is_nothing")]
    audio_output_tokens: u64,
    #[serde(skip_serializing_if = "is_nothing")]
    image_input_tokens: u64,
    #[serde(skip_serializing_if = "is_nothing")]
    image_output_tokens: u64,
    #[serde(skip_serializing_if = "is_nothing")]
    service_tier: ServiceTier,
}

fn is_nothing<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// What is kept of a call's usage beside the columns; none where they say it all.
#[must_use]
pub fn detail_of(usage: &Usage) -> Option<serde_json::Value> {
    let detail = Detail {
        cache_write_1h_tokens: usage.cache_write_1h_tokens,
        audio_input_tokens: usage.audio_input_tokens,
        audio_output_tokens: usage.audio_output_tokens,
        image_input_tokens: usage.image_input_tokens,
        image_output_tokens: usage.image_output_tokens,
        service_tier: usage.service_tier,
    };
    if is_nothing(&detail) { None } else { serde_json::to_value(detail).ok() }
}

/// What the call of a log used; none where that is not known.
#[must_use]
pub fn usage_of(log: &log::Model) -> Option<Usage> {
    if log.input_tokens.is_none() && log.output_tokens.is_none() {
        return None;
    }
    let count = |n: Option<i64>| u64::try_from(n.unwrap_or(0)).unwrap_or(0);
    let detail = log.usage_detail.clone().and_then(|value| serde_json::from_value::<Detail>(value).ok());
    let detail = detail.unwrap_or_default();
    let usage = Usage {
        input_tokens: count(log.input_tokens),
        output_tokens: count(log.output_tokens),
        cached_input_tokens: count(log.cached_input_tokens),
        cache_write_tokens: count(log.cache_write_tokens),
        reasoning_tokens: count(log.reasoning_tokens),
        cache_write_1h_tokens: detail.cache_write_1h_tokens,
        audio_input_tokens: detail.audio_input_tokens,
        audio_output_tokens: detail.audio_output_tokens,
        image_input_tokens: detail.image_input_tokens,
        image_output_tokens: detail.image_output_tokens,
        service_tier: detail.service_tier,
        estimated: log.tokens_estimated,
    };
    Some(usage)
}
