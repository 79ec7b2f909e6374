//! A list of prices, and what calls cost by it.

#![no_main]
#![expect(dead_code, reason = "the module of the embedded list, of which a part is looked at")]

use libfuzzer_sys::fuzz_target;
use price::Prices;
use providers::Usage;
use providers as registry;

#[path = "../../crates/providers/src/price.rs"]
mod price;

fuzz_target!(|text: &str| {
    let Ok(prices) = Prices::parse(text) else { return };
    for input_tokens in [0, 1, 1 << 20, u64::MAX] {
        let usage = Usage {
            input_tokens,
            output_tokens: input_tokens,
            cached_input_tokens: input_tokens / 2,
            audio_input_tokens: input_tokens / 4,
            ..Usage::default()
        };
        for model in ["m", "m-latest", "models/m-2024-08-06", "é-0613"] {
            assert!(prices.cost("openai", model, &usage).is_none_or(|cost| cost >= 0));
        }
    }
});
