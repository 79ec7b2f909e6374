use std::collections::BTreeMap;
use std::fmt;

use sea_orm::prelude::Json;

/// What a run did, counted by what it was done to (a table's name, mostly).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report(BTreeMap<&'static str, u64>);

impl Report {
    /// Counts `n` more of `what`; 0 tells that it was looked after.
    pub fn add(&mut self, what: &'static str, n: u64) {
        *self.0.entry(what).or_default() += n;
    }

    /// How many of `what`; `None` when the run does not deal with it.
    #[must_use]
    pub fn count(&self, what: &str) -> Option<u64> {
        self.0.get(what).copied()
    }

    /// An object with each count.
    #[must_use]
    pub fn to_json(&self) -> Json {
        self.0.iter().map(|(what, n)| ((*what).to_owned(), Json::from(*n))).collect()
    }

    /// Whether there was nothing to do.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.0.values().all(|n| *n == 0)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut gap = "";
        for (what, n) in &self.0 {
            write!(f, "{gap}{what}={n}")?;
            gap = " ";
        }
        Ok(())
    }
}
