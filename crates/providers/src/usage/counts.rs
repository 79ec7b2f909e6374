//! The counts of a provider's `usage` objects, merged over the events of a stream.

use serde_json::value::RawValue;

use super::ServiceTier;
use crate::object::{each_field_of, string};

const COUNTS: [&str; 15] = [
    "prompt_tokens",
    "input_tokens",
    "completion_tokens",
    "output_tokens",
    "total_tokens",
    "prompt_cache_hit_tokens",
    "cached_tokens",
    "cache_read_input_tokens",
    "cache_creation_input_tokens",
    "prompt_tokens_details",
    "input_tokens_details",
    "completion_tokens_details",
    "output_tokens_details",
    "cache_creation",
    "service_tier",
];

const PARTS: [&str; 5] =
    ["cached_tokens", "cache_write_tokens", "audio_tokens", "image_tokens", "reasoning_tokens"];

/// What the providers' `usage` objects hold, under the providers' names; the rest is not read.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub prompt: Option<u64>,
    pub input: Option<u64>,
    pub completion: Option<u64>,
    pub output: Option<u64>,
    pub total: Option<u64>,
    pub prompt_cache_hit: Option<u64>,
    pub cached: Option<u64>,
    pub cache_read_input: Option<u64>,
    pub cache_creation_input: Option<u64>,
    /// Of `cache_creation_input`, what is kept for an hour.
    pub cache_creation_1h: Option<u64>,
    pub prompt_details: Option<Parts>,
    pub input_details: Option<Parts>,
    pub completion_details: Option<Parts>,
    pub output_details: Option<Parts>,
    /// Which the answer, or its last event that says so, was of.
    pub service_tier: Option<ServiceTier>,
}

/// Parts of a count.
#[derive(Debug, Default)]
pub(crate) struct Parts {
    pub cached: Option<u64>,
    pub cache_write: Option<u64>,
    pub audio: Option<u64>,
    pub image: Option<u64>,
    pub reasoning: Option<u64>,
}

impl Counts {
    /// Later counts replace earlier ones, for streams count up; but no count goes down, for Anthropic's last event may
    /// repeat the input as 0. Details are replaced as a whole. What is no object counts nothing.
    pub fn add(&mut self, usage: &RawValue) {
        each_field_of(usage, &COUNTS, |name, value| match name {
            "prompt_tokens" => raise(&mut self.prompt, value),
            "input_tokens" => raise(&mut self.input, value),
            "completion_tokens" => raise(&mut self.completion, value),
            "output_tokens" => raise(&mut self.output, value),
            "total_tokens" => raise(&mut self.total, value),
            "prompt_cache_hit_tokens" => raise(&mut self.prompt_cache_hit, value),
            "cached_tokens" => raise(&mut self.cached, value),
            "cache_read_input_tokens" => raise(&mut self.cache_read_input, value),
            "cache_creation_input_tokens" => raise(&mut self.cache_creation_input, value),
            "prompt_tokens_details" => replace(&mut self.prompt_details, value),
            "input_tokens_details" => replace(&mut self.input_details, value),
            "completion_tokens_details" => replace(&mut self.completion_details, value),
            "output_tokens_details" => replace(&mut self.output_details, value),
            "cache_creation" => {
                let hour = ["ephemeral_1h_input_tokens"];
                each_field_of(value, &hour, |_, value| raise(&mut self.cache_creation_1h, value));
            }
            _ => self.take_tier(value),
        });
    }

    /// What is no name says nothing.
    pub fn take_tier(&mut self, value: &RawValue) {
        if let Ok(name) = string(value) {
            self.service_tier = Some(ServiceTier::named(&name));
        }
    }
}

fn raise(kept: &mut Option<u64>, value: &RawValue) {
    *kept = (*kept).max(count(value));
}

fn replace(kept: &mut Option<Parts>, value: &RawValue) {
    if value.get() == "null" {
        return;
    }
    let mut parts = Parts::default();
    each_field_of(value, &PARTS, |name, value| match name {
        "cached_tokens" => parts.cached = count(value),
        "cache_write_tokens" => parts.cache_write = count(value),
        "audio_tokens" => parts.audio = count(value),
        "image_tokens" => parts.image = count(value),
        _ => parts.reasoning = count(value),
    });
    *kept = Some(parts);
}

/// A whole number, also where a provider writes it as `12.0`; anything else is no count.
fn count(value: &RawValue) -> Option<u64> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "whole, not negative and under 2^53: exact"
    )]
    value.get().parse().ok().or_else(|| {
        let number = value.get().parse::<f64>().ok();
        number.filter(|n| n.fract() == 0.0 && (0.0..9.0e15).contains(n)).map(|n| n as u64)
    })
}
