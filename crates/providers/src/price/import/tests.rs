#![expect(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;

use super::*;
use crate::{ServiceTier, Usage};

const PORTKEY: &str = r#"{
    "default": {"pricing_config": {"pay_as_you_go": {"request_token": {"price": 0}, "response_token": {"price": 0}},
        "calculate": {"request": {"operation": "sum", "operands": []}}, "currency": "USD"}},
    "gpt-4o": {"pricing_config": {
        "pay_as_you_go": {"request_token": {"price": 0.00025}, "response_token": {"price": 0.001},
            "cache_read_input_token": {"price": 1.25e-4}, "cache_write_input_token": {"price": 0},
            "additional_units": {"web_search": {"price": 1}, "file_search": {"price": 0}, "thinking_token": {"price": 0.002}}},
        "batch_config": {"request_token": {"price": 0.000125}, "response_token": {"price": 0.0005}}}},
    "gemini": {"custom_pricing": {"context_tier_map": {"0": "lte-200k", "200000": "gt-200k"}, "regions": {
        "default": {"execution_modes": {
            "standard": {"context_tiers": {
                "lte-200k": {"pricing_config": {"pay_as_you_go": {"request_token": {"price": 0.0002}, "response_token": {"price": 0.0012}}}},
                "gt-200k": {"pricing_config": {"pay_as_you_go": {"request_token": {"price": 0.0004}, "response_token": {"price": 0.0018}}}}}},
            "priority": {"pricing_config": {"pay_as_you_go": {"request_token": {"price": 0.0003}, "response_token": {"price": 0.002}}}}}},
        "eu": {"execution_modes": {"standard": {"pricing_config": {"pay_as_you_go": {"request_token": {"price": 9}}}}}}}}},
    "old-lte-128k": {"pricing_config": {"pay_as_you_go": {"request_token": {"price": 0.0001}, "response_token": {"price": 0.0001}}}},
    "old-gt-128k": {"pricing_config": {"pay_as_you_go": {"request_token": {"price": 0.0002}, "response_token": {"price": 0.0003}}}},
    "dall-e": {"pricing_config": {"pay_as_you_go": {"request_token": {"price": 0}, "response_token": {"price": 0},
        "image": {"standard": {"1024x1024": {"price": 4}}}}}},
    "yuan": {"pricing_config": {"currency": "CNY", "pay_as_you_go": {"request_token": {"price": 1}}}},
    "fine": {"pricing_config": {"pay_as_you_go": {"request_token": {"price": 0.00000000001}, "response_token": {"price": 1}}}},
    "image-1": {"pricing_config": {"pay_as_you_go": {"request_token": {"price": 0}, "response_token": {"price": 0},
        "request_text_token": {"price": 0.0005}, "request_image_token": {"price": 0.001}, "response_image_token": {"price": 0.004}}}}
}"#;

const LITELLM: &str = r#"{
    "sample_spec": {"litellm_provider": "one of", "input_cost_per_token": 0.0, "max_tokens": "x"},
    "gpt-4o": {"litellm_provider": "openai", "mode": "chat", "max_tokens": 16384,
        "input_cost_per_token": 2.5e-06, "output_cost_per_token": 1e-05, "cache_read_input_token_cost": 1.25e-06,
        "input_cost_per_token_batches": 1.25e-06, "output_cost_per_token_batches": 5e-06,
        "input_cost_per_token_priority": 4.25e-06, "output_cost_per_token_priority": 1.7e-05,
        "input_cost_per_audio_token": 4e-05, "output_cost_per_reasoning_token": 1.1e-05,
        "search_context_cost_per_query": {"search_context_size_low": 0.03}},
    "claude-sonnet-4-5": {"litellm_provider": "anthropic", "input_cost_per_token": 3e-06, "output_cost_per_token": 1.5e-05,
        "input_cost_per_token_above_200k_tokens": 6e-06, "output_cost_per_token_above_200k_tokens": 2.25e-05,
        "cache_creation_input_token_cost": 3.75e-06, "cache_creation_input_token_cost_above_1hr": 6e-06,
        "cache_creation_input_token_cost_above_1hr_above_200k_tokens": 1.2e-05},
    "gemini/gemini-2.5-pro": {"litellm_provider": "gemini", "input_cost_per_token": 1.25e-06, "output_cost_per_token": 1e-05},
    "vertex_ai/mistral-x": {"litellm_provider": "vertex_ai-mistral_models", "input_cost_per_token": 1e-06, "output_cost_per_token": 3e-06},
    "text-embedding-3-small": {"litellm_provider": "openai", "input_cost_per_token": 2e-08, "output_cost_per_token": 0.0},
    "whisper-1": {"litellm_provider": "openai", "input_cost_per_second": 0.0001, "output_cost_per_second": 0.0001},
    "too-fine": {"litellm_provider": "openai", "input_cost_per_token": 1.23456789e-07, "output_cost_per_token": 1e-06},
    "no-provider": {"input_cost_per_token": 1e-06},
    "groq/free": {"litellm_provider": "groq", "input_cost_per_token": 0.0, "output_cost_per_token": 0.0}
}"#;

