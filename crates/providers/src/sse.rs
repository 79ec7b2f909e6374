//! Server-sent events (WHATWG HTML, section 9.2) of a body that has been read to its end.

use std::borrow::Cow;

use memchr::memchr2;

/// One event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event<'a> {
    /// The `event` field; absent means `message`.
    pub event: Option<Cow<'a, str>>,
    /// The `data` lines, joined with line feeds.
    pub data: Cow<'a, str>,
}

/// The events of `body` that carry data. Unlike a browser this also gives a last event without its blank line, for a
/// stream may have been cut off; bytes that are not UTF-8 become replacement characters.
pub fn events(body: &[u8]) -> impl Iterator<Item = Event<'_>> {
    let mut rest = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
    std::iter::from_fn(move || next_event(&mut rest))
}

fn next_event<'a>(rest: &mut &'a [u8]) -> Option<Event<'a>> {
    let mut event = None;
    let mut data: Option<Cow<'a, str>> = None;
    while let Some(line) = next_line(rest) {
        if line.is_empty() {
            if let Some(data) = data.take() {
                return Some(Event { event, data });
            }
            event = None;
        } else if let Some(value) = field(line, b"data") {
            data = Some(match data.take() {
                None => value,
                Some(before) => {
                    let mut joined = before.into_owned();
                    joined.push('\n');
                    joined.push_str(&value);
                    Cow::Owned(joined)
                }
            });
        } else if let Some(value) = field(line, b"event") {
            event = Some(value);
        }
    }
    data.map(|data| Event { event, data })
}

/// Takes a line, ended by LF, CR or CRLF; the last may have no end.
fn next_line<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    if rest.is_empty() {
        return None;
    }
    let end = memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
    let (line, after) = rest.split_at(end);
    *rest = after.strip_prefix(b"\r\n").or_else(|| after.get(1..)).unwrap_or_default();
    Some(line)
}

/// The value of the line's field, if it is the named one; one space after the colon is not part of it.
fn field<'a>(line: &'a [u8], name: &[u8]) -> Option<Cow<'a, str>> {
    let value = match line.strip_prefix(name)? {
        [] => &[],
        [b':', b' ', value @ ..] | [b':', value @ ..] => value,
        _ => return None,
    };
    Some(String::from_utf8_lossy(value))
}
