//! The tokens of one call, in one shape for all providers.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Tokens used. `input_tokens` and `output_tokens` are totals; the other counts are parts of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Usage {
    /// All of the input, cached or not.
    pub input_tokens: u64,
    /// All of the output, reasoning included.
    pub output_tokens: u64,
    /// Part of the input: read from the provider's cache.
    pub cached_input_tokens: u64,
    /// Part of the input: written to the provider's cache.
    pub cache_write_tokens: u64,
    /// Part of the output: spent on reasoning.
    pub reasoning_tokens: u64,
    /// Part of the input: audio.
    pub audio_input_tokens: u64,
    /// Part of the output: audio.
    pub audio_output_tokens: u64,
    /// Counted by us, for the provider did not say.
    pub estimated: bool,
}

impl Usage {
    /// Input and output together.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.input_tokens.saturating_add(self.output_tokens)
    }

    /// Reads a provider's `usage` object: `prompt_tokens` (chat, completions, embeddings) or `input_tokens` (responses,
    /// messages) and their details. `None` if it counts neither input nor output.
    pub(crate) fn read(usage: &Map<String, Value>) -> Option<Self> {
        let number = |name: &str| usage.get(name).and_then(count);
        let detail = |group: &str, name: &str| usage.get(group).and_then(|g| g.get(name)).and_then(count);
        let input_detail = |name| {
            detail("prompt_tokens_details", name)
                .or_else(|| detail("input_tokens_details", name))
                .unwrap_or(0)
        };
        let output_detail = |name| {
            detail("completion_tokens_details", name)
                .or_else(|| detail("output_tokens_details", name))
                .unwrap_or(0)
        };
        let input = number("prompt_tokens").or_else(|| number("input_tokens"));
        let output = number("completion_tokens").or_else(|| number("output_tokens"));
        if input.is_none() && output.is_none() {
            return None;
        }
        let mut read = Self {
            input_tokens: input.unwrap_or(0),
            output_tokens: output.unwrap_or(0),
            // DeepSeek and Moonshot have names of their own, beside or instead of the detail.
            cached_input_tokens: input_detail("cached_tokens")
                .max(number("prompt_cache_hit_tokens").unwrap_or(0))
                .max(number("cached_tokens").unwrap_or(0)),
            cache_write_tokens: input_detail("cache_write_tokens"),
            reasoning_tokens: output_detail("reasoning_tokens"),
            audio_input_tokens: input_detail("audio_tokens"),
            audio_output_tokens: output_detail("audio_tokens"),
            estimated: false,
        };
        // Anthropic counts cache reads and writes beside `input_tokens`, not in it.
        if !usage.contains_key("prompt_tokens") {
            let cache_read = number("cache_read_input_tokens").unwrap_or(0);
            let cache_write = number("cache_creation_input_tokens").unwrap_or(0);
            read.input_tokens = read.input_tokens.saturating_add(cache_read).saturating_add(cache_write);
            read.cached_input_tokens = read.cached_input_tokens.saturating_add(cache_read);
            read.cache_write_tokens = read.cache_write_tokens.saturating_add(cache_write);
        }
        // xAI leaves reasoning out of `completion_tokens`; its total gives that away.
        let with_reasoning = read.output_tokens.saturating_add(read.reasoning_tokens);
        if read.reasoning_tokens > 0
            && number("total_tokens") == Some(read.input_tokens.saturating_add(with_reasoning))
        {
            read.output_tokens = with_reasoning;
        }
        Some(read.consistent())
    }

    /// No part is larger than its whole, whatever the provider said.
    fn consistent(mut self) -> Self {
        self.cached_input_tokens = self.cached_input_tokens.min(self.input_tokens);
        self.cache_write_tokens = self.cache_write_tokens.min(self.input_tokens - self.cached_input_tokens);
        self.audio_input_tokens = self.audio_input_tokens.min(self.input_tokens);
        self.reasoning_tokens = self.reasoning_tokens.min(self.output_tokens);
        self.audio_output_tokens = self.audio_output_tokens.min(self.output_tokens);
        self
    }
}

/// A whole number, also where a provider writes it as `12.0`; anything else is no count.
fn count(value: &Value) -> Option<u64> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "whole, not negative and under 2^53: exact"
    )]
    value.as_u64().or_else(|| {
        value.as_f64().filter(|n| n.fract() == 0.0 && (0.0..9.0e15).contains(n)).map(|n| n as u64)
    })
}
