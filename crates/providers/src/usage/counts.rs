//! The counts of a provider's `usage` objects, merged over the events of a stream.

use serde_json::value::RawValue;

use crate::object::each_field_of;

const COUNTS: [&str; 13] = [
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
];

const PARTS: [&str; 4] = ["cached_tokens", "cache_write_tokens", "audio_tokens", "reasoning_tokens"];

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
    pub prompt_details: Option<Parts>,
    pub input_details: Option<Parts>,
    pub completion_details: Option<Parts>,
    pub output_details: Option<Parts>,
}

/// Parts of a count.
#[derive(Debug, Default)]
pub(crate) struct Parts {
    pub cached: Option<u64>,
    pub cache_write: Option<u64>,
    pub audio: Option<u64>,
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
            _ => replace(&mut self.output_details, value),
        });
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
