//! Whether an answer is one to be given again: said to its end, and no error in the clothes of a 200.

use std::borrow::Cow;

use memchr::memmem;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use crate::Answer;

/// What an answer, or an event of one, says of itself.
#[derive(Deserialize)]
struct Said<'a> {
    #[serde(default)]
    error: Option<IgnoredAny>,
    #[serde(borrow, default, rename = "type")]
    kind: Option<Cow<'a, str>>,
    #[serde(default)]
    object: Option<Value>,
    #[serde(default)]
    status: Option<Value>,
}

/// What a line of a stream says of the answer.
enum Says {
    GoesOn,
    IsWhole,
    IsNot,
}

/// An answer of status 200 is whole when it is JSON without an error, a stream that was ended by its terminator, or something else
/// that is not looked into.
pub(crate) fn is_whole(answer: &Answer) -> bool {
    if answer.streamed {
        return stream_is_whole(&answer.body);
    }
    let content_type = answer.headers.iter().find(|(name, _)| name == "content-type");
    let is_json = content_type.is_some_and(|(_, value)| value.to_ascii_lowercase().contains("json"));
    if !is_json {
        return !answer.body.is_empty();
    }
    match answer.body.trim_ascii_start().first() {
        Some(b'{') => serde_json::from_slice::<Said<'_>>(&answer.body)
            .is_ok_and(|said| said.error.is_none() && !said.is_under_way()),
        _ => serde_json::from_slice::<IgnoredAny>(&answer.body).is_ok(),
    }
}

impl Said<'_> {
    /// A response of the Responses API that is made in the background, or was broken off.
    fn is_under_way(&self) -> bool {
        let is = |value: &Option<Value>, text: &str| value.as_ref().is_some_and(|value| value == text);
        is(&self.object, "response") && self.status.is_some() && !is(&self.status, "completed")
    }
}

fn stream_is_whole(body: &[u8]) -> bool {
    let mut whole = false;
    for line in body.split(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        match says(line) {
            Says::GoesOn => {}
            Says::IsWhole => whole = true,
            Says::IsNot => return false,
        }
    }
    whole
}

fn says(line: &[u8]) -> Says {
    let value = |field: &[u8]| line.strip_prefix(field).map(<[u8]>::trim_ascii);
    if let Some(event) = value(b"event:") {
        return std::str::from_utf8(event).map_or(Says::GoesOn, named);
    }
    match value(b"data:") {
        Some(b"[DONE]") => Says::IsWhole,
        // Few events are worth a look.
        Some(data) if may_end(data) || memmem::find(data, b"\"error\"").is_some() => {
            match serde_json::from_slice::<Said<'_>>(data) {
                Ok(said) if said.error.is_some() => Says::IsNot,
                Ok(said) => said.kind.as_deref().map_or(Says::GoesOn, named),
                Err(_) => Says::IsNot,
            }
        }
        _ => Says::GoesOn,
    }
}

/// Whether an event could be the last: its type stands at its beginning, as all providers have it.
fn may_end(data: &[u8]) -> bool {
    let start = &data[..data.len().min(48)];
    memmem::find(start, b"message_stop").is_some() || memmem::find(start, b"response.").is_some()
}

/// What an event of this name says.
fn named(event: &str) -> Says {
    match event {
        "message_stop" | "response.completed" => Says::IsWhole,
        "error" | "response.failed" | "response.incomplete" | "response.cancelled" => Says::IsNot,
        _ => Says::GoesOn,
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn answer(content_type: &str, body: &str, streamed: bool) -> Answer {
        let headers = vec![("content-type".to_owned(), content_type.to_owned())];
        Answer { headers, body: Bytes::copy_from_slice(body.as_bytes()), streamed }
    }

    #[test]
    fn of_json_it_is_what_can_be_read_and_is_no_error() {
        let cases = [
            (r#"{"id":"1","choices":[]}"#, true),
            (r#"{"object":"response","status":"completed","error":null}"#, true),
            ("[[0.1],[0.2]]", true),
            (r#" {"status":3,"object":["x"]}"#, true),
            (r#"{"object":"response","status":"queued"}"#, false),
            (r#"{"object":"response","status":"incomplete"}"#, false),
            (r#"{"error":{"message":"overloaded"}}"#, false),
            (r#"{"error":"overloaded"}"#, false),
            (r#"{"id":"1","choi"#, false),
            (r#"{"id":"1"}{"#, false),
            ("", false),
            ("<html>", false),
        ];
        for (body, whole) in cases {
            assert_eq!(is_whole(&answer("application/json; charset=utf-8", body, false)), whole, "{body}");
        }
        assert!(is_whole(&answer("audio/mpeg", "ID3", false)));
        assert!(!is_whole(&answer("audio/mpeg", "", false)));
    }

    #[test]
    fn of_a_stream_it_is_what_its_terminator_ends() {
        let cases = [
            ("data: {\"id\":\"1\"}\n\ndata: [DONE]\n\n", true),
            ("data:{\"id\":\"1\"}\r\n\r\ndata:[DONE]\r\n\r\n", true),
            (
                "event: message_start\ndata: {}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
                true,
            ),
            ("data: {\"type\": \"message_stop\"}\n\n", true),
            (
                "event: response.completed\ndata: {\"type\":\"response.completed\",\"response\":{\"error\":null}}\n\n",
                true,
            ),
            ("data: {\"delta\":\"the word \\\"error\\\"\",\"error\":null}\n\ndata: [DONE]\n\n", true),
            ("data: {\"id\":\"1\"}\n\n", false),
            ("data: {\"error\":{\"message\":\"overloaded\"}}\n\ndata: [DONE]\n\n", false),
            ("event: error\ndata: {\"type\":\"error\"}\n\n", false),
            ("data: {\"type\":\"error\",\"error\":{}}\n\nevent: message_stop\ndata: {}\n\n", false),
            ("event: response.incomplete\ndata: {\"type\":\"response.incomplete\"}\n\n", false),
            ("data: {\"type\":\"response.failed\"}\n\n", false),
            ("data: {\"content\":\"data: [DONE]\"}\n\n", false),
            (": [DONE]\n\n", false),
            ("", false),
        ];
        for (body, whole) in cases {
            assert_eq!(is_whole(&answer("text/event-stream", body, true)), whole, "{body}");
        }
    }
}
