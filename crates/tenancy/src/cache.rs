//! Rows near the hot path: read without the database while fresh, revalidated after, kept for when the database fails.

use std::future::Future;
use std::hash::Hash;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use clock::Clock;
use moka::sync::Cache as Map;
use sea_orm::DbErr;
use tokio::sync::Mutex;

/// Rows kept: past that the least used go.
const MAX_KNOWN: u64 = 100_000;

/// Lookups under way or in vain: a flood of guesses pushes out guesses, never a row.
const MAX_OTHERS: u64 = 10_000;

/// How long 'there is none' is believed, and how long after a failure the database is left alone. Milliseconds.
const PAUSE_MS: i64 = 1_000;

/// How long a lookup may take before the database counts as failing.
const LOAD_TIMEOUT: Duration = Duration::from_secs(2);

/// The database cannot answer, and no entry is recent enough to stand in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the database cannot answer")]
pub(crate) struct Unavailable;

/// How long entries are good for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lifetimes {
    /// Until an entry is looked up again. Milliseconds.
    pub ttl_ms: i64,
    /// Until an entry no longer stands in for a database that fails. Milliseconds.
    pub stale_max_ms: i64,
}

impl Lifetimes {
    pub fn new(ttl: Duration, stale_max: Duration) -> Self {
        let ms = |duration: Duration| i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        Self { ttl_ms: ms(ttl), stale_max_ms: ms(stale_max) }
    }
}

pub(crate) struct Cache<K, V> {
    known: Map<K, Arc<Slot<V>>>,
    others: Map<K, Arc<Slot<V>>>,
    /// Counts invalidations, so that a lookup which began before one leaves nothing behind.
    generation: AtomicU64,
    lifetimes: Lifetimes,
    clock: Clock,
}

/// One key's entry: what was seen last, and the turn to look it up.
struct Slot<V> {
    seen: RwLock<Seen<V>>,
    turn: Mutex<()>,
}

struct Seen<V> {
    value: Option<Arc<V>>,
    /// When the database was asked for it. Unix milliseconds.
    at_ms: Option<i64>,
    /// It may have changed since: the database is to be asked before it is believed, if it answers.
    is_doubtful: bool,
    failed_at_ms: Option<i64>,
}

impl<V> Seen<V> {
    /// The answer without the database; `None` when it has to be asked.
    fn answer(&self, now_ms: i64, lifetimes: Lifetimes) -> Option<Result<Option<Arc<V>>, Unavailable>> {
        let within = |since: Option<i64>, ms: i64| since.is_some_and(|at| (0..ms).contains(&(now_ms - at)));
        let good_for = if self.value.is_some() { lifetimes.ttl_ms } else { lifetimes.ttl_ms.min(PAUSE_MS) };
        if within(self.at_ms, good_for) && !self.is_doubtful {
            return Some(Ok(self.value.clone()));
        }
        if !within(self.failed_at_ms, PAUSE_MS) {
            return None;
        }
        let stand_in = self.value.clone().filter(|_| within(self.at_ms, lifetimes.stale_max_ms));
        Some(stand_in.map(Some).ok_or(Unavailable))
    }
}

impl<K, V> Cache<K, V>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Send + Sync + 'static,
{
    pub fn new(lifetimes: Lifetimes, clock: Clock) -> Self {
        Self {
            known: Map::new(MAX_KNOWN),
            others: Map::new(MAX_OTHERS),
            generation: AtomicU64::new(0),
            lifetimes,
            clock,
        }
    }

    /// A fresh entry, without waiting for anything.
    pub fn fresh(&self, key: &K) -> Option<Arc<V>> {
        let slot = self.known.get(key)?;
        self.answer(&slot)?.ok().flatten()
    }

    /// The entry, through `load` where it has to be looked up: once, however many ask at the same time.
    pub async fn get(
        &self,
        key: K,
        load: impl Future<Output = Result<Option<V>, DbErr>>,
    ) -> Result<Option<Arc<V>>, Unavailable> {
        let slot = self.known.get(&key).unwrap_or_else(|| self.others.get_with_by_ref(&key, Self::empty));
        if let Some(answer) = self.answer(&slot) {
            return answer;
        }
        let _turn = slot.turn.lock().await;
        if let Some(answer) = self.answer(&slot) {
            return answer;
        }
        let (generation, at_ms) = (self.generation.load(Ordering::SeqCst), self.clock.now_ms());
        match tokio::time::timeout(LOAD_TIMEOUT, load).await {
            Ok(Ok(value)) => {
                let value = value.map(Arc::new);
                self.keep(&key, &slot, value.clone(), at_ms, generation);
                return Ok(value);
            }
            Ok(Err(error)) => tracing::warn!(%error, "a lookup failed; what was known before stands in"),
            Err(_) => tracing::warn!("a lookup timed out; what was known before stands in"),
        }
        slot.write(|seen| seen.failed_at_ms = Some(self.clock.now_ms()));
        self.answer(&slot).unwrap_or(Err(Unavailable))
    }

    pub fn invalidate(&self, key: &K) {
        self.generation.fetch_add(1, Ordering::SeqCst);
        self.known.remove(key);
        self.others.remove(key);
    }

    /// Forgets the entries that `doomed` picks, and every 'there is none'.
    pub fn invalidate_where(&self, doomed: impl Fn(&K, &V) -> bool) {
        self.generation.fetch_add(1, Ordering::SeqCst);
        for (key, slot) in &self.known {
            if slot.read(|seen| seen.value.clone()).is_some_and(|value| doomed(&key, &value)) {
                self.known.remove(&*key);
            }
        }
        self.others.invalidate_all();
    }

    /// Every entry is looked up before it is believed again. While the database fails they stand in: what is not known to have
    /// changed is not forgotten.
    pub fn doubt_all(&self) {
        self.generation.fetch_add(1, Ordering::SeqCst);
        for (_, slot) in &self.known {
            slot.write(|seen| seen.is_doubtful = true);
        }
        self.others.invalidate_all();
    }

    fn keep(&self, key: &K, slot: &Arc<Slot<V>>, value: Option<Arc<V>>, at_ms: i64, generation: u64) {
        let (into, from) =
            if value.is_some() { (&self.known, &self.others) } else { (&self.others, &self.known) };
        slot.write(|seen| *seen = Seen { value, at_ms: Some(at_ms), is_doubtful: false, failed_at_ms: None });
        into.insert(key.clone(), Arc::clone(slot));
        from.remove(key);
        // An invalidation since we asked either took the entry out just now, or is seen here.
        if self.generation.load(Ordering::SeqCst) != generation {
            slot.write(|seen| seen.at_ms = None);
            into.remove(key);
        }
    }

    fn answer(&self, slot: &Slot<V>) -> Option<Result<Option<Arc<V>>, Unavailable>> {
        slot.read(|seen| seen.answer(self.clock.now_ms(), self.lifetimes))
    }

    fn empty() -> Arc<Slot<V>> {
        let nothing = Seen { value: None, at_ms: None, is_doubtful: false, failed_at_ms: None };
        Arc::new(Slot { seen: RwLock::new(nothing), turn: Mutex::new(()) })
    }
}

impl<V> Slot<V> {
    fn read<T>(&self, read: impl FnOnce(&Seen<V>) -> T) -> T {
        read(&self.seen.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn write(&self, write: impl FnOnce(&mut Seen<V>)) {
        write(&mut self.seen.write().unwrap_or_else(PoisonError::into_inner));
    }
}

#[cfg(test)]
mod tests;
