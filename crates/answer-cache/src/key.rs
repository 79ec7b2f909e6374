//! What an answer is kept under.

use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::canonical::canonical;

/// Goes into every hash: another number when what is hashed, or what is kept, changes its shape.
const VERSION: &[u8] = b"turnpike answer 1";

/// All that changes the answer to a call. What is not here does not: who pays (the credential), metadata and places in a trace.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    pub organisation: Uuid,
    pub workspace: Uuid,
    /// The contract's name.
    pub endpoint: &'a str,
    pub provider: &'a str,
    /// Where it is asked: origin, path and query.
    pub url: &'a [&'a str],
    /// As it goes upstream.
    pub body: &'a [u8],
    /// The caller's own division of its workspace's answers.
    pub namespace: Option<&'a str>,
    /// Those that change the answer.
    pub headers: &'a [(&'a str, &'a [u8])],
}

/// Where an answer is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// Whose it is: it is in the hash too, and here so that a store can keep an organisation's answers together.
    pub organisation: Uuid,
    hash: [u8; 32],
}

impl Place {
    /// The place of the answer to a question. A body that is no JSON is taken as it is.
    #[must_use]
    pub fn of(question: &Question<'_>) -> Self {
        let mut hash = Sha256::new();
        hash.update(VERSION);
        hash.update(question.organisation.as_bytes());
        hash.update(question.workspace.as_bytes());
        let mut text = |text: &[u8]| {
            hash.update((text.len() as u64).to_le_bytes());
            hash.update(text);
        };
        text(question.endpoint.as_bytes());
        text(question.provider.as_bytes());
        // One text in pieces: where they are divided does not matter.
        text(question.url.concat().as_bytes());
        text(question.namespace.map_or(b"-".as_slice(), |_| b"+"));
        text(question.namespace.unwrap_or_default().as_bytes());
        // In whatever order they came.
        let mut headers: Vec<_> = question.headers.to_vec();
        headers.sort_unstable();
        text(&(headers.len() as u64).to_le_bytes());
        for (name, value) in headers {
            text(name.as_bytes());
            text(value);
        }
        if let Some(body) = canonical(question.body) {
            text(b"json");
            text(&body);
        } else {
            text(b"bytes");
            text(question.body);
        }
        Self { organisation: question.organisation, hash: hash.finalize().into() }
    }

    /// As it is written in a key of Redis.
    pub(crate) fn hex(&self) -> String {
        self.hash.iter().fold(String::with_capacity(64), |mut text, byte| {
            for digit in [byte >> 4, byte & 15] {
                text.push(char::from_digit(u32::from(digit), 16).unwrap_or('0'));
            }
            text
        })
    }

    #[cfg(test)]
    pub(crate) fn numbered(organisation: Uuid, number: u8) -> Self {
        Self { organisation, hash: [number; 32] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ASKED: Question<'static> = Question {
        organisation: Uuid::from_u128(1),
        workspace: Uuid::from_u128(2),
        endpoint: "chatComplete",
        provider: "openai",
        url: &["https://api.openai.com/v1", "/chat/completions"],
        body: br#"{"model":"m","messages":[{"role":"user","content":"hi"}],"temperature":0.1}"#,
        namespace: None,
        headers: &[("openai-beta", b"a"), ("anthropic-version", b"b")],
    };

    #[test]
    fn what_changes_the_answer_changes_the_place_and_nothing_else_does() {
        let place = Place::of(&ASKED);
        let equal = [
            Question { url: &["https://api.openai.com/v1/chat", "/completions", ""], ..ASKED },
            Question { headers: &[("anthropic-version", b"b"), ("openai-beta", b"a")], ..ASKED },
            Question {
                body: br#"{ "temperature": 0.1, "messages": [{"content": "hi", "role": "user"}], "model": "m" }"#,
                ..ASKED
            },
        ];
        for question in equal {
            assert_eq!(Place::of(&question), place, "{question:?}");
        }
        let others = [
            Question { organisation: Uuid::from_u128(3), ..ASKED },
            Question { workspace: Uuid::from_u128(3), ..ASKED },
            Question { organisation: ASKED.workspace, workspace: ASKED.organisation, ..ASKED },
            Question { endpoint: "complete", ..ASKED },
            Question { provider: "groq", ..ASKED },
            Question { url: &["https://api.openai.com/v2/chat/completions"], ..ASKED },
            Question { namespace: Some(""), ..ASKED },
            Question { namespace: Some("a"), ..ASKED },
            Question { headers: &[("openai-beta", b"a")], ..ASKED },
            Question { headers: &[("openai-beta", b"b"), ("anthropic-version", b"b")], ..ASKED },
            Question { headers: &[("openai-beta", b"ab"), ("anthropic-version", b"")], ..ASKED },
            Question {
                body: br#"{"model":"m","messages":[{"role":"user","content":"hi"}],"temperature":0.10}"#,
                ..ASKED
            },
            Question { body: br#"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#, ..ASKED },
            Question { body: b"no json", ..ASKED },
            Question { body: b"", ..ASKED },
        ];
        let mut places: Vec<_> = others.iter().map(Place::of).chain([place]).collect();
        let count = places.len();
        places.sort_unstable_by_key(Place::hex);
        places.dedup();
        assert_eq!(places.len(), count, "two of these are one place");
    }

    #[test]
    fn a_places_text_is_its_hash() {
        let place = Place::numbered(Uuid::nil(), 0xa7);
        assert_eq!(place.hex(), "a7".repeat(32));
    }
}
