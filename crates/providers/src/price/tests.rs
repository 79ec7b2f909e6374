#![expect(clippy::unwrap_used, reason = "tests")]

use super::{NotAPrice, PerToken, Prices, cost, is_version, prices_version};
use crate::{Usage, provider};

const MILLION: u64 = 1_000_000;
const USD: i64 = 1_000_000_000_000;

fn usage(input_tokens: u64, output_tokens: u64) -> Usage {
    Usage { input_tokens, output_tokens, ..Usage::default() }
}

#[test]
fn the_embedded_prices_parse_and_are_dated() {
    let prices = Prices::parse(include_str!("../prices.toml")).unwrap();
    assert!(prices.providers.len() >= 8);
    let newest = prices.providers.values().map(|list| list.date.as_str()).max();
    assert_eq!(newest, Some(prices_version()));
    for (slug, list) in &prices.providers {
        assert!(provider(slug).is_some(), "{slug} is no provider");
        assert!(is_version(&list.date) && !list.source.is_empty(), "{slug}");
        for (model, price) in &list.models {
            let inputs = [price.cached_input, price.long.as_ref().and_then(|long| long.cached_input)];
            assert!(
                inputs.iter().flatten().all(|cached| cached.0 <= price.input.0),
                "{model}: cached is dearer"
            );
            assert!(
                price.long.as_ref().is_none_or(|long| long.input.0 > price.input.0),
                "{model}: long is cheaper"
            );
        }
    }
}

#[test]
fn a_price_is_a_decimal_with_six_places_at_most() {
    let parse =
        |text: &str| PerToken::try_from(text.to_owned()).map(|price| price.0).map_err(|NotAPrice(text)| text);
    for (text, pico) in
        [("0", 0), ("2.50", 2_500_000), ("0.003625", 3625), ("150", 150_000_000), ("1.", 1_000_000)]
    {
        assert_eq!(parse(text), Ok(pico), "{text}");
    }
    for text in ["", ".5", "-1", "+1", "1e3", "0.0000001", "1.2.3", "1,5", "99999999999999999999"] {
        assert_eq!(parse(text), Err(text.to_owned()));
    }
}

#[test]
fn a_million_tokens_cost_the_listed_price() {
    for (provider, model, input_usd_millis, output_usd_millis) in [
        ("openai", "gpt-4o", 2500, 10_000),
        ("open-ai", "gpt-4o-mini", 150, 600),
        ("openai", "text-embedding-3-small", 20, 0),
        ("anthropic", "claude-sonnet-4-5", 3000, 15_000),
        ("google", "gemini-2.5-flash", 300, 2500),
        ("mistral-ai", "mistral-large-latest", 500, 1500),
        ("groq", "llama-3.3-70b-versatile", 590, 790),
        ("deepseek", "deepseek-v4-pro", 660, 1980),
        ("cohere", "command-r-08-2024", 150, 600),
    ] {
        let millis = USD / 1000;
        // Below the long-context thresholds, so ten calls of 100,000 tokens.
        let of = |usage| cost(provider, model, &usage).map(|cost| cost * 10);
        assert_eq!(of(usage(MILLION / 10, 0)), Some(input_usd_millis * millis), "{model}");
        assert_eq!(of(usage(0, MILLION / 10)), Some(output_usd_millis * millis), "{model}");
    }
}

