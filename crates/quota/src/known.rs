//! What a process has seen of the counters.

use std::collections::{BTreeMap, HashMap};

use plans::Month;
use uuid::Uuid;

use crate::Key;

/// A value for each key of the newest month there was and of the two before.
#[derive(Debug)]
pub(crate) struct Months<T>(BTreeMap<Month, HashMap<Uuid, T>>);

impl<T> Default for Months<T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<T> Months<T> {
    pub fn get(&self, key: Key) -> Option<&T> {
        self.0.get(&key.month)?.get(&key.organisation)
    }

    pub fn get_mut(&mut self, key: Key) -> Option<&mut T> {
        self.0.get_mut(&key.month)?.get_mut(&key.organisation)
    }

    /// A newer month than any before pushes the oldest out.
    pub fn insert(&mut self, key: Key, value: T) {
        if self.0.last_key_value().is_some_and(|(newest, _)| *newest < key.month) {
            self.0 = self.0.split_off(&key.month.previous().previous());
        }
        self.0.entry(key.month).or_default().insert(key.organisation, value);
    }
}
