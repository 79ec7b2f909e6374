//! The tokens of one call, in one shape for all providers.

mod counts;

use serde::{Deserialize, Serialize};

pub(crate) use counts::Counts;
use counts::Parts;

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
    /// Part of what was written to the provider's cache: to be kept for an hour.
    pub cache_write_1h_tokens: u64,
    /// Part of the output: spent on reasoning.
    pub reasoning_tokens: u64,
    /// Part of the input: audio.
    pub audio_input_tokens: u64,
    /// Part of the output: audio.
    pub audio_output_tokens: u64,
    /// Part of the input: images.
    pub image_input_tokens: u64,
    /// Part of the output: images.
    pub image_output_tokens: u64,
    /// At which of its prices the provider answered.
    pub service_tier: ServiceTier,
    /// Counted by us, for the provider did not say.
    pub estimated: bool,
}

/// How a provider answered, where that has prices of its own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ServiceTier {
    /// As ever, also under names such as `default`, `auto` and `on_demand`.
    #[default]
    Standard,
    /// As part of a batch, within a day.
    Batch,
    /// When there was room, for less.
    Flex,
    /// Before others, for more.
    Priority,
}

impl ServiceTier {
    /// From the word that answers and requests have for it: `OpenAI`'s and Groq's `service_tier`, and Anthropic's in `usage`.
    #[must_use]
    pub fn named(name: &str) -> Self {
        match name {
            "batch" => Self::Batch,
            "flex" => Self::Flex,
            "priority" => Self::Priority,
            _ => Self::Standard,
        }
    }
}

impl Usage {
    /// Input and output together.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.input_tokens.saturating_add(self.output_tokens)
    }

    /// Reads the counts of a provider: `prompt_tokens` (chat, completions, embeddings) or `input_tokens` (responses,
    /// messages) and their details. `None` if neither input nor output is counted.
    pub(crate) fn read(counts: &Counts) -> Option<Self> {
        let input_detail = |part: fn(&Parts) -> Option<u64>| {
            let prompt = counts.prompt_details.as_ref().and_then(part);
            prompt.or_else(|| counts.input_details.as_ref().and_then(part)).unwrap_or(0)
        };
        let output_detail = |part: fn(&Parts) -> Option<u64>| {
            let completion = counts.completion_details.as_ref().and_then(part);
            completion.or_else(|| counts.output_details.as_ref().and_then(part)).unwrap_or(0)
        };
        let input = counts.prompt.or(counts.input);
        let output = counts.completion.or(counts.output);
        if input.is_none() && output.is_none() {
            return None;
        }
        let mut read = Self {
            input_tokens: input.unwrap_or(0),
            output_tokens: output.unwrap_or(0),
            // DeepSeek and Moonshot have names of their own, beside or instead of the detail.
            cached_input_tokens: input_detail(|parts| parts.cached)
                .max(counts.prompt_cache_hit.unwrap_or(0))
                .max(counts.cached.unwrap_or(0)),
            cache_write_tokens: input_detail(|parts| parts.cache_write),
            cache_write_1h_tokens: 0,
            reasoning_tokens: output_detail(|parts| parts.reasoning),
            audio_input_tokens: input_detail(|parts| parts.audio),
            audio_output_tokens: output_detail(|parts| parts.audio),
            image_input_tokens: input_detail(|parts| parts.image),
            image_output_tokens: output_detail(|parts| parts.image),
            service_tier: counts.service_tier.unwrap_or_default(),
            estimated: false,
        };
        // Anthropic counts cache reads and writes beside `input_tokens`, not in it.
        if counts.prompt.is_none() {
            let cache_read = counts.cache_read_input.unwrap_or(0);
            let cache_write = counts.cache_creation_input.unwrap_or(0);
            read.input_tokens = read.input_tokens.saturating_add(cache_read).saturating_add(cache_write);
            read.cached_input_tokens = read.cached_input_tokens.saturating_add(cache_read);
            read.cache_write_tokens = read.cache_write_tokens.saturating_add(cache_write);
            read.cache_write_1h_tokens = counts.cache_creation_1h.unwrap_or(0);
        }
        // xAI leaves reasoning out of `completion_tokens`; its total gives that away.
        let with_reasoning = read.output_tokens.saturating_add(read.reasoning_tokens);
        if read.reasoning_tokens > 0 && counts.total == Some(read.input_tokens.saturating_add(with_reasoning))
        {
            read.output_tokens = with_reasoning;
        }
        Some(read.consistent())
    }

    /// No part is larger than its whole, whatever was said.
    #[must_use]
    pub fn consistent(mut self) -> Self {
        self.cached_input_tokens = self.cached_input_tokens.min(self.input_tokens);
        self.cache_write_tokens = self.cache_write_tokens.min(self.input_tokens - self.cached_input_tokens);
        self.cache_write_1h_tokens = self.cache_write_1h_tokens.min(self.cache_write_tokens);
        self.audio_input_tokens = self.audio_input_tokens.min(self.input_tokens);
        self.image_input_tokens = self.image_input_tokens.min(self.input_tokens - self.audio_input_tokens);
        self.reasoning_tokens = self.reasoning_tokens.min(self.output_tokens);
        self.audio_output_tokens = self.audio_output_tokens.min(self.output_tokens);
        self.image_output_tokens =
            self.image_output_tokens.min(self.output_tokens - self.audio_output_tokens);
        self
    }
}
