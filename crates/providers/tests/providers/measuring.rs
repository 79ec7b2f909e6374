use proptest::prelude::*;
use providers::{Endpoint, Measured, Usage, measure, sse};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cases {
    case: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    endpoint: Endpoint,
    #[serde(default = "ok")]
    status: u16,
    #[serde(default)]
    sse: bool,
    #[serde(default)]
    request: String,
    response: String,
    model: Option<String>,
    finish_reason: Option<String>,
    usage: Option<Usage>,
}

fn ok() -> u16 {
    200
}

#[test]
fn each_case_is_measured_as_written() {
    let cases: Cases = toml::from_str(include_str!("../cases/measure.toml")).unwrap();
    for case in cases.case {
        let measured = measure(
            case.endpoint,
            case.status,
            case.request.as_bytes(),
            case.response.trim().as_bytes(),
            case.sse,
        );
        let expected = Measured { model: case.model, usage: case.usage, finish_reason: case.finish_reason };
        assert_eq!(measured, expected, "{}", case.name);
    }
}

#[test]
fn a_stream_cut_anywhere_gives_what_was_seen() {
    let stream = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"model\":\"claude-x\",\"usage\":{\"input_tokens\":10,\"output_tokens\":1}}}\n\nevent: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":25}}\n\n";
    let mut last = 0;
    for cut in 0..=stream.len() {
        let measured = measure(Endpoint::Messages, 200, b"", &stream.as_bytes()[..cut], true);
        let output = measured.usage.map_or(0, |usage| usage.output_tokens);
        assert!(output >= last, "went down at {cut}");
        last = output;
    }
    assert_eq!(last, 25);
}

#[test]
fn a_truncated_body_is_counted_as_far_as_it_goes() {
    let body = br#"{"model":"gpt-4o","choices":[{"index":0,"message":{"role":"assistant","content":"one two three fo"#;
    let measured = measure(Endpoint::ChatCompletions, 200, b"", body, false);
    assert_eq!(measured.model.as_deref(), Some("gpt-4o"));
    let usage = measured.usage.unwrap();
    assert!(usage.estimated && (3..=5).contains(&usage.output_tokens), "{usage:?}");
}

#[test]
fn usage_is_kept_as_json_with_defaults() {
    let usage = Usage { input_tokens: 3, output_tokens: 4, ..Usage::default() };
    let json = serde_json::to_string(&usage).unwrap();
    assert_eq!(serde_json::from_str::<Usage>(&json).unwrap(), usage);
    assert_eq!(serde_json::from_str::<Usage>(r#"{"input_tokens":3,"output_tokens":4}"#).unwrap(), usage);
    assert_eq!(usage.total(), 7);
    assert_eq!(Usage { input_tokens: u64::MAX, ..usage }.total(), u64::MAX);
}

#[test]
fn events_follow_the_standard() {
    let data =
        |body: &str| sse::events(body.as_bytes()).map(|event| event.data.into_owned()).collect::<Vec<_>>();
    assert_eq!(data("data: a\n\ndata:b\n\n"), ["a", "b"]);
    assert_eq!(data("data: a\r\n\r\ndata: b\r\n\r\n"), ["a", "b"]);
    assert_eq!(data("data: a\r\rdata: b\r\r"), ["a", "b"]);
    assert_eq!(data("\u{feff}data: a\ndata:  b\n\n"), ["a\n b"]);
    assert_eq!(data(": comment\nid: 1\n\ndata\n\nevent: x\n\ndata: end"), ["", "end"]);
    assert_eq!(data("database: x\n\n"), Vec::<String>::new());
    let named: Vec<_> = sse::events(b"event: ping\ndata: 1\n\nevent: lost\n\ndata: 2\n\n").collect();
    assert_eq!(named[0].event.as_deref(), Some("ping"));
    assert_eq!(named[1].event, None);
}

fn endpoint() -> impl Strategy<Value = Endpoint> {
    prop::sample::select(Endpoint::ALL.to_vec())
}

/// Bytes that look like answers more often than chance has it.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let fragment = prop::sample::select(vec![
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"",
        "\\",
        "\\u",
        "\\ud8",
        "data: ",
        "\n",
        "\n\n",
        "\"usage\":",
        "\"choices\":",
        "\"prompt_tokens\":",
        "\"delta\":",
        "\"content\":",
        "\"message\":",
        "18446744073709551615",
        "-1",
        "1e400",
        "null",
        "\"messages\":",
        "\"input\":",
        "true",
        "[DONE]",
        "é",
    ]);
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..200),
        prop::collection::vec(fragment, 0..40).prop_map(|parts| parts.concat().into_bytes()),
    ]
}

proptest! {
    #[test]
    fn any_bytes_are_measured(
        endpoint in endpoint(), status in 100..600_u16, request in bytes(), response in bytes(), sse in any::<bool>()
    ) {
        let measured = measure(endpoint, status, &request, &response, sse);
        if let Some(usage) = measured.usage {
            prop_assert!(usage.cached_input_tokens <= usage.input_tokens);
            prop_assert!(usage.reasoning_tokens <= usage.output_tokens);
            prop_assert!(!usage.estimated || (200..300).contains(&status));
        }
    }

    #[test]
    fn a_body_cut_anywhere_keeps_its_first_fields(cut in 30..200_usize, content in ".{0,30}") {
        let body = serde_json::json!({
            "model": "gpt-4o",
            "usage": { "prompt_tokens": 1, "completion_tokens": 2 },
            "choices": [{ "finish_reason": "stop", "message": { "content": content }, "more": [1.5e3, true, null] }],
        }).to_string();
        let measured = measure(Endpoint::ChatCompletions, 200, b"", &body.as_bytes()[..cut.min(body.len())], false);
        prop_assert_eq!(measured.model.as_deref(), Some("gpt-4o"));
    }
}
