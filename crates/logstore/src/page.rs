//! Pages by key: where one ends is where the next begins, however many logs came in since.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use entity::log;
use sea_orm::prelude::Uuid;

use crate::sort::{By, Sort};

/// Logs of one page, in their order, and where the next begins.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    pub rows: Vec<log::Model>,
    /// None: this is the last.
    pub next: Option<Cursor>,
}

/// The last log of a page. As text it says nothing to a client but 'go on here'.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The order that the page is of.
    pub sort: Sort,
    /// What the log is sorted by, where that is not its time; none where it is not known.
    pub(crate) value: Option<i64>,
    pub(crate) id: Uuid,
}

/// Where a page begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// It is the first in this order.
    First(Sort),
    After(Cursor),
}

impl Start {
    /// The newest log.
    #[must_use]
    pub const fn newest() -> Self {
        Self::First(Sort::NEWEST)
    }

    pub(crate) const fn sort(self) -> Sort {
        match self {
            Self::First(sort) => sort,
            Self::After(cursor) => cursor.sort,
        }
    }
}

impl From<Option<Cursor>> for Start {
    fn from(cursor: Option<Cursor>) -> Self {
        cursor.map_or(Self::newest(), Self::After)
    }
}

/// A text that no page gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no page gave this cursor")]
pub struct BadCursor;

/// Bytes of an id.
const ID: usize = 16;

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = self.id.as_bytes().to_vec();
        if self.sort != Sort::NEWEST {
            bytes.push(self.sort.code());
            bytes.extend(self.value.iter().flat_map(|value| value.to_be_bytes()));
        }
        f.write_str(&URL_SAFE_NO_PAD.encode(bytes))
    }
}

impl FromStr for Cursor {
    type Err = BadCursor;

    fn from_str(text: &str) -> Result<Self, BadCursor> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| BadCursor)?;
        let (id, rest) = bytes.split_at_checked(ID).ok_or(BadCursor)?;
        let id = Uuid::from_slice(id).map_err(|_| BadCursor)?;
        let (sort, value) = match rest {
            [] => (Sort::NEWEST, None),
            [code] => (Sort::of_code(*code).ok_or(BadCursor)?, None),
            [code, value @ ..] => {
                let value = value.try_into().map_err(|_| BadCursor)?;
                (Sort::of_code(*code).ok_or(BadCursor)?, Some(i64::from_be_bytes(value)))
            }
        };
        // There is one text of each cursor.
        let is_odd = (sort == Sort::NEWEST && !rest.is_empty())
            || (sort.by == By::CreatedAt && value.is_some())
            || id.get_version_num() != 7;
        if is_odd { Err(BadCursor) } else { Ok(Self { sort, value, id }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_from_its_text_and_no_other_text_is_one() {
        let id = clock::floor(1_795_392_000_000);
        for sort in Sort::all() {
            let values: &[_] =
                if sort.by == By::CreatedAt { &[None] } else { &[None, Some(0), Some(-7), Some(i64::MAX)] };
            for value in values {
                let cursor = Cursor { sort, value: *value, id };
                assert_eq!(cursor.to_string().parse(), Ok(cursor));
                assert_eq!(format!("{cursor}A").parse::<Cursor>(), Err(BadCursor), "{cursor}");
            }
        }
        let of = |bytes: &[u8]| URL_SAFE_NO_PAD.encode([id.as_bytes(), bytes].concat());
        let newest = Sort::NEWEST.code();
        let by_time = Sort { descending: false, ..Sort::NEWEST }.code();
        let random = URL_SAFE_NO_PAD.encode(Uuid::max().as_bytes());
        for text in ["", "x", "====", "AAAA", &random, &of(&[200]), &of(&[newest]), &of(&[by_time, 1])] {
            assert_eq!(text.parse::<Cursor>(), Err(BadCursor), "{text}");
        }
        assert_eq!(of(&[by_time, 0, 0, 0, 0, 0, 0, 0, 1]).parse::<Cursor>(), Err(BadCursor));
    }
}
