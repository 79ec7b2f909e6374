use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use uuid::Uuid;

use crate::ledger::{Answer, Ask, Call, Error, Kind, Ledger, Settling};

/// Counters held before those are looked for that may go.
const LOOK_FROM: usize = 1_000;

/// The ledger of a single process: counters in memory, gone with it, and then budgets are seeded from the store again.
#[derive(Default)]
pub struct Embedded(Mutex<Counters>);

#[derive(Default)]
struct Counters {
    of: HashMap<(Uuid, String), Counter>,
    /// The newest time that a call came in, by which counters are old.
    now_ms: i64,
    look_at: usize,
}

#[derive(Default)]
struct Counter {
    row: Option<u64>,
    /// What calls have reserved, and until when.
    held: HashMap<Uuid, (u64, i64)>,
    keep_until_ms: i64,
}

impl Embedded {
    /// A ledger that knows no counter yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Every change is made in one step that cannot panic half-way, so a poisoned lock guards sound counters.
    fn counters(&self) -> MutexGuard<'_, Counters> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Ledger for Embedded {
    async fn reserve(&self, call: Call, asks: &[Ask]) -> Result<Answer, Error> {
        let mut counters = self.counters();
        counters.forget_old(call.at_ms);
        for ask in asks {
            if let Some(counter) = counters.of.get_mut(&(call.organisation, ask.counter.clone())) {
                counter.held.retain(|_, (_, expires_ms)| *expires_ms > call.at_ms);
            }
        }
        let mut unknown = Vec::new();
        for (at, ask) in asks.iter().enumerate() {
            let counter = counters.of.get(&(call.organisation, ask.counter.clone()));
            let (row, others) = counter.map_or((None, 0), |counter| counter.used_by_others(call));
            let used = row.unwrap_or(0).saturating_add(others);
            match row {
                None if ask.kind == Kind::Budget => unknown.push(at),
                _ if !ask.fits(used) => return Ok(Answer::Refused { at, used }),
                _ => {}
            }
        }
        if !unknown.is_empty() {
            return Ok(Answer::Unknown(unknown));
        }
        for ask in asks {
            counters.of.entry((call.organisation, ask.counter.clone())).or_default().take(call, ask);
        }
        Ok(Answer::Reserved)
    }

    async fn seed(&self, organisation: Uuid, counter: &str, row: u64, keep_ms: u64) -> Result<(), Error> {
        let mut counters = self.counters();
        let now_ms = counters.now_ms;
        let counter = counters.of.entry((organisation, counter.to_owned())).or_default();
        counter.row.get_or_insert(row);
        counter.keep(now_ms, keep_ms);
        Ok(())
    }

    async fn settle(&self, organisation: Uuid, settlings: &[Settling]) -> Result<(), Error> {
        let mut counters = self.counters();
        let now_ms = counters.now_ms;
        for settling in settlings {
            let key = (organisation, settling.counter.clone());
            match settling.kind {
                Kind::Budget => {
                    let counter = counters.of.entry(key).or_default();
                    for (call, _) in &settling.calls {
                        counter.held.remove(call);
                    }
                    counter.row = Some(counter.row.unwrap_or(0).max(settling.row));
                    counter.keep(now_ms, settling.keep_ms);
                }
                Kind::Tokens | Kind::Requests => {
                    let Some(counter) = counters.of.get_mut(&key) else { continue };
                    for (call, used) in &settling.calls {
                        if counter.held.remove(call).is_some() {
                            counter.row = Some(counter.row.unwrap_or(0).saturating_add(*used));
                        }
                    }
                }
            }
        }
        Ok(())
    }

    async fn release(&self, call: Call, counters: &[String]) -> Result<(), Error> {
        let mut known = self.counters();
        for counter in counters {
            if let Some(counter) = known.of.get_mut(&(call.organisation, counter.clone())) {
                counter.held.remove(&call.id);
            }
        }
        Ok(())
    }
}

impl Counters {
    fn forget_old(&mut self, now_ms: i64) {
        self.now_ms = self.now_ms.max(now_ms);
        if self.of.len() < self.look_at.max(LOOK_FROM) {
            return;
        }
        let now_ms = self.now_ms;
        self.of.retain(|_, counter| counter.keep_until_ms > now_ms);
        self.look_at = self.of.len() * 2;
    }
}

impl Counter {
    /// The row, and what others have reserved.
    fn used_by_others(&self, call: Call) -> (Option<u64>, u64) {
        let others = self.held.iter().filter(|(id, _)| **id != call.id);
        (self.row, others.map(|(_, (n, _))| *n).fold(0, u64::saturating_add))
    }

    fn take(&mut self, call: Call, ask: &Ask) {
        match ask.kind {
            Kind::Requests => self.row = Some(self.row.unwrap_or(0).saturating_add(ask.n)),
            Kind::Budget | Kind::Tokens => {
                self.held.insert(call.id, (ask.wanted(), call.expires_ms));
            }
        }
        self.keep(call.at_ms, ask.keep_ms);
    }

    fn keep(&mut self, now_ms: i64, keep_ms: u64) {
        let until_ms = now_ms.saturating_add(i64::try_from(keep_ms).unwrap_or(i64::MAX));
        self.keep_until_ms = self.keep_until_ms.max(until_ms);
    }
}

impl Ask {
    /// What is reserved of it.
    pub(crate) fn wanted(&self) -> u64 {
        if self.kind == Kind::Tokens { self.n.min(self.limit) } else { self.n }
    }

    /// Whether there is room where so much is used: where all is used there is none, not even for nothing.
    pub(crate) fn fits(&self, used: u64) -> bool {
        used < self.limit && self.wanted() <= self.limit - used
    }
}

#[cfg(test)]
mod tests;
