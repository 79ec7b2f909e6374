//! The content of a call as it is shown: JSON as JSON, text as text, anything else in base64.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::Serialize;
use serde_json::value::RawValue;

/// A body, unchanged: JSON is passed on to the letter.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Body {
    Json(Box<RawValue>),
    Text(String),
    Binary { base64: String },
}

impl Body {
    /// `None` for an empty body.
    pub fn of(bytes: &Bytes) -> Option<Self> {
        if bytes.is_empty() {
            return None;
        }
        let json = serde_json::from_slice::<Box<RawValue>>(bytes).ok();
        Some(json.map_or_else(|| Self::other(bytes), Self::Json))
    }

    fn other(bytes: &Bytes) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(text) => Self::Text(text.to_owned()),
            // A text that was cut within its last character is a text still.
            Err(error) if error.error_len().is_none() && error.valid_up_to() > 0 => {
                Self::Text(String::from_utf8_lossy(&bytes[..error.valid_up_to()]).into_owned())
            }
            Err(_) => Self::Binary { base64: STANDARD.encode(bytes) },
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_body_is_shown_as_what_it_is() {
        for (body, shown) in [
            (
                &br#"{"n": 1.0, "big": 12345678901234567890123}"#[..],
                r#"{"n": 1.0, "big": 12345678901234567890123}"#,
            ),
            (b"data: {}\n\ndata: [DONE]\n\n", r#""data: {}\n\ndata: [DONE]\n\n""#),
            (br#"{"cut": "#, r#""{\"cut\": ""#),
            (b"caf\xc3", r#""caf""#),
            (b"\xff\xfe\x00", r#"{"base64":"//4A"}"#),
        ] {
            let shape = Body::of(&Bytes::from_static(body)).unwrap();
            assert_eq!(serde_json::to_string(&shape).unwrap(), shown);
        }
        assert!(Body::of(&Bytes::new()).is_none());
    }
}
