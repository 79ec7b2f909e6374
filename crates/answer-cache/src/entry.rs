//! An answer as it is kept.

use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// An answer that came from upstream, with status 200 and to its end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// Names in lower case, and values: those that are given again with it.
    pub headers: Vec<(String, String)>,
    /// Of a stream, the bytes of its events.
    pub body: Bytes,
    /// It is a stream of server-sent events.
    pub streamed: bool,
}

/// An answer that is kept, and until when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub answer: Answer,
    /// Unix milliseconds.
    pub kept_ms: i64,
    /// The first moment at which it is no more given, in unix milliseconds.
    pub ends_ms: i64,
}

/// What stands before the body where an entry is one text: MessagePack, its length before it.
#[derive(Serialize, Deserialize)]
struct Head {
    headers: Vec<(String, String)>,
    streamed: bool,
    kept_ms: i64,
    ends_ms: i64,
}

/// Bytes of the length of a [`Head`].
const LENGTH: usize = 4;

/// What an entry takes in memory besides its texts. Bytes; as good as measured.
const OVERHEAD: usize = 512;

impl Entry {
    /// Whether it may be given at `now_ms` to who wants none that is older than `max_age`.
    pub(crate) fn is_fresh(&self, now_ms: i64, max_age: Duration) -> bool {
        let age_ms = u128::try_from(now_ms.saturating_sub(self.kept_ms)).unwrap_or(0);
        now_ms < self.ends_ms && age_ms < max_age.as_millis()
    }

    /// Bytes of memory, about.
    pub(crate) fn weight(&self) -> u32 {
        let headers = self.answer.headers.iter().map(|(name, value)| name.len() + value.len() + 48);
        u32::try_from(OVERHEAD + self.answer.body.len() + headers.sum::<usize>()).unwrap_or(u32::MAX)
    }

    /// As one text; none where a header is too long for that.
    pub(crate) fn encoded(&self) -> Option<Vec<u8>> {
        let head = Head {
            headers: self.answer.headers.clone(),
            streamed: self.answer.streamed,
            kept_ms: self.kept_ms,
            ends_ms: self.ends_ms,
        };
        let head = rmp_serde::to_vec(&head).ok()?;
        let mut text = Vec::with_capacity(LENGTH + head.len() + self.answer.body.len());
        text.extend_from_slice(&u32::try_from(head.len()).ok()?.to_le_bytes());
        text.extend_from_slice(&head);
        text.extend_from_slice(&self.answer.body);
        Some(text)
    }

    /// None for what is no entry of ours. The body is not copied.
    pub(crate) fn decoded(text: &Bytes) -> Option<Self> {
        let (length, rest) = text.split_first_chunk::<LENGTH>()?;
        let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
        let head: Head = rmp_serde::from_slice(rest.get(..length)?).ok()?;
        let answer =
            Answer { headers: head.headers, body: text.slice(LENGTH + length..), streamed: head.streamed };
        Some(Self { answer, kept_ms: head.kept_ms, ends_ms: head.ends_ms })
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn entry() -> Entry {
        let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        let answer = Answer { headers, body: Bytes::from_static(b"{}"), streamed: true };
        Entry { answer, kept_ms: 1_000, ends_ms: 61_000 }
    }

    #[test]
    fn an_entry_comes_back_from_its_text_and_no_other_text_is_one() {
        let text = entry().encoded().unwrap();
        assert_eq!(Entry::decoded(&text.clone().into()), Some(entry()));
        for cut in 0..text.len() - 2 {
            assert_eq!(Entry::decoded(&Bytes::copy_from_slice(&text[..cut])), None, "cut at {cut}");
        }
        assert_eq!(Entry::decoded(&Bytes::from_static(b"\xff\xff\xff\xffgarbage")), None);
    }

    #[test]
    fn it_is_fresh_until_its_end_and_for_who_wants_it_so_old() {
        let cases = [
            (1_000, 60, true),
            (60_999, 60, true),
            (61_000, 60, false),
            (61_000, 900, false),
            (10_999, 10, true),
            (11_000, 10, false),
            // A clock that was set back.
            (0, 60, true),
        ];
        for (now_ms, max_age_s, fresh) in cases {
            assert_eq!(
                entry().is_fresh(now_ms, Duration::from_secs(max_age_s)),
                fresh,
                "{now_ms} {max_age_s}"
            );
        }
    }
}
