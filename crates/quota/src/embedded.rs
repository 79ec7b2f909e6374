use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;

use crate::known::Months;
use crate::{BatchId, Counted, Error, IN_FLIGHT, Key, Ledger, REMEMBERED, Reserved};

/// The ledger of a single process: counters in memory, gone with it and then seeded from the store again.
/// It holds the newest month it has seen and the two before.
#[derive(Debug)]
pub struct Embedded {
    counters: Mutex<Months<Counter>>,
    in_flight: Duration,
}

#[derive(Debug)]
struct Counter {
    /// The store's count, and when we were told so.
    row: u64,
    seen: Instant,
    /// What was answered last.
    used: u64,
    /// Oldest first, at most [`REMEMBERED`].
    grants: VecDeque<Grant>,
}

#[derive(Debug)]
struct Grant {
    batch: BatchId,
    granted: u64,
    /// When it was asked for last; none once it is settled.
    asked: Option<Instant>,
}

impl Embedded {
    /// A ledger that knows no counter yet.
    #[must_use]
    pub fn new() -> Self {
        Self::with_in_flight(IN_FLIGHT)
    }

    /// The same with another time in place of [`IN_FLIGHT`].
    #[must_use]
    pub fn with_in_flight(in_flight: Duration) -> Self {
        Self { counters: Mutex::default(), in_flight }
    }

    /// Every change is made in one step that cannot panic half-way, so a poisoned lock guards sound counters.
    fn counters(&self) -> MutexGuard<'_, Months<Counter>> {
        self.counters.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Embedded {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Ledger for Embedded {
    async fn reserve(&self, key: Key, batch: BatchId, n: u64, limit: Option<u64>) -> Result<Reserved, Error> {
        let mut counters = self.counters();
        let Some(counter) = counters.get_mut(key) else { return Ok(Reserved::Unknown) };
        let granted = counter.reserve(batch, n, limit, self.in_flight);
        Ok(Reserved::Granted { granted, used: counter.count(self.in_flight) })
    }

    async fn seed(&self, key: Key, used: u64) -> Result<(), Error> {
        let mut counters = self.counters();
        if counters.get(key).is_none() {
            counters.insert(key, Counter::of(used));
        }
        Ok(())
    }

    async fn settle(&self, key: Key, batch: BatchId, used: u64) -> Result<bool, Error> {
        let mut counters = self.counters();
        let Some(counter) = counters.get_mut(key) else {
            counters.insert(key, Counter::of(used));
            return Ok(false);
        };
        let differs = counter.settle(batch, used, self.in_flight);
        counter.count(self.in_flight);
        Ok(differs)
    }

    async fn ping(&self) -> Result<(), Error> {
        Ok(())
    }

    async fn read(&self, key: Key) -> Result<Option<Counted>, Error> {
        let counters = self.counters();
        let counter = counters.get(key);
        Ok(counter
            .map(|counter| Counted { row: counter.row, on_its_way: counter.outstanding(self.in_flight) }))
    }

    fn known(&self, key: Key) -> Option<u64> {
        Some(self.counters().get(key)?.used)
    }
}

impl Counter {
    fn of(row: u64) -> Self {
        Self { row, seen: Instant::now(), used: row, grants: VecDeque::new() }
    }

    fn reserve(&mut self, batch: BatchId, n: u64, limit: Option<u64>, in_flight: Duration) -> u64 {
        if let Some(grant) = self.grants.iter_mut().rev().find(|grant| grant.batch == batch) {
            grant.asked = grant.asked.map(|_| Instant::now());
            return grant.granted;
        }
        let room = limit.unwrap_or(u64::MAX).saturating_sub(self.count(in_flight));
        let granted = n.min(room);
        if self.grants.len() == REMEMBERED {
            self.grants.pop_front();
        }
        self.grants.push_back(Grant { batch, granted, asked: Some(Instant::now()) });
        granted
    }

    fn settle(&mut self, batch: BatchId, used: u64, in_flight: Duration) -> bool {
        let grant = self.grants.iter_mut().rev().find(|grant| grant.batch == batch);
        let own = grant.map_or(0, |grant| {
            let own = grant.outstanding(in_flight);
            grant.asked = None;
            own
        });
        let was_overtaken = used <= self.row && self.seen.elapsed() < in_flight;
        if was_overtaken {
            return false;
        }
        let others = self.outstanding(in_flight);
        let differs = used < self.row + own || used > self.row + own + others;
        (self.row, self.seen) = (used, Instant::now());
        differs
    }

    /// What is counted now.
    fn count(&mut self, in_flight: Duration) -> u64 {
        self.used = self.row + self.outstanding(in_flight);
        self.used
    }

    fn outstanding(&self, in_flight: Duration) -> u64 {
        self.grants.iter().map(|grant| grant.outstanding(in_flight)).sum()
    }
}

impl Grant {
    fn outstanding(&self, in_flight: Duration) -> u64 {
        if self.asked.is_some_and(|asked| asked.elapsed() < in_flight) { self.granted } else { 0 }
    }
}

#[cfg(test)]
mod tests;
