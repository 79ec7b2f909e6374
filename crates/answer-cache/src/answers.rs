//! What the gateway asks for answers: the store, and the calls that are under way.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use clock::Clock;

use crate::flights::{Ended, Flights, Joined, Leading};
use crate::whole::is_whole;
use crate::{Answer, Entry, Place, Store, Unavailable};

/// The answers that are kept. Clones share them.
#[derive(Clone)]
pub struct Answers(Arc<Inner>);

struct Inner {
    store: Box<dyn Store>,
    flights: Flights,
    clock: Clock,
    max_entry_bytes: usize,
    counters: Counters,
    /// The store failed the last time: its failure is said once.
    fails: AtomicBool,
}

#[derive(Default)]
struct Counters {
    hits: AtomicU64,
    misses: AtomicU64,
    refreshes: AtomicU64,
    kept: AtomicU64,
    failures: AtomicU64,
}

/// What has happened since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Calls that got a kept answer, or that of an equal call that was under way.
    pub hits: u64,
    pub misses: u64,
    /// Calls that wanted upstream's answer, kept or not.
    pub refreshes: u64,
    /// Answers that were kept.
    pub kept: u64,
    /// Steps that the store did not answer.
    pub failures: u64,
}

/// What is there for a question.
pub enum Found {
    Hit(Arc<Entry>),
    /// Nothing: upstream is to be asked, and its answer kept.
    Miss(Keeping),
}

/// An answer to come. Dropped before it came, it leaves who waits for it to ask: one of them, for all.
#[must_use]
pub struct Keeping {
    answers: Answers,
    place: Place,
    max_age: Duration,
    leading: Option<Leading>,
}

impl Answers {
    /// Keeps answers of up to `max_entry_bytes` in `store`.
    #[must_use]
    pub fn new(store: Box<dyn Store>, clock: Clock, max_entry_bytes: usize) -> Self {
        Self(Arc::new(Inner {
            store,
            flights: Flights::default(),
            clock,
            max_entry_bytes,
            counters: Counters::default(),
            fails: AtomicBool::new(false),
        }))
    }

    /// The answer kept there, if it is no older than `max_age`. Where an equal call is under way its answer is waited for; when that is
    /// not to be kept, this call asks by itself. A store that is away has nothing.
    pub async fn find(&self, place: Place, max_age: Duration) -> Found {
        if let Some(entry) = self.0.store.at_hand(&place).filter(|entry| self.is_fresh(entry, max_age)) {
            return self.hit(entry);
        }
        loop {
            let following = match self.0.flights.join(place) {
                Joined::Leads(leading) => return self.find_leading(leading, place, max_age).await,
                Joined::Follows(following) => following,
            };
            match following.ended().await {
                Ended::Kept(entry) if self.is_fresh(&entry, max_age) => return self.hit(entry),
                Ended::Kept(_) | Ended::Unfit => return self.miss(place, max_age, None),
                Ended::Gone => {}
            }
        }
    }

    /// A call that asks upstream whatever is kept, and waits for nobody.
    pub fn refresh(&self, place: Place, max_age: Duration) -> Keeping {
        self.0.counters.refreshes.fetch_add(1, Ordering::Relaxed);
        self.keeping(place, max_age, None)
    }

    /// A call that has waited long enough for an equal one.
    pub fn alone(&self, place: Place, max_age: Duration) -> Keeping {
        self.0.counters.misses.fetch_add(1, Ordering::Relaxed);
        self.keeping(place, max_age, None)
    }

