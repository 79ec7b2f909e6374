//! Finding the event that tells a client that a stream is complete, so that it can be held until the call is recorded.

use bytes::{Bytes, BytesMut};
use memchr::memchr;

/// How a line begins that opens a terminator: OpenAI's `[DONE]`, Anthropic's `message_stop`, the Responses API's ends.
const OPENINGS: [&[u8]; 7] = [
    b"data: [DONE]",
    b"data:[DONE]",
    b"event: message_stop",
    b"event:message_stop",
    b"event: response.completed",
    b"event: response.incomplete",
    b"event: response.failed",
];

/// Longest of [`OPENINGS`].
const LONGEST: usize = 26;

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
        self.held.extend_from_slice(more);
        let done_marker = self.held.starts_with(b"data");
        let whole = memchr::memmem::find(&self.held, b"\n\n").is_some()
            || memchr::memmem::find(&self.held, b"\r\n\r\n").is_some();
        if done_marker || whole || self.held.len() > MAX_HELD {
            return Step::Complete(before, self.finish());
        }
        Step::Pass(before)
    }

    /// Where in `chunk` the line begins that opens the terminator; 0 also when it began in the chunk before.
    fn find(&mut self, chunk: &[u8]) -> Option<usize> {
        let mut at = 0;
        loop {
            let end = memchr(b'\n', &chunk[at..]).map_or(chunk.len(), |newline| at + newline);
            let room = LONGEST - self.line.len().min(LONGEST);
            self.line.extend_from_slice(&chunk[at..end.min(at + room)]);
            if OPENINGS.iter().any(|opening| self.line.starts_with(opening)) {
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
        let streams: [&[u8]; 4] = [
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
