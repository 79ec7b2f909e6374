//! Finding the event that tells a client that a stream is complete, so that it can be held until the call is recorded.

use bytes::{Bytes, BytesMut};
use memchr::memchr2;

/// How an event begins that says 'complete': OpenAI's `[DONE]`, Anthropic's `message_stop`, the Responses API's ends; the
/// latter two also without an `event:` line, as some servers send them.
const OPENINGS: [(&[u8], &[&[u8]]); 2] = [
    (
        b"data:",
        &[
            DONE,
            b"{\"type\":\"message_stop\"",
            b"{\"type\": \"message_stop\"",
            b"{\"type\":\"response.completed\"",
            b"{\"type\":\"response.incomplete\"",
            b"{\"type\":\"response.failed\"",
        ],
    ),
    (b"event:", &[b"message_stop", b"response.completed", b"response.incomplete", b"response.failed"]),
];

const DONE: &[u8] = b"[DONE]";

/// No opening is longer, with its field's name and a blank.
const LONGEST: usize = 40;

/// Whether a line, as far as it has come, opens a terminator.
fn opens(line: &[u8]) -> bool {
    OPENINGS.iter().any(|(field, values)| {
        line.strip_prefix(*field)
            .is_some_and(|value| values.iter().any(|opening| trimmed(value).starts_with(opening)))
    })
}

/// Without the one blank that may follow a field's colon (HTML Living Standard, 9.2.6).
fn trimmed(value: &[u8]) -> &[u8] {
    value.strip_prefix(b" ").unwrap_or(value)
}

/// What is held at the most; a terminator event that is larger still is let go once this much of it has come.
const MAX_HELD: usize = 1 << 20;

/// What to do with a chunk of the stream.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Pass it on; it may be empty when all of it is held.
    Pass(Bytes),
    /// Pass the first on, record the call, then pass the second on: the stream is complete.
    Complete(Bytes, Bytes),
}

/// Reads a stream of server-sent events as it goes by.
#[derive(Default)]
pub(crate) struct Terminator {
    /// The beginning of the line that the last chunk ended in, as much as an opening needs.
    line: Vec<u8>,
    held: BytesMut,
}

impl Terminator {
    pub(crate) fn push(&mut self, chunk: Bytes) -> Step {
        if !self.held.is_empty() {
            return self.hold(Bytes::new(), &chunk);
        }
        match self.find(&chunk) {
            Some(at) => {
                let rest = chunk.slice(at..);
                self.hold(chunk.slice(..at), &rest)
            }
            None => Step::Pass(chunk),
        }
    }

    /// What is still held when the stream ends without the end of its last event.
    pub(crate) fn finish(&mut self) -> Bytes {
        std::mem::take(&mut self.held).freeze()
    }

    fn hold(&mut self, before: Bytes, more: &[u8]) -> Step {
        // The end of an event may have begun in what came before.
        let unseen = self.held.len().saturating_sub(3);
        self.held.extend_from_slice(more);
        let ends: [&[u8]; 3] = [b"\n\n", b"\r\n\r\n", b"\r\r"];
        let whole = ends.iter().any(|end| memchr::memmem::find(&self.held[unseen..], end).is_some());
        let done = self.held.strip_prefix(b"data:").is_some_and(|value| trimmed(value).starts_with(DONE));
        if done || whole || self.held.len() > MAX_HELD {
            return Step::Complete(before, self.finish());
        }
        Step::Pass(before)
    }

    /// Where in `chunk` the line begins that opens the terminator; 0 also when it began in the chunk before.
    fn find(&mut self, chunk: &[u8]) -> Option<usize> {
        let mut at = 0;
        loop {
            let end = memchr2(b'\n', b'\r', &chunk[at..]).map_or(chunk.len(), |newline| at + newline);
            let room = LONGEST - self.line.len().min(LONGEST);
            self.line.extend_from_slice(&chunk[at..end.min(at + room)]);
            if opens(&self.line) {
                return Some(at);
            }
            if end == chunk.len() {
                return None;
            }
            self.line.clear();
            at = end + 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds the stream in pieces; gives what passed before completion and what was held, or none if it never completed.
    fn feed(stream: &[u8], piece: usize) -> (Vec<u8>, Option<Vec<u8>>) {
        let mut terminator = Terminator::default();
        let mut passed = Vec::new();
        for chunk in stream.chunks(piece) {
            match terminator.push(Bytes::copy_from_slice(chunk)) {
                Step::Pass(bytes) => passed.extend_from_slice(&bytes),
                Step::Complete(before, held) => {
                    passed.extend_from_slice(&before);
                    return (passed, Some(held.to_vec()));
                }
            }
        }
        (passed, None)
    }

    #[test]
    fn the_terminator_is_never_whole_in_what_passes_however_the_stream_is_cut() {
        let streams: [&[u8]; 7] = [
            b"event:response.completed\rdata:{\"usage\":{\"input_tokens\":3}}\r\r",
            b"data: {\"type\":\"message_stop\"}\n\n",
            b"data:{\"type\":\"response.completed\",\"usage\":{}}\n\n",
            b"data: {\"a\":1}\n\ndata: [DONE]\n\n",
            b"data:{\"a\":1}\r\n\r\ndata:[DONE]\r\n\r\n",
            b"event: x\ndata: {}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
            b"event: response.completed\ndata: {\"usage\":{\"input_tokens\":3}}\n\n",
        ];
        for stream in streams {
            for piece in 1..=stream.len() {
                let (passed, held) = feed(stream, piece);
                assert!(held.is_some(), "not found in pieces of {piece}");
                let held = held.unwrap_or_default();
                for whole in ["[DONE]", "message_stop\"}\n\n", "response.completed\ndata: {\"usage"] {
                    let seen = String::from_utf8_lossy(&passed).contains(whole);
                    assert!(!seen, "{whole} passed in pieces of {piece}");
                }
                assert!(stream.starts_with(&[passed, held].concat()), "pieces of {piece}");
            }
        }
    }

    #[test]
    fn content_that_only_mentions_a_terminator_passes() {
        let stream = b"data: {\"content\":\"data: [DONE]\"}\n\n: data: [DONE]\n\ndata: {}\n\n";
        for piece in 1..=stream.len() {
            let (passed, held) = feed(stream, piece);
            assert_eq!((passed.as_slice(), held), (&stream[..], None));
        }
    }

    #[test]
    fn an_event_with_the_usage_is_held_until_it_is_whole() {
        let stream = b"data: 1\n\nevent: response.completed\ndata: {\"usage\":{\"input_tokens\":3}}\n\n";
        let (passed, held) = feed(stream, 5);
        let text = String::from_utf8_lossy(&passed).into_owned();
        assert!(!text.contains("usage"), "{text}");
        assert!(String::from_utf8_lossy(&held.unwrap_or_default()).contains("usage"));
    }
}
