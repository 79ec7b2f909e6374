#![expect(clippy::unwrap_used, reason = "tests")]

use super::names::is_version;
use super::{PerToken, Price, Prices, cost, prices_version};
use crate::ServiceTier::{Batch, Flex, Priority};
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
            let cached = price.long.iter().map(|long| long.cached_input).chain([price.cached_input]);
            assert!(cached.flatten().all(|cached| Some(cached) <= price.input), "{model}: cached is dearer");
            assert!(price.long.iter().all(|long| long.input > price.input), "{model}: long is cheaper");
        }
    }
}

#[test]
fn a_price_is_a_decimal_with_six_places_at_most() {
    let parse = |text: &str| text.parse().map(PerToken::pico).ok();
    for (text, pico) in
        [("0", 0), ("2.50", 2_500_000), ("0.003625", 3625), ("150", 150_000_000), ("1.", 1_000_000)]
    {
        assert_eq!(parse(text), Some(pico), "{text}");
    }
    for text in ["", ".5", "-1", "+1", "1e3", "0.0000001", "1.2.3", "1,5", "99999999999999999999"] {
        assert_eq!(parse(text), None, "{text}");
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

/// 1,000 of each kind, by a list that has all prices, and by one that has few.
#[test]
fn each_kind_has_its_price_in_each_tier_and_in_long_inputs() {
    let all = r#"
        [providers.x.models.m]
        input = "1"
        output = "10"
        cached_input = "0.1"
        cache_write = "1.25"
        cache_write_1h = "2"
        audio_input = "30"
        audio_output = "60"
        image_input = "5"
        image_output = "40"
        reasoning = "12"
        long = [
            { above = 10000, input = "2", output = "20", cached_input = "0.2" },
            { above = 20000, input = "3", output = "30" },
        ]
        batch = { input = "0.5", output = "5", long = { above = 10000, input = "1", output = "7" } }
        flex = { input = "0.6" }
        priority = { input = "2", output = "18", cached_input = "0.3", audio_input = "50", reasoning = "19" }
    "#;
    let prices = Prices::parse(all).unwrap();
    let kind = |set: fn(&mut Usage)| {
        let mut usage = usage(1000, 1000);
        set(&mut usage);
        usage
    };
    let tier = |service_tier, usage| Usage { service_tier, ..usage };
    let (plain, cached) = (usage(1000, 1000), kind(|usage| usage.cached_input_tokens = 1000));
    let written = kind(|usage| usage.cache_write_tokens = 1000);
    let written_1h = Usage { cache_write_1h_tokens: 400, ..written };
    let audio = kind(|usage| (usage.audio_input_tokens, usage.audio_output_tokens) = (1000, 1000));
    let images = kind(|usage| (usage.image_input_tokens, usage.image_output_tokens) = (1000, 1000));
    let reasoning = kind(|usage| usage.reasoning_tokens = 1000);
    let long = |n| Usage { cached_input_tokens: n, ..usage(n, 0) };
    // In thousandths of a cent: 1,000 tokens at 1 USD a million are 0.001 USD.
    for (what, usage, expected) in [
        ("plain", plain, 11_000),
        ("cached", cached, 10_100),
        ("written", written, 11_250),
        ("written for an hour", written_1h, 600 * 125 / 100 + 800 + 10_000),
        ("audio", audio, 90_000),
        ("images", images, 45_000),
        ("reasoning", reasoning, 13_000),
        ("at the bound", long(10_000), 1_000),
        ("long", long(10_001), 2_000),
        ("longer, cached as input", long(20_001), 60_003),
        ("batch", tier(Batch, plain), 5_500),
        ("batch, cached as its input", tier(Batch, cached), 5_500),
        ("batch, reasoning as its output", tier(Batch, reasoning), 5_500),
        ("batch, audio as ever", tier(Batch, audio), 90_000),
        ("batch, long", tier(Batch, usage(10_001, 0)), 10_001),
        ("flex, output as ever", tier(Flex, plain), 10_600),
        ("flex, reasoning as ever", tier(Flex, reasoning), 12_600),
        ("priority", tier(Priority, plain), 20_000),
        ("priority, cached", tier(Priority, cached), 18_300),
        ("priority, audio", tier(Priority, audio), 110_000),
        ("priority, reasoning", tier(Priority, reasoning), 21_000),
    ] {
        let cost = prices.cost("x", "m", &usage).unwrap();
        // 10,001 cached tokens at 0.2 are 2000.2.
        assert_eq!(cost / 1_000_000, expected, "{what}");
    }

    let few = Prices::parse(r#"providers.x.models.m = { input = "1", output = "10" }"#).unwrap();
    for usage in [plain, cached, written, written_1h, audio, images, reasoning, tier(Batch, plain)] {
        assert_eq!(few.cost("x", "m", &usage), Some(11_000_000_000), "{usage:?}");
    }
}

#[test]
fn a_price_that_is_out_of_place_is_named() {
    for (price, why) in [
        (r#"{ input = "1" }"#, "input and output must be given"),
        (r#"{ input = "1", output = "1", above = 3 }"#, "above is for a long input"),
        (r#"{ input = "1", output = "1", long = { input = "2" } }"#, "above is for a long input"),
        (r#"{ input = "1", output = "1", batch = { flex = { input = "2" } } }"#, "no tiers of their own"),
        (
            r#"{ input = "1", output = "1", long = { above = 1, long = { above = 2 } } }"#,
            "no longer one in it",
        ),
        (r#"{ input = "1", output = "1", inptu = "2" }"#, "unknown field `inptu`"),
        (r#"{ input = "1.0000001", output = "1" }"#, "at most six places"),
    ] {
        let error = Prices::parse(&format!("providers.x.models.m = {price}")).unwrap_err().to_string();
        assert!(error.contains(why), "{price}: {error}");
    }
    let long = format!("providers.x.models.{} = {{ input = \"1\", output = \"1\" }}", "m".repeat(257));
    assert!(Prices::parse(&long).unwrap_err().to_string().contains("too long for the name"));
    let alias = Prices::parse(r#"providers.open-ai.models.m = { input = "1", output = "1" }"#).unwrap();
    assert!(alias.get("openai", "m").is_some());
    let none = Prices::parse(r#"providers.x.models.m = { input = "1", output = "1", long = [] }"#).unwrap();
    let one = "1".parse().ok();
    assert_eq!(none.get("x", "m"), Some(&Price { input: one, output: one, ..Price::default() }));
}
