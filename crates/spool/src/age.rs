//! How long the oldest record has waited: a mark a second while records come in, kept while what it marks waits.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// Records that came within this of each other have one mark.
const BETWEEN_MARKS: Duration = Duration::from_secs(1);

/// When records came, by their places in the order of all that came since the start.
#[derive(Debug, Default)]
pub struct Ages(Mutex<VecDeque<Mark>>);

#[derive(Debug)]
struct Mark {
    first: u64,
    at: Instant,
}

impl Ages {
    /// Those that earlier starts left have waited for `waited` at least.
    pub fn left_by_earlier_starts(waited: Duration) -> Self {
        let now = Instant::now();
        let mark = Mark { first: 0, at: now.checked_sub(waited).unwrap_or(now) };
        Self(Mutex::new(VecDeque::from([mark])))
    }

    /// Records have come, the first of them in place `first`; all before place `gone` have been forgotten.
    pub fn came(&self, first: u64, gone: u64) {
        let (mut marks, now) = (self.marks(), Instant::now());
        forget(&mut marks, gone);
        if marks.back().is_none_or(|last| now.duration_since(last.at) >= BETWEEN_MARKS) {
            marks.push_back(Mark { first, at: now });
        }
    }

    /// For how long the record in place `oldest` has waited, give or take [`BETWEEN_MARKS`].
    pub fn of(&self, oldest: u64) -> Duration {
        let mut marks = self.marks();
        forget(&mut marks, oldest);
        marks.front().map_or(Duration::ZERO, |mark| mark.at.elapsed())
    }

    fn marks(&self) -> MutexGuard<'_, VecDeque<Mark>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Drops the marks whose records are all before place `gone`.
fn forget(marks: &mut VecDeque<Mark>, gone: u64) {
    while marks.get(1).is_some_and(|next| next.first <= gone) {
        marks.pop_front();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_age_is_that_of_the_oldest_that_waits() {
        let ages = Ages::left_by_earlier_starts(Duration::from_mins(2));
        ages.came(10, 0);
        assert!(ages.of(9) >= Duration::from_mins(2), "one of the ten that were left waits");
        assert!(ages.of(10) < Duration::from_mins(1), "only what came just now waits");
        ages.came(11, 11);
        assert!(ages.of(11) < Duration::from_mins(1));
    }
}
