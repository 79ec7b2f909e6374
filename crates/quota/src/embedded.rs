use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use plans::Month;
use uuid::Uuid;

use crate::{BatchId, Error, Key, Ledger, Reserved};

/// How many of a key's latest batches keep their grant. One asked for again after that many others counts anew.
pub const REMEMBERED: usize = 256;

/// The ledger of a single process: counters in memory, gone with it and then seeded from the store again.
/// It holds the newest month it has seen and the two before.
#[derive(Debug, Default)]
pub struct Embedded {
    months: Mutex<BTreeMap<Month, HashMap<Uuid, Counter>>>,
}

#[derive(Debug)]
struct Counter {
    used: u64,
    /// Oldest first, at most [`REMEMBERED`].
    grants: VecDeque<(BatchId, u64)>,
}

impl Embedded {
    /// A ledger that knows no counter yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Every change is made in one step that cannot panic half-way, so a poisoned lock guards sound counters.
    fn months(&self) -> MutexGuard<'_, BTreeMap<Month, HashMap<Uuid, Counter>>> {
        self.months.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets a missing counter, or gives the one that is there to `change`.
    fn set_or<T: Default>(&self, key: Key, used: u64, change: impl FnOnce(&mut Counter) -> T) -> T {
        let mut months = self.months();
        if months.last_key_value().is_some_and(|(newest, _)| *newest < key.month) {
            *months = months.split_off(&key.month.previous().previous());
        }
        match months.entry(key.month).or_default().entry(key.organisation) {
            Entry::Occupied(mut counter) => change(counter.get_mut()),
            Entry::Vacant(missing) => {
                missing.insert(Counter { used, grants: VecDeque::new() });
                T::default()
            }
        }
    }
}

#[async_trait]
impl Ledger for Embedded {
    async fn reserve(&self, key: Key, batch: BatchId, n: u64, limit: Option<u64>) -> Result<Reserved, Error> {
        let mut months = self.months();
        let counter = months.get_mut(&key.month).and_then(|counters| counters.get_mut(&key.organisation));
        Ok(counter.map_or(Reserved::Unknown, |counter| counter.reserve(batch, n, limit)))
    }

    async fn seed(&self, key: Key, used: u64) -> Result<(), Error> {
        self.set_or(key, used, |_| ());
        Ok(())
    }

    async fn correct(&self, key: Key, used: u64) -> Result<bool, Error> {
        Ok(self.set_or(key, used, |counter| std::mem::replace(&mut counter.used, used) != used))
    }

    fn known(&self, key: Key) -> Option<u64> {
        Some(self.months().get(&key.month)?.get(&key.organisation)?.used)
    }
}

impl Counter {
    fn reserve(&mut self, batch: BatchId, n: u64, limit: Option<u64>) -> Reserved {
        let before = self.grants.iter().rev().find(|(of, _)| *of == batch);
        if let Some(&(_, granted)) = before {
            return Reserved::Granted { granted, used: self.used };
        }
        let room = limit.unwrap_or(u64::MAX).saturating_sub(self.used);
        let granted = n.min(room);
        self.used += granted;
        if self.grants.len() == REMEMBERED {
            self.grants.pop_front();
        }
        self.grants.push_back((batch, granted));
        Reserved::Granted { granted, used: self.used }
    }
}

#[cfg(test)]
mod tests;
