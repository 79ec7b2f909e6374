//! Logs found by the words of their prompts and answers.
//!
//! Both databases are given the words as they are made here, and asked for the same, so that they find the same. The append notes
//! which logs have content ([`waiting`]); a job reads that later and writes the words.

mod search;
mod waiting;
mod words;

pub use search::Search;
pub(crate) use search::{Searched, narrow, narrow_list};
pub use waiting::{Found, Waiting, Words, contents, next, write};
pub(crate) use waiting::{LOGS_A_ROW, hold_still};
pub use words::{MAX_TEXT_BYTES, words_of};
