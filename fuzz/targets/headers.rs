//! A call's headers, `name: value` lines: what steers the call is typed or refused by name.

#![no_main]
#![expect(dead_code, reason = "the gateway's modules, of which a part is looked at")]

use std::sync::LazyLock;

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use clock::{Clock, Ids};
use control::Control;
use error::Error;
use libfuzzer_sys::fuzz_target;

#[path = "../../gateway/src/control.rs"]
mod control;
#[path = "../../gateway/src/error.rs"]
mod error;

static IDS: LazyLock<Ids> = LazyLock::new(|| Ids::new(Clock::system()));

fn headers(lines: &[u8]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for line in lines.split(|byte| *byte == b'\n') {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
        let value = line[colon + 1..].trim_ascii();
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(&line[..colon]), HeaderValue::from_bytes(value)) {
            headers.append(name, value);
        }
    }
    headers
}

fuzz_target!(|lines: &[u8]| {
    let headers = headers(lines);
    let masked = control::sensitive_headers(&headers);
    let (trace, _) = control::readable(&headers, "POST /v1/chat/completions", &IDS);
    assert!(!trace.trace_id.is_empty());
    match Control::read(&headers, "POST /v1/chat/completions", &IDS) {
        Ok(control) => {
            assert!(control.request_timeout.is_none_or(|timeout| (1..=3_600_000).contains(&timeout.as_millis())));
            let ids = [Some(&control.trace.trace_id), control.trace.span_id.as_ref(), control.provider.as_ref()];
            for id in ids.into_iter().flatten() {
                assert!(!id.is_empty() && id.chars().count() <= 256 && !id.chars().any(char::is_control));
            }
            for name in &control.forward_headers {
                assert!(HeaderName::from_bytes(name.as_bytes()).is_ok_and(|read| read.as_str() == name));
            }
        }
        Err(Error::Invalid { field, problem }) => {
            assert!(field.starts_with("x-portkey-") && !problem.is_empty());
            // A mistake does not unmask.
            assert!(!headers.contains_key("x-portkey-sensitive-headers") || !masked.is_empty());
        }
        Err(other) => panic!("{other}"),
    }
});
