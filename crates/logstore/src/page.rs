//! Pages by key: where one ends is where the next begins, however many logs came in since.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use entity::log;
use sea_orm::prelude::Uuid;

/// Logs of one page, newest first, and where the next begins.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    pub rows: Vec<log::Model>,
    /// None: this is the last.
    pub next: Option<Cursor>,
}

/// The last log of a page. As text it says nothing to a client but 'go on here'.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor(pub(crate) Uuid);

/// A text that no page gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no page gave this cursor")]
pub struct BadCursor;

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0.as_bytes()))
    }
}

impl FromStr for Cursor {
    type Err = BadCursor;

    fn from_str(text: &str) -> Result<Self, BadCursor> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| BadCursor)?;
        let id = Uuid::from_slice(&bytes).map_err(|_| BadCursor)?;
        if id.get_version_num() == 7 { Ok(Self(id)) } else { Err(BadCursor) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_from_its_text_and_no_other_text_is_one() {
        let cursor = Cursor(clock::floor(1_795_392_000_000));
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
        let random = URL_SAFE_NO_PAD.encode(Uuid::max().as_bytes());
        for text in ["", "x", "====", "AAAA", random.as_str(), &format!("{cursor}A")] {
            assert_eq!(text.parse::<Cursor>(), Err(BadCursor), "{text}");
        }
    }
}
