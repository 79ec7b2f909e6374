//! Answers in this process's memory, where there is no Redis.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use moka::policy::EvictionPolicy;
use moka::sync::Cache;

use crate::{Answer, Entry, Place, Store, Unavailable};

/// As many bytes as it may take; those that nobody asked for the longest make room.
pub struct Embedded(Cache<Place, Arc<Entry>>);

impl Embedded {
    /// Keeps up to so many bytes.
    #[must_use]
    pub fn new(max_bytes: u64) -> Self {
        let cache = Cache::builder()
            .max_capacity(max_bytes)
            .weigher(|_, entry: &Arc<Entry>| entry.weight())
            .eviction_policy(EvictionPolicy::lru());
        Self(cache.build())
    }
}

#[async_trait]
impl Store for Embedded {
    fn at_hand(&self, place: &Place) -> Option<Arc<Entry>> {
        self.0.get(place)
    }

    async fn get(&self, place: &Place) -> Result<Option<Arc<Entry>>, Unavailable> {
        Ok(self.0.get(place))
    }

    async fn put(&self, place: &Place, entry: &Arc<Entry>, _now_ms: i64) -> Result<(), Unavailable> {
        // A body may be a part of a buffer that is larger than what it is counted as.
        let body = Bytes::copy_from_slice(&entry.answer.body);
        let answer = Answer { body, ..entry.answer.clone() };
        self.0.insert(*place, Arc::new(Entry { answer, ..**entry }));
        Ok(())
    }

    fn size(&self) -> u64 {
        // What was kept or made room of late is not counted before.
        self.0.run_pending_tasks();
        self.0.weighted_size()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use uuid::Uuid;

    use super::*;
    use crate::conformance;

    #[tokio::test]
    async fn it_passes_the_conformance_suite() {
        conformance::all(&Embedded::new(64 << 20)).await;
    }

    #[tokio::test]
    async fn its_bytes_are_bounded() {
        const MAX: u64 = 1 << 20;
        let store = Embedded::new(MAX);
        let body = Bytes::from(vec![b'x'; 100 << 10]);
        let answer = Answer { body, ..Answer::default() };
        let entry = Arc::new(Entry { answer, kept_ms: 0, ends_ms: i64::MAX });
        for number in 0..200 {
            store.put(&Place::numbered(Uuid::nil(), number), &entry, 0).await.unwrap();
        }
        assert!(store.size() <= MAX, "{}", store.size());
        assert!(store.at_hand(&Place::numbered(Uuid::nil(), 199)).is_some(), "the newest made no room");
        assert!(store.at_hand(&Place::numbered(Uuid::nil(), 0)).is_none());
    }
}
