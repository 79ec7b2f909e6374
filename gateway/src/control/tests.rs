#![expect(clippy::unwrap_used, reason = "tests")]

use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use clock::{Clock, Ids};

use super::*;

fn read(pairs: &[(&str, &str)]) -> Result<Control, Error> {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        headers.append(
            HeaderName::from_bytes(name.as_bytes()).unwrap(),
            HeaderValue::from_bytes(value.as_bytes()).unwrap(),
        );
    }
    Control::read(&headers, "POST /v1/chat/completions", &Ids::new(Clock::system()))
}

#[test]
fn a_mistake_names_its_header_and_says_what_would_be_right() {
    let long = "x".repeat(257);
    let many = (0..65).map(|i| format!("\"k{i}\":\"v\"")).collect::<Vec<_>>().join(",");
    let many = format!("{{{many}}}");
    let cases: &[(&str, &str, &str)] = &[
        ("x-portkey-debug", "maybe", "x-portkey-debug: must be true or false"),
        (
            "x-portkey-strict-open-ai-compliance",
            "1",
            "x-portkey-strict-open-ai-compliance: must be true or false",
        ),
        ("x-portkey-request-timeout", "0", "from 1 to 3600000"),
        ("x-portkey-request-timeout", "1.5", "a whole number of milliseconds"),
        ("x-portkey-request-timeout", "99999999999999999999", "from 1 to 3600000"),
        ("x-portkey-metadata", "nonsense", "x-portkey-metadata: must be a JSON object of strings"),
        ("x-portkey-metadata", "[1]", "must be a JSON object of strings"),
        ("x-portkey-metadata", "{\"k\":1}", "x-portkey-metadata.k: must be a string"),
        ("x-portkey-metadata", &many, "must have at most 64 keys"),
        ("x-portkey-trace-id", &long, "x-portkey-trace-id: must be at most 256 characters"),
        ("x-portkey-forward-headers", "a b", "must be a comma-separated list of header names"),
        ("x-portkey-forward-headers", "x-portkey-forward-headers", "must not name itself"),
        ("x-portkey-cache-force-refresh", "yes", "x-portkey-cache-force-refresh: must be true or false"),
        ("x-portkey-cache-namespace", &long, "x-portkey-cache-namespace: must be at most 256 characters"),
    ];
    for (name, value, expected) in cases {
        let error = read(&[(name, value)]).unwrap_err().to_string();
        assert!(error.contains(expected), "{name}: {value}: {error}");
    }
    let twice = [("x-portkey-debug", "true"), ("x-portkey-debug", "false")];
    assert!(read(&twice).unwrap_err().to_string().contains("must be sent once"));
}

#[test]
fn nothing_sent_is_a_tracked_call_with_a_trace_of_its_own() {
    let control = read(&[]).unwrap();
    assert!(control.debug);
    assert!(!control.trace.trace_id.is_empty());
    assert_eq!(control.trace.span_name, None);
}

#[test]
fn the_sdks_way_of_naming_headers_matches_the_header_that_it_sends() {
    let control = read(&[("x-portkey-forward-headers", "x_my, Other")]).unwrap();
    assert_eq!(control.forward_headers, ["x-my", "x_my", "other"]);
}

#[test]
fn traceparent_places_the_call_unless_its_own_headers_do() {
    let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let control = read(&[("traceparent", parent)]).unwrap();
    assert_eq!(control.trace.trace_id, "0af7651916cd43dd8448eb211c80319c");
    assert_eq!(control.trace.parent_span_id.as_deref(), Some("b7ad6b7169203331"));
    assert_eq!(control.trace.span_name.as_deref(), Some("POST /v1/chat/completions"));

    let both = read(&[("traceparent", parent), ("x-portkey-trace-id", "mine")]).unwrap();
    assert_eq!(both.trace.trace_id, "mine");

    for invalid in [
        "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
        "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
        "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
        "nonsense",
    ] {
        let control = read(&[("traceparent", invalid)]).unwrap();
        assert_ne!(control.trace.trace_id, "0af7651916cd43dd8448eb211c80319c", "{invalid}");
        assert_eq!(control.trace.parent_span_id, None, "{invalid}");
    }
}
