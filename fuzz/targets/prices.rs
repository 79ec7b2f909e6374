//! Files of prices in any of the formats, and what calls cost by them.

#![no_main]

use libfuzzer_sys::fuzz_target;
use providers::{Price, ServiceTier, Usage, import};

fuzz_target!(|text: &str| {
    let Ok(import) = import(text, Some("openai")).or_else(|_| import(text, None)) else { return };
    for (provider, model, price) in import.prices.iter() {
        assert_eq!(price.check(), Ok(()));
        let kept = serde_json::to_string(price).ok().and_then(|kept| serde_json::from_str::<Price>(&kept).ok());
        assert_eq!(kept.as_ref(), Some(price), "as it is kept");
        for input_tokens in [0, 1, 1 << 20, u64::MAX] {
            for service_tier in [ServiceTier::Standard, ServiceTier::Batch, ServiceTier::Flex, ServiceTier::Priority] {
                let usage = Usage {
                    input_tokens,
                    output_tokens: input_tokens,
                    cached_input_tokens: input_tokens / 2,
                    audio_input_tokens: input_tokens / 4,
                    reasoning_tokens: input_tokens / 3,
                    service_tier,
                    ..Usage::default()
                };
                assert!(import.prices.cost(provider, model, &usage).is_none_or(|cost| cost >= 0));
            }
        }
    }
    for model in ["m", "m-latest", "models/m-2024-08-06", "é-0613"] {
        _ = import.prices.cost("openai", model, &Usage::default());
    }
});
