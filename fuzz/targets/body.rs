//! A request's body: what is looked for in it, and the model put in another's place.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    let Ok(peek) = providers::peek(body) else { return };
    let Some(span) = peek.model_span else { return };
    let changed = providers::with_model(body, span, "another \"model\"");
    let again = providers::peek(&changed).expect("a body whose model was replaced can still be read");
    assert_eq!(again.model.as_deref(), Some("another \"model\""));
    assert_eq!((again.stream, again.user), (peek.stream, peek.user));
});
