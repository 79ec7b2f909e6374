//! Calls that were answered but could not be recorded, counted until the store can take the count.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use logstore::MeterKey;

/// Counts by organisation and month; clones share them.
#[derive(Clone, Default)]
pub struct Unrecorded(Arc<Counts>);

#[derive(Default)]
struct Counts {
    waiting: Mutex<BTreeMap<MeterKey, u64>>,
    ever: AtomicU64,
}

impl Unrecorded {
    pub(crate) fn add(&self, key: MeterKey) {
        *self.lock().entry(key).or_default() += 1;
        self.0.ever.fetch_add(1, Ordering::Relaxed);
    }

    /// All since the start, in the store or not.
    #[must_use]
    pub fn ever(&self) -> u64 {
        self.0.ever.load(Ordering::Relaxed)
    }

    /// Takes the counts out; they are given back with [`Unrecorded::restore`] when they could not be stored.
    pub(crate) fn take(&self) -> BTreeMap<MeterKey, u64> {
        std::mem::take(&mut *self.lock())
    }

    pub(crate) fn restore(&self, counts: BTreeMap<MeterKey, u64>) {
        let mut map = self.lock();
        for (key, n) in counts {
            *map.entry(key).or_default() += n;
        }
    }

    /// All counts that are not in the store yet.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.lock().values().sum()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<MeterKey, u64>> {
        self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
