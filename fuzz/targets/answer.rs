//! A provider's answer, whole or a stream of events: what is measured in it, what that costs, and what texts it has.
//!
//! The first byte chooses the endpoint and how the answer came; the request ends at the first NUL.

#![no_main]

use libfuzzer_sys::fuzz_target;
use providers::Endpoint;

fuzz_target!(|input: &[u8]| {
    let [choice, rest @ ..] = input else { return };
    let endpoint = Endpoint::ALL[usize::from(choice >> 1) % Endpoint::ALL.len()];
    let end = rest.iter().position(|byte| *byte == 0).unwrap_or(0);
    let (request, response) = rest.split_at(end);
    let measured = providers::measure(endpoint, 200, request, response, choice & 1 == 1);
    for event in providers::sse::events(response) {
        assert!(!event.data.contains('\r'), "a line ended in its middle");
    }
    let texts = [providers::request_text(request), providers::answer_text(response, choice & 1 == 1)];
    assert!(texts.iter().all(|text| text.is_empty() || text.ends_with('\n')));
    let Some(usage) = measured.usage else { return };
    assert!(usage.cached_input_tokens.saturating_add(usage.cache_write_tokens) <= usage.input_tokens);
    assert!(usage.audio_input_tokens <= usage.input_tokens);
    assert!(usage.reasoning_tokens.max(usage.audio_output_tokens) <= usage.output_tokens);
    let model = measured.model.as_deref().unwrap_or("gpt-4o");
    assert!(providers::cost("openai", model, &usage).is_none_or(|cost| cost >= 0));
});
