//! Completes JSON that was cut short, so that what arrived of it can be read.

/// Where in the grammar a text stops.
#[derive(Clone, Copy, PartialEq)]
enum At {
    /// In an object, before a key: after `{` (`first`) or after a comma.
    Key { first: bool },
    /// After a key.
    Colon,
    /// Before a value; `first` of an array, where there may be none.
    Value { first: bool },
    /// After a value.
    End,
}

/// The text with its last token and its open strings, arrays and objects completed. A prefix of any JSON document
/// becomes a JSON document (an unfinished number, word or escape is dropped); other text stays what it was, broken.
pub(crate) fn mend(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut open: Vec<bool> = Vec::new(); // one entry a level, true for an object
    let mut at = At::Value { first: false };
    let mut i = 0;
    while let Some(&byte) = bytes.get(i) {
        let start = i;
        i += 1;
        match byte {
            b'{' => {
                open.push(true);
                at = At::Key { first: true };
            }
            b'[' => {
                open.push(false);
                at = At::Value { first: true };
            }
            b'}' | b']' => {
                open.pop();
                at = At::End;
            }
            b',' if open.last() == Some(&true) => at = At::Key { first: false },
            b':' | b',' => at = At::Value { first: false },
            b'"' => {
                let is_key = matches!(at, At::Key { .. });
                at = if is_key { At::Colon } else { At::End };
                match end_of_string(bytes, i) {
                    Ok(end) => i = end,
                    Err(keep) => return close(format!("{}\"", &text[..keep]), at, &open),
                }
            }
            b' ' | b'\t' | b'\n' | b'\r' => {}
            _ => {
                i = bytes[i..].iter().position(|b| b" \t\n\r,:]}".contains(b)).map_or(bytes.len(), |n| i + n);
                if i == bytes.len() {
                    return close(text[..start].to_owned(), at, &open);
                }
                at = At::End;
            }
        }
    }
    close(text.to_owned(), at, &open)
}

/// The index after the closing quote of the string whose content starts at `i`; if it never closes, how much of the
/// text to keep, so that no escape is left half.
fn end_of_string(bytes: &[u8], mut i: usize) -> Result<usize, usize> {
    loop {
        match bytes.get(i) {
            None => return Err(i),
            Some(b'"') => return Ok(i + 1),
            Some(b'\\') => {
                let length = escape_length(bytes, i);
                if i + length > bytes.len() {
                    return Err(i);
                }
                i += length;
            }
            Some(_) => i += 1,
        }
    }
}

/// The length of the escape at `i`: 2, 6, or 12 for a surrogate pair, whose first half alone is an error.
fn escape_length(bytes: &[u8], i: usize) -> usize {
    let high = |b: &u8| matches!(b, b'8' | b'9' | b'a' | b'b' | b'A' | b'B');
    match (bytes.get(i + 1), bytes.get(i + 2), bytes.get(i + 3)) {
        (Some(b'u'), Some(b'd' | b'D'), Some(b)) if high(b) => 12,
        (Some(b'u'), _, _) => 6,
        _ => 2,
    }
}

fn close(mut text: String, at: At, open: &[bool]) -> String {
    match at {
        At::Key { first: false } => text.push_str("\"\":null"),
        At::Colon => text.push_str(":null"),
        At::Value { first: false } => text.push_str("null"),
        At::Key { first: true } | At::Value { first: true } | At::End => {}
    }
    text.extend(open.iter().rev().map(|object| if *object { '}' } else { ']' }));
    text
}
