//! The most that a call may use, before it is made.

use crate::object::{each_field, each_item, text};
use crate::{Endpoint, ServiceTier, Usage};

/// What an output that nobody bounds may have, of a model that is not known here. Tokens.
const UNKNOWN_MODEL: u64 = 131_072;

/// The longest outputs by the beginnings of models' names; the longest beginning holds. An estimate for budgets: where a model answers longer than
/// it says here, a call without a limit of its own may pass a budget by the rest.
const OUTPUTS: [(&str, u64); 35] = [
    ("chatgpt-4o", 16_384),
    ("claude-3-5-haiku", 8_192),
    ("claude-3-5-sonnet", 8_192),
    ("claude-3-haiku", 4_096),
    ("claude-3-opus", 4_096),
    ("claude-3-sonnet", 4_096),
    ("claude-haiku-4", 64_000),
    ("claude-opus-4-0", 32_000),
    ("claude-opus-4-1", 32_000),
    ("claude-opus-4-2025", 32_000),
    ("claude-sonnet-4", 64_000),
    ("command-a", 8_192),
    ("command-r", 4_096),
    ("gemini-1.5", 8_192),
    ("gemini-2.0", 8_192),
    ("gemini-2.5", 65_536),
    ("gemini-3", 65_536),
    ("gpt-3.5", 4_096),
    ("gpt-4", 8_192),
    ("gpt-4-32k", 32_768),
    ("gpt-4-turbo", 4_096),
    ("gpt-4-0125", 4_096),
    ("gpt-4-1106", 4_096),
    ("gpt-4.1", 32_768),
    ("gpt-4.5", 16_384),
    ("gpt-4o", 16_384),
    ("gpt-5", 128_000),
    ("gpt-5-chat", 16_384),
    ("gpt-audio", 16_384),
    ("o1", 100_000),
    ("o1-mini", 65_536),
    ("o1-preview", 32_768),
    ("o3", 100_000),
    ("o4-mini", 100_000),
    ("text-embedding", 0),
];

/// What a call may use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Most {
    /// Input and output at the most.
    pub tokens: u64,
    /// At the most, in pico-dollars; 0 where the price is not known.
    pub cost_pusd: u64,
    /// Tokens that are likely: four bytes of the body are one, and the output is as long as the body allows it to be, where it
    /// does.
    pub likely_tokens: u64,
}

/// Reads it from a JSON request's body. A text has no more tokens than bytes; what a body only points at (an image's URL) is
/// not seen. Where the body does not bound the output, the model does. `cost` prices what the model uses, in pico-dollars.
#[must_use]
pub fn most(
    provider: &str,
    endpoint: Endpoint,
    model: Option<&str>,
    body: &[u8],
    cost: impl Fn(&str, &Usage) -> Option<i64>,
) -> Most {
    if body.is_empty() || endpoint == Endpoint::MessagesCountTokens {
        return Most::default();
    }
    let bytes = body.len() as u64;
    let asked = Asked::of(text(body));
    let longest = match endpoint {
        Endpoint::Embeddings => 0,
        _ if provider == "echo" => bytes,
        _ => model.map_or(UNKNOWN_MODEL, longest_output),
    };
    let each =
        asked.output.map_or(longest, |output| if provider == "echo" { output.min(bytes) } else { output });
    let output_tokens = if endpoint == Endpoint::Embeddings { 0 } else { each.saturating_mul(asked.answers) };
    let service_tier = asked.service_tier;
    let plain = Usage { input_tokens: bytes, output_tokens, service_tier, ..Usage::default() };
    // Which of its kinds the input is of, and the output, is the provider's to say: the dearest.
    let kinds = [
        plain,
        Usage { cache_write_tokens: bytes, reasoning_tokens: output_tokens, ..plain },
        Usage { cache_write_tokens: bytes, cache_write_1h_tokens: bytes, ..plain },
        Usage { image_input_tokens: bytes, image_output_tokens: output_tokens, ..plain },
        Usage { audio_input_tokens: bytes, audio_output_tokens: output_tokens, ..plain },
    ];
    let cost = model.and_then(|model| kinds.iter().filter_map(|usage| cost(model, usage)).max());
    let likely_output = asked.output.map_or(0, |_| output_tokens);
    Most {
        tokens: plain.total(),
        cost_pusd: cost.and_then(|cost| u64::try_from(cost).ok()).unwrap_or(0),
        likely_tokens: bytes.div_ceil(4).saturating_add(likely_output),
    }
}

fn longest_output(model: &str) -> u64 {
    let name = model.rsplit('/').next().unwrap_or(model);
    let known = OUTPUTS.iter().filter(|(beginning, _)| name.starts_with(beginning));
    known.max_by_key(|(beginning, _)| beginning.len()).map_or(UNKNOWN_MODEL, |(_, tokens)| *tokens)
}

/// What a body says of its answers.
struct Asked {
    /// How long each may be. Tokens.
    output: Option<u64>,
    /// How many there may be.
    answers: u64,
    /// Priority where the body asks for it. What it only allows for less may come at the standard price.
    service_tier: ServiceTier,
}