fn usage(input_tokens: u64, output_tokens: u64) -> Usage {
    Usage { input_tokens, output_tokens, ..Usage::default() }
}

fn left_out(import: &Import) -> Vec<(&str, &str)> {
    import.left_out.iter().map(|left| (left.path.as_str(), left.why.as_str())).collect()
}

#[test]
fn portkeys_cents_are_exact_and_what_is_left_out_is_named() {
    let import = import(PORTKEY, Some("open-ai")).unwrap();
    assert_eq!(import.format, Format::Portkey);
    let cost = |model: &str, usage: &Usage| import.prices.cost("openai", model, usage);
    let cached =
        Usage { cached_input_tokens: 10, cache_write_tokens: 5, reasoning_tokens: 2, ..usage(20, 3) };
    let batch = |usage: Usage| Usage { service_tier: ServiceTier::Batch, ..usage };
    let priority = Usage { service_tier: ServiceTier::Priority, ..usage(1, 1) };
    let image = Usage { image_input_tokens: 1, image_output_tokens: 1, ..usage(2, 1) };
    for (model, usage, pico) in [
        ("gpt-4o", usage(1, 1), 12_500_000),
        // Reasoning has its own price; a cache write of price 0 is one that is not given.
        ("gpt-4o-2024-08-06", cached, 10 * 1_250_000 + 10 * 2_500_000 + 2 * 20_000_000 + 10_000_000),
        ("gpt-4o", batch(usage(2, 1)), 2 * 1_250_000 + 5_000_000),
        ("gemini", usage(200_000, 1), 200_000 * 2_000_000 + 12_000_000),
        ("gemini", usage(200_001, 1), 200_001 * 4_000_000 + 18_000_000),
        ("gemini", priority, 3_000_000 + 20_000_000),
        ("old", usage(128_000, 1), 128_001 * 1_000_000),
        ("old", usage(128_001, 1), 128_001 * 2_000_000 + 3_000_000),
        ("image-1", image, 5_000_000 + 10_000_000 + 40_000_000),
    ] {
        assert_eq!(cost(model, &usage), Some(pico), "{model} {usage:?}");
    }
    for model in ["dall-e", "yuan", "fine", "nobodys", "*"] {
        assert_eq!(cost(model, &usage(1, 1)), None, "{model}");
    }
    assert_eq!(
        left_out(&import),
        [
            ("dall-e: pricing_config.pay_as_you_go.image", "there is no such price here"),
            ("dall-e", "free a token, and charged otherwise"),
            (
                "fine: pricing_config.pay_as_you_go.request_token",
                "0.00000000001 is finer than a pico-dollar a token"
            ),
            ("fine", "one of its prices cannot be taken"),
            ("gemini: custom_pricing.regions.eu", "there is no such price here"),
            (
                "gpt-4o: pricing_config.pay_as_you_go.additional_units.web_search",
                "there is no such price here"
            ),
            ("yuan: pricing_config", "in CNY, not in USD"),
            ("yuan", "no price a token"),
        ]
    );
}

#[test]
fn litellms_dollars_are_exact_and_what_is_left_out_is_named() {
    let import = import(LITELLM, None).unwrap();
    assert_eq!(import.format, Format::LiteLlm);
    let audio = Usage { audio_input_tokens: 1, reasoning_tokens: 1, ..usage(2, 2) };
    let tier = |service_tier| Usage { service_tier, ..usage(1, 1) };
    let written = |input| Usage { cache_write_tokens: 4, cache_write_1h_tokens: 1, ..usage(input, 0) };
    for (provider, model, usage, pico) in [
        ("openai", "gpt-4o", usage(1, 1), 12_500_000),
        ("openai", "gpt-4o", audio, 40_000_000 + 2_500_000 + 11_000_000 + 10_000_000),
        ("openai", "gpt-4o", tier(ServiceTier::Batch), 6_250_000),
        ("openai", "gpt-4o", tier(ServiceTier::Priority), 21_250_000),
        ("anthropic", "claude-sonnet-4-5-20250929", usage(200_000, 1), 200_000 * 3_000_000 + 15_000_000),
        ("anthropic", "claude-sonnet-4-5", usage(200_001, 1), 200_001 * 6_000_000 + 22_500_000),
        ("anthropic", "claude-sonnet-4-5", written(4), 3 * 3_750_000 + 6_000_000),
        ("anthropic", "claude-sonnet-4-5", written(200_001), 200_000 * 6_000_000 + 12_000_000),
        ("google", "gemini-2.5-pro", usage(1, 1), 11_250_000),
        ("vertex-ai", "mistral-x", usage(1, 1), 4_000_000),
        ("openai", "text-embedding-3-small", usage(7, 0), 140_000),
        ("groq", "free", usage(1, 1), 0),
    ] {
        assert_eq!(import.prices.cost(provider, model, &usage), Some(pico), "{provider} {model} {usage:?}");
    }
    assert_eq!(
        left_out(&import),
        [
            ("gpt-4o: search_context_cost_per_query", "there is no such price here"),
            ("no-provider", "no litellm_provider"),
            ("too-fine: input_cost_per_token", "1.23456789e-07 is finer than a pico-dollar a token"),
            ("too-fine", "one of its prices cannot be taken"),
            ("whisper-1: input_cost_per_second", "there is no such price here"),
            ("whisper-1: output_cost_per_second", "there is no such price here"),
            ("whisper-1", "no price a token"),
        ]
    );
}