#[test]
fn cached_written_and_audio_tokens_are_charged_once() {
    // 1000 input: 600 read at 0.30, 300 written at 3.75, 100 fresh at 3.00; 10 output at 15.00, reasoning among them.
    let mixed =
        Usage { cached_input_tokens: 600, cache_write_tokens: 300, reasoning_tokens: 7, ..usage(1000, 10) };
    let expected = 600 * 300_000 + 300 * 3_750_000 + 100 * 3_000_000 + 10 * 15_000_000;
    assert_eq!(cost("anthropic", "claude-sonnet-4-5", &mixed), Some(expected));

    let audio = Usage { audio_input_tokens: 40, audio_output_tokens: 20, ..usage(100, 30) };
    let expected = 40 * 40_000_000 + 60 * 2_500_000 + 20 * 80_000_000 + 10 * 10_000_000;
    assert_eq!(cost("openai", "gpt-4o-audio-preview", &audio), Some(expected));

    // No price for cached input: it is input. Parts beyond their whole add nothing.
    let all = cost("openai", "gpt-4-turbo", &usage(100, 0));
    assert_eq!(
        cost("openai", "gpt-4-turbo", &Usage { cached_input_tokens: 1_000_000, ..usage(100, 0) }),
        all
    );
}

#[test]
fn a_long_input_has_the_long_prices() {
    assert_eq!(cost("google", "gemini-2.5-pro", &usage(200_000, 1)), Some(200_000 * 1_250_000 + 10_000_000));
    assert_eq!(cost("google", "gemini-2.5-pro", &usage(200_001, 1)), Some(200_001 * 2_500_000 + 15_000_000));
}

#[test]
fn a_version_suffix_is_dropped_but_no_other() {
    let price = |provider, model: &str| cost(provider, model, &usage(1, 1));
    for (provider, versioned, model) in [
        ("openai", "gpt-4o-2024-08-06", "gpt-4o"),
        ("openai", "gpt-4o-mini-2024-07-18", "gpt-4o-mini"),
        ("openai", "gpt-4-0613", "gpt-4"),
        ("openai", "gpt-4.1-nano-2025-04-14", "gpt-4.1-nano"),
        ("anthropic", "claude-opus-4-20250514", "claude-opus-4"),
        ("anthropic", "claude-opus-4-5-20251101", "claude-opus-4-5"),
        ("anthropic", "claude-3-5-haiku-latest", "claude-3-5-haiku"),
        ("google", "models/gemini-2.0-flash-001", "gemini-2.0-flash"),
    ] {
        assert!(price(provider, model).is_some());
        assert_eq!(price(provider, versioned), price(provider, model), "{versioned}");
    }
    assert_ne!(price("openai", "gpt-4o-mini-2024-07-18"), price("openai", "gpt-4o"));
    assert_ne!(price("openai", "gpt-4o-2024-05-13"), price("openai", "gpt-4o"), "its own row comes first");
    assert_ne!(price("anthropic", "claude-opus-4-5-20251101"), price("anthropic", "claude-opus-4"));
    for (provider, unknown) in [
        ("openai", "gpt-4o-nano"),
        ("openai", "gpt-4o-mini-tts"),
        ("openai", "gpt-4o-1"),
        ("openai", "gpt-4o-"),
        ("openai", "gpt-4o-2024-13-06"),
        ("openai", "gpt-4o-\u{e9}\u{e9}"),
        ("openai", "ft:gpt-4o-2024-08-06:org::id"),
        ("anthropic", "claude-opus-4-9"),
        ("mistral-ai", "mistral-large-2411"),
        ("nobody", "gpt-4o"),
        ("openai", "*"),
        ("openai", ""),
    ] {
        assert_eq!(price(provider, unknown), None, "{unknown}");
    }
}

#[test]
fn echo_is_free_and_the_largest_counts_saturate() {
    assert_eq!(cost("echo", "echo", &usage(5, 5)), Some(0));
    assert_eq!(cost("echo", "whatever", &usage(5, 5)), Some(0));
    assert_eq!(cost("openai", "gpt-4o", &usage(u64::MAX, u64::MAX)), Some(i64::MAX));

    let dear = r#"{ input = "9223372036854.775807", output = "9223372036854.775807" }"#;
    let dear = format!("version = \"\"\n[providers.x]\nsource = \"\"\ndate = \"\"\nmodels.m = {dear}");
    let cost = Prices::parse(&dear).unwrap().cost("x", "m", &usage(u64::MAX, u64::MAX));
    assert_eq!(cost, Some(i64::MAX));
}