impl Asked {
    /// Of a field that is there twice, or under several names, the largest.
    fn of(body: &str) -> Self {
        let (mut output, mut choices, mut prompts) = (None, 1, 1);
        let mut service_tier = ServiceTier::Standard;
        let fields = [
            "max_tokens",
            "max_completion_tokens",
            "max_output_tokens",
            "n",
            "best_of",
            "prompt",
            "service_tier",
        ];
        // What came before an error counts; a body that is no object is refused elsewhere.
        _ = each_field(body, &fields, |name, value| {
            let number = value.get().parse::<u64>().ok();
            match name {
                "service_tier" if value.get() == r#""priority""# => service_tier = ServiceTier::Priority,
                "service_tier" => {}
                "n" | "best_of" => choices = number.unwrap_or(1).max(choices),
                "prompt" => {
                    let mut texts = 0;
                    each_item(value, |item| {
                        texts += u64::from(!item.get().starts_with(|c: char| c.is_ascii_digit()));
                    });
                    prompts = texts.max(prompts);
                }
                _ => output = output.max(number),
            }
        });
        Self { output, answers: choices.saturating_mul(prompts), service_tier }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use serde_json::{Value, json};

    use super::*;
    use crate::price;

    fn of(provider: &str, model: &str, body: &Value) -> (u64, Most) {
        let body = body.to_string();
        (body.len() as u64, most_of(provider, Endpoint::ChatCompletions, Some(model), body.as_bytes()))
    }

    fn most_of(provider: &str, endpoint: Endpoint, model: Option<&str>, body: &[u8]) -> Most {
        most(provider, endpoint, model, body, |model, usage| price::cost(provider, model, usage))
    }

    #[test]
    fn the_output_is_bounded_by_the_body_else_by_the_model() {
        for (model, more, output) in [
            ("gpt-4o-mini", json!({}), 16_384),
            ("gpt-4o-mini", json!({"max_tokens": 10}), 10),
            ("gpt-4o-mini", json!({"max_tokens": 10, "max_completion_tokens": 20}), 20),
            ("gpt-4o-mini", json!({"max_tokens": 10, "n": 3}), 30),
            ("gpt-4o-mini", json!({"max_tokens": null}), 16_384),
            ("gpt-4.1-nano", json!({}), 32_768),
            ("gpt-4-turbo", json!({}), 4_096),
            ("openai/gpt-5-mini", json!({}), 128_000),
            ("nobodys", json!({}), UNKNOWN_MODEL),
            ("m", json!({"max_tokens": 1, "prompt": ["a", "b"], "n": 2}), 4),
            ("m", json!({"max_tokens": 1, "prompt": [1, 2, 3]}), 1),
            ("m", json!({"max_tokens": u64::MAX, "n": 9}), u64::MAX),
        ] {
            let (bytes, most) = of("openai", model, &more);
            assert_eq!(most.tokens, bytes.saturating_add(output), "{model} {more}");
        }
    }

    #[test]
    fn its_cost_is_that_of_the_dearest_kind_of_tokens() {
        let (bytes, openai) = of("openai", "gpt-4o-mini", &json!({"max_tokens": 100}));
        assert_eq!(openai.cost_pusd, bytes * 150_000 + 100 * 600_000);
        let (bytes, anthropic) = of("anthropic", "claude-3-haiku", &json!({"max_tokens": 100}));
        let written =
            Usage { input_tokens: bytes, output_tokens: 100, cache_write_tokens: bytes, ..Usage::default() };
        let cost = price::cost("anthropic", "claude-3-haiku", &written).unwrap();
        assert_eq!(anthropic.cost_pusd, u64::try_from(cost).unwrap());
        assert_eq!(of("openai", "nobodys", &json!({})).1.cost_pusd, 0);
    }

    #[test]
    fn what_is_likely_is_a_token_for_four_bytes_and_the_output_asked_for() {
        let (bytes, bounded) = of("openai", "gpt-4o", &json!({"max_tokens": 50}));
        assert_eq!(bounded.likely_tokens, bytes.div_ceil(4) + 50);
        let (bytes, open) = of("openai", "gpt-4o", &json!({"x": "y"}));
        assert_eq!(open.likely_tokens, bytes.div_ceil(4));
    }

    #[test]
    fn echo_answers_no_more_than_it_is_told_and_embeddings_have_no_output() {
        let (bytes, echo) = of("echo", "gpt-4o", &json!({"x": "y"}));
        assert_eq!((echo.tokens, echo.cost_pusd), (2 * bytes, 0));
        let embedded =
            most_of("openai", Endpoint::Embeddings, Some("text-embedding-3-small"), b"{\"input\":\"x\"}");
        assert_eq!(embedded.tokens, 13);
        for (endpoint, body) in [(Endpoint::MessagesCountTokens, &b"{}"[..]), (Endpoint::Proxy, b"")] {
            assert_eq!(most_of("openai", endpoint, None, body), Most::default());
        }
    }
}