    /// What has happened since the start.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let counters = &self.0.counters;
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts {
            hits: read(&counters.hits),
            misses: read(&counters.misses),
            refreshes: read(&counters.refreshes),
            kept: read(&counters.kept),
            failures: read(&counters.failures),
        }
    }

    /// Bytes of this process's memory that answers take.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.0.store.size()
    }

    /// The store may have what this process does not know of, or what was kept while the place was taken.
    async fn find_leading(&self, leading: Leading, place: Place, max_age: Duration) -> Found {
        let found = self.0.store.get(&place).await;
        let entry = self.noted(found).flatten().filter(|entry| self.is_fresh(entry, max_age));
        match entry {
            Some(entry) => {
                leading.keep(Arc::clone(&entry));
                self.hit(entry)
            }
            None => self.miss(place, max_age, Some(leading)),
        }
    }

    fn hit(&self, entry: Arc<Entry>) -> Found {
        self.0.counters.hits.fetch_add(1, Ordering::Relaxed);
        Found::Hit(entry)
    }

    fn miss(&self, place: Place, max_age: Duration, leading: Option<Leading>) -> Found {
        self.0.counters.misses.fetch_add(1, Ordering::Relaxed);
        Found::Miss(self.keeping(place, max_age, leading))
    }

    fn keeping(&self, place: Place, max_age: Duration, leading: Option<Leading>) -> Keeping {
        Keeping { answers: self.clone(), place, max_age, leading }
    }

    fn is_fresh(&self, entry: &Entry, max_age: Duration) -> bool {
        entry.is_fresh(self.0.clock.now_ms(), max_age)
    }

    /// A store that is away costs a hit, never a call.
    fn noted<T>(&self, asked: Result<T, Unavailable>) -> Option<T> {
        match asked {
            Ok(answer) => {
                if self.0.fails.swap(false, Ordering::Relaxed) {
                    tracing::info!("the store of answers answers again");
                }
                Some(answer)
            }
            Err(error) => {
                self.0.counters.failures.fetch_add(1, Ordering::Relaxed);
                if !self.0.fails.swap(true, Ordering::Relaxed) {
                    tracing::warn!(%error, source = ?std::error::Error::source(&error), "no kept answer can be given");
                }
                None
            }
        }
    }
}

impl Keeping {
    /// A longer answer is not kept. Bytes.
    #[must_use]
    pub fn max_bytes(&self) -> usize {
        self.answers.0.max_entry_bytes
    }

    /// Upstream's answer of status 200 has come to its end. Kept is what is whole and not too long; to nobody's delay.
    pub fn keep(self, mut answer: Answer) {
        if answer.body.len() > self.max_bytes() || !is_whole(&answer) {
            return self.let_go();
        }
        if answer.streamed {
            answer.body = with_end(answer.body);
        }
        let Self { answers, place, max_age, leading } = self;
        let now_ms = answers.0.clock.now_ms();
        let ends_ms =
            i64::try_from(max_age.as_millis()).map_or(i64::MAX, |age_ms| now_ms.saturating_add(age_ms));
        let entry = Arc::new(Entry { answer, kept_ms: now_ms, ends_ms });
        if let Some(leading) = &leading {
            leading.keep(Arc::clone(&entry));
        }
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        runtime.spawn(async move {
            let put = answers.0.store.put(&place, &entry, now_ms).await;
            if answers.noted(put).is_some() {
                answers.0.counters.kept.fetch_add(1, Ordering::Relaxed);
            }
            drop(leading);
        });
    }

    /// Upstream's answer is not one to be given again: who waits for it asks by itself.
    pub fn let_go(self) {
        if let Some(leading) = self.leading {
            leading.let_go();
        }
    }
}

/// Its last event is read as soon as it is `[DONE]`; the blank line that ends it may come later.
fn with_end(stream: Bytes) -> Bytes {
    let ends: [&[u8]; 3] = [b"\n\n", b"\r\n\r\n", b"\r\r"];
    if ends.iter().any(|end| stream.ends_with(end)) {
        return stream;
    }
    let mut whole = BytesMut::with_capacity(stream.len() + 2);
    whole.extend_from_slice(&stream);
    whole.extend_from_slice(if stream.ends_with(b"\n") { b"\n" } else { b"\n\n" });
    whole.freeze()
}

#[cfg(test)]
mod tests;