#[test]
fn a_file_that_is_none_says_why() {
    for (text, provider, why) in [
        ("{", None, "not JSON"),
        ("{}", None, "neither of Portkey's format"),
        (r#"{"a": 1}"#, Some("openai"), "neither of Portkey's format"),
        (PORTKEY, None, "name it with --provider"),
        (LITELLM, Some("openai"), "leave --provider out"),
        ("version = \"x\"", Some("openai"), "leave --provider out"),
        ("versoin = \"x\"", None, "unknown field `versoin`"),
    ] {
        let error = import(text, provider).err().unwrap().to_string();
        assert!(error.contains(why), "{text}: {error}");
    }
    let ours = import("providers.openai.models.m = { input = \"1\", output = \"2\" }", None).unwrap();
    assert_eq!(
        (ours.format, ours.prices.cost("openai", "m", &usage(1, 1))),
        (Format::Overrides, Some(3_000_000))
    );
}

#[test]
fn a_number_is_taken_whole_or_not_at_all() {
    let pico = |text: &str, exponent| PerToken::scaled(text, exponent).map(PerToken::pico).ok();
    for (text, exponent, expected) in [
        ("2.5e-06", 12, Some(2_500_000)),
        ("0.0000025", 12, Some(2_500_000)),
        ("25E-7", 12, Some(2_500_000)),
        ("2.50000000000000000000000000e-6", 12, Some(2_500_000)),
        ("0.00025", 10, Some(2_500_000)),
        ("1e-12", 12, Some(1)),
        ("1e-13", 12, None),
        ("0.0", 12, Some(0)),
        ("0e99", 12, Some(0)),
        ("9.2e6", 12, Some(9_200_000_000_000_000_000)),
        ("9.3e6", 12, None),
        ("1e400", 12, None),
        ("1e99999999999999999999", 12, None),
        ("-1e-6", 12, None),
        ("\"1\"", 12, None),
        ("", 12, None),
        ("1.2.3", 12, None),
        ("true", 12, None),
    ] {
        assert_eq!(pico(text, exponent), expected, "{text}");
    }
}

proptest! {
    /// A price of so many pico-dollars, however it is written, costs what hand arithmetic says.
    #[test]
    fn an_import_costs_what_hand_arithmetic_says(
        input in 0..2_000_000_000_i64, output in 1..2_000_000_000_i64, cached in 1..1_000_000_000_i64,
        tokens in (0..1_000_000_u64, 0..1_000_000_u64, 0..1_000_000_u64),
    ) {
        let (fresh, from_cache, written) = tokens;
        let usage = Usage { cached_input_tokens: from_cache, ..usage(fresh + from_cache, written) };
        let signed = |n: u64| i64::try_from(n).unwrap();
        let expected = signed(fresh) * input + signed(from_cache) * cached + signed(written) * output;
        let litellm = format!(
            r#"{{"m": {{"litellm_provider": "openai", "input_cost_per_token": {input}e-12,
                "output_cost_per_token": {}, "cache_read_input_token_cost": {cached}.0E-012}}}}"#,
            plain(output, 12),
        );
        let portkey = format!(
            r#"{{"m": {{"pricing_config": {{"pay_as_you_go": {{"request_token": {{"price": {}}},
                "response_token": {{"price": {output}e-10}}, "cache_read_input_token": {{"price": {}}}}}}}}}}}"#,
            plain(input, 10), plain(cached, 10),
        );
        for (text, provider) in [(litellm, None), (portkey, Some("openai"))] {
            let import = import(&text, provider).unwrap();
            prop_assert_eq!(&import.left_out, &[]);
            prop_assert_eq!(import.prices.cost("openai", "m", &usage), Some(expected));
            // As it is kept, and as it is shown.
            for (_, _, price) in import.prices.iter() {
                let kept: Price = serde_json::from_str(&serde_json::to_string(price).unwrap()).unwrap();
                prop_assert_eq!(&kept, price);
                let shown = PerToken::scaled(&price.input.unwrap().cents(), 10);
                prop_assert_eq!(shown.ok(), price.input);
            }
        }
    }

    #[test]
    fn no_text_panics(text in ".{0,200}", json in r#"\{("[a-z_]{1,20}":(\{|[0-9eE.+-]{1,12}|null|"x"|\}|,)){0,12}\}?"#) {
        _ = import(&text, None);
        _ = import(&json, Some("openai"));
    }
}

/// `n` in units of 10^-`places`, in plain decimal.
fn plain(n: i64, places: usize) -> String {
    let digits = format!("{n:0>width$}", width = places + 1);
    let (whole, places) = digits.split_at(digits.len() - places);
    format!("{whole}.{places}")
}
