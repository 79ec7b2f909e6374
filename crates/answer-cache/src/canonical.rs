//! A JSON text with what does not matter taken out: the order of keys, whitespace, and how a character is escaped.
//!
//! No tree is made of it. Texts are written as they are read; only where an object's keys are out of order its members are put in
//! another order. Long pieces are replaced by their hash as soon as they end, so that nothing large is moved twice.

use std::borrow::Cow;
use std::ops::Range;

use memchr::memchr2;
use sha2::{Digest, Sha256};

/// Deeper than that, bodies are compared as they are. As in `serde_json`.
const MAX_DEPTH: usize = 128;

/// A string, an array or an object of more bytes stands there by its hash.
const MAX_IN_FULL: usize = 1 << 10;

/// The same bytes for all JSON texts that say the same, and for no others. None for what is no JSON, or too deep. Numbers are told apart
/// by their text, and of keys that are there twice the order is kept: providers may tell these apart too.
pub(crate) fn canonical(json: &[u8]) -> Option<Vec<u8>> {
    let out = Vec::with_capacity(json.len().min(16 << 10) + 64);
    let mut reading = Reading { json, at: 0, out, members: Vec::new() };
    reading.value(0)?;
    reading.skip_blanks();
    (reading.at == json.len()).then_some(reading.out)
}

struct Reading<'a> {
    json: &'a [u8],
    at: usize,
    out: Vec<u8>,
    /// Of the objects that are being read, the inner ones last.
    members: Vec<Member>,
}

/// Where a member of an object is in what was written.
struct Member {
    key: Range<usize>,
    end: usize,
}

/// A JSON string.
enum Text<'a> {
    Decoded(Cow<'a, [u8]>),
    /// It has half of a surrogate pair in it, which is no character.
    Raw(&'a [u8]),
}

impl<'a> Reading<'a> {
    fn value(&mut self, depth: usize) -> Option<()> {
        self.skip_blanks();
        match self.json.get(self.at)? {
            b'{' if depth < MAX_DEPTH => self.object(depth),
            b'[' if depth < MAX_DEPTH => self.array(depth),
            b'"' => {
                let text = self.string()?;
                self.write(&text)
            }
            _ => self.scalar(),
        }
    }

    fn object(&mut self, depth: usize) -> Option<()> {
        self.at += 1;
        self.out.push(b'{');
        let (begin, outer) = (self.out.len(), self.members.len());
        if !self.ends_with(b'}') {
            loop {
                self.skip_blanks();
                let key = self.out.len();
                let text = self.string()?;
                self.write(&text)?;
                let key = key..self.out.len();
                self.take(b':')?;
                self.value(depth + 1)?;
                self.members.push(Member { key, end: self.out.len() });
                if self.ends_with(b'}') {
                    break;
                }
                self.take(b',')?;
            }
        }
        self.arrange(begin, outer);
        self.close(begin - 1, b'}');
        Some(())
    }

    fn array(&mut self, depth: usize) -> Option<()> {
        self.at += 1;
        self.out.push(b'[');
        let begin = self.out.len();
        if !self.ends_with(b']') {
            loop {
                self.value(depth + 1)?;
                if self.ends_with(b']') {
                    break;
                }
                self.take(b',')?;
            }
        }
        self.close(begin - 1, b']');
        Some(())
    }

    /// A number, true, false or null: by its text.
    fn scalar(&mut self) -> Option<()> {
        let rest = &self.json[self.at..];
        let of_it = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
        let length = rest.iter().position(|byte| !of_it(byte)).unwrap_or(rest.len());
        if length == 0 {
            return None;
        }
        self.at += length;
        self.piece(b'n', &rest[..length])
    }

    fn string(&mut self) -> Option<Text<'a>> {
        self.take(b'"')?;
        let (begin, mut escaped) = (self.at, false);
        loop {
            let at = self.at + memchr2(b'"', b'\\', &self.json[self.at..])?;
            if self.json[at] == b'"' {
                self.at = at + 1;
                let raw = &self.json[begin..at];
                return Some(if escaped { decoded(raw, &self.json[begin - 1..=at]) } else { Text::of(raw) });
            }
            escaped = true;
            self.at = at + 2;
            if self.at > self.json.len() {
                return None;
            }
        }
    }

    fn write(&mut self, text: &Text<'_>) -> Option<()> {
        match text {
            Text::Decoded(text) => self.piece(b'"', text),
            Text::Raw(raw) => self.piece(b'\\', raw),
        }
    }

    /// A piece begins with its kind and its length, so that no two rows of pieces are alike.
    fn piece(&mut self, kind: u8, bytes: &[u8]) -> Option<()> {
        self.out.push(kind);
        self.out.extend_from_slice(&u32::try_from(bytes.len()).ok()?.to_le_bytes());
        if bytes.len() > MAX_IN_FULL {
            self.out.extend_from_slice(&Sha256::digest(bytes));
        } else {
            self.out.extend_from_slice(bytes);
        }
        Some(())
    }

    /// Puts the members of the object that began at `begin` in the order of their keys.
    fn arrange(&mut self, begin: usize, outer: usize) {
        let out = &self.out;
        let by_key = |a: &Member, b: &Member| out[a.key.clone()].cmp(&out[b.key.clone()]);
        let members = &mut self.members[outer..];
        if !members.is_sorted_by(|a, b| by_key(a, b).is_le()) {
            members.sort_by(by_key);
            let mut arranged = Vec::with_capacity(out.len() - begin);
            for member in members {
                arranged.extend_from_slice(&out[member.key.start..member.end]);
            }
            self.out.truncate(begin);
            self.out.extend_from_slice(&arranged);
        }
        self.members.truncate(outer);
    }

    fn close(&mut self, begin: usize, end: u8) {
        self.out.push(end);
        if self.out.len() - begin > MAX_IN_FULL {
            let digest = Sha256::digest(&self.out[begin..]);
            self.out.truncate(begin);
            self.out.push(b'#');
            self.out.extend_from_slice(&digest);
        }
    }

    fn ends_with(&mut self, end: u8) -> bool {
        self.take(end).is_some()
    }

    fn take(&mut self, byte: u8) -> Option<()> {
        self.skip_blanks();
        (*self.json.get(self.at)? == byte).then(|| self.at += 1)
    }

    fn skip_blanks(&mut self) {
        while self.json.get(self.at).is_some_and(|byte| matches!(byte, b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }
}

impl<'a> Text<'a> {
    fn of(raw: &'a [u8]) -> Self {
        Self::Decoded(Cow::Borrowed(raw))
    }
}

fn decoded<'a>(raw: &'a [u8], quoted: &[u8]) -> Text<'a> {
    match serde_json::from_slice::<String>(quoted) {
        Ok(text) => Text::Decoded(Cow::Owned(text.into_bytes())),
        Err(_) => Text::Raw(raw),
    }
}

#[cfg(test)]
mod tests;
