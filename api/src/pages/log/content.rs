//! What was kept of a request or of a response, as people read it: JSON with a line for each of its parts, to the letter otherwise.

use serde_json::{Map, Value};

use crate::logs::Body;

/// Bytes that are shown of a body.
const MAX_SHOWN: usize = 256 << 10;

/// A body to be read.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Shown {
    pub text: String,
    /// Whether there is more of it.
    pub is_shortened: bool,
}

impl Shown {
    pub fn of(body: &Body) -> Self {
        let text = match body {
            Body::Json(json) => indented(json.get()),
            Body::Text(text) => text.clone(),
            Body::Binary { base64 } => format!("No text; in base64:\n{base64}"),
        };
        Self::bounded(text)
    }

    pub fn json(value: &Value) -> Self {
        Self::bounded(indented(&value.to_string()))
    }

    fn bounded(mut text: String) -> Self {
        let is_shortened = text.len() > MAX_SHOWN;
        if is_shortened {
            text.truncate(text.floor_char_boundary(MAX_SHOWN));
        }
        Self { text, is_shortened }
    }
}

/// Names and values of headers, in order.
pub(super) fn headers(map: Option<&Map<String, Value>>) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    map.into_iter().flatten().map(|(name, value)| (name.clone(), text(value))).collect()
}

/// JSON with a line for each member and item. It is not read: numbers and escapes stay what they are. It ends soon after what is shown.
fn indented(json: &str) -> String {
    let mut out = String::with_capacity(json.len().min(MAX_SHOWN) * 2);
    let (mut depth, mut is_text, mut is_escaped) = (0_usize, false, false);
    let mut letters = json.chars().peekable();
    while let Some(letter) = letters.next() {
        if out.len() > MAX_SHOWN {
            break;
        }
        if is_text {
            out.push(letter);
            is_text = is_escaped || letter != '"';
            is_escaped = !is_escaped && letter == '\\';
            continue;
        }
        match letter {
            '"' => {
                is_text = true;
                out.push(letter);
            }
            '{' | '[' => {
                out.push(letter);
                while letters.next_if(char::is_ascii_whitespace).is_some() {}
                if let Some(end) = letters.next_if(|next| matches!(next, '}' | ']')) {
                    out.push(end);
                } else {
                    depth += 1;
                    line(&mut out, depth);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                line(&mut out, depth);
                out.push(letter);
            }
            ',' => {
                out.push(letter);
                line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            letter if letter.is_ascii_whitespace() => {}
            letter => out.push(letter),
        }
    }
    out
}

fn line(out: &mut String, depth: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n("  ", depth.min(64)));
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use bytes::Bytes;

    use super::*;

    fn shown(body: &str) -> Shown {
        Shown::of(&Body::of(&Bytes::copy_from_slice(body.as_bytes())).unwrap())
    }

    #[test]
    fn json_gets_lines_and_stays_what_it_is() {
        for (json, lines) in [
            (r#"{"a":1.0,"b":[ ],"c":{}}"#, "{\n  \"a\": 1.0,\n  \"b\": [],\n  \"c\": {}\n}"),
            (
                r#"[12345678901234567890123, "a,b:{\"\\"]"#,
                "[\n  12345678901234567890123,\n  \"a,b:{\\\"\\\\\"\n]",
            ),
            (r#""<script>""#, "\"<script>\""),
            ("[[1],[2]]", "[\n  [\n    1\n  ],\n  [\n    2\n  ]\n]"),
        ] {
            assert_eq!(shown(json).text, lines);
        }
    }

    #[test]
    fn what_is_long_is_shortened_and_says_so() {
        let long = "ä".repeat(MAX_SHOWN);
        for body in [format!("\"{long}\""), long, "[".repeat(100_000)] {
            let shown = shown(&body);
            assert!(shown.text.len() <= MAX_SHOWN && shown.text.len() > 90_000, "{}", shown.text.len());
            assert_eq!(shown.is_shortened, body.len() > MAX_SHOWN);
        }
        assert_eq!(shown("x"), Shown { text: "x".to_owned(), is_shortened: false });
    }
}
