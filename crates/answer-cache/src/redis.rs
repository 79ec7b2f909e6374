//! Answers in Redis, for several processes.
//!
//! They are there as they are in the log, in clear. An organisation's keys have the hash tag `{organisation}`, and each expires.

use std::sync::Arc;
use std::time::Duration;

use ::redis::cmd;
use async_trait::async_trait;
use bytes::Bytes;
use redis_link::{BadUrl, Link};
use secrecy::SecretString;

use crate::{Entry, Place, Store, Unavailable};

/// The store in Redis.
pub struct Redis(Link);

impl Redis {
    /// Connects in the background; needs a Tokio runtime. No step takes longer than `timeout`, and after one that failed
    /// Redis is left alone for a moment.
    ///
    /// # Errors
    /// [`BadUrl`]. That nobody answers there is none.
    pub fn connect(url: &SecretString, timeout: Duration) -> Result<Self, BadUrl> {
        Ok(Self(Link::new(url, timeout)?))
    }
}

fn key(place: &Place) -> String {
    format!("turnpike:{{{}}}:answer:{}", place.organisation, place.hex())
}

fn unavailable(error: ::redis::RedisError) -> Unavailable {
    Unavailable(error.into())
}

#[async_trait]
impl Store for Redis {
    fn at_hand(&self, _place: &Place) -> Option<Arc<Entry>> {
        None
    }

    async fn get(&self, place: &Place) -> Result<Option<Arc<Entry>>, Unavailable> {
        let key = key(place);
        let asked = self
            .0
            .run(async |connection| cmd("GET").arg(&key).query_async::<Option<Vec<u8>>>(connection).await);
        let text = asked.await.map_err(unavailable)?;
        Ok(text.and_then(|text| Entry::decoded(&Bytes::from(text))).map(Arc::new))
    }

    async fn put(&self, place: &Place, entry: &Arc<Entry>, now_ms: i64) -> Result<(), Unavailable> {
        let left_ms = entry.ends_ms.saturating_sub(now_ms);
        let Some(text) = entry.encoded().filter(|_| left_ms > 0) else { return Ok(()) };
        let key = key(place);
        let told = self.0.run(async |connection| {
            cmd("SET").arg(&key).arg(&text).arg("PX").arg(left_ms).query_async::<()>(connection).await
        });
        told.await.map_err(unavailable)
    }

    fn size(&self) -> u64 {
        0
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use redis_server::RedisServer;
    use uuid::Uuid;

    use super::*;
    use crate::conformance::{self, NOW_MS, entry};

    /// Longer than any answer takes on a busy machine.
    const PATIENCE: Duration = Duration::from_secs(20);

    fn store(server: &RedisServer) -> Redis {
        Redis::connect(&server.url().into(), PATIENCE).unwrap()
    }

    #[tokio::test]
    async fn it_passes_the_conformance_suite() {
        let server = RedisServer::start();
        conformance::all(&store(&server)).await;
    }

    #[tokio::test]
    async fn keys_are_an_organisations_and_expire_with_the_answer() {
        let (server, organisation) = (RedisServer::start(), Uuid::from_u128(7));
        let place = Place::numbered(organisation, 3);
        store(&server).put(&place, &entry(b"x", false), NOW_MS + 20_000).await.unwrap();
        let name = key(&place);
        assert_eq!(name, format!("turnpike:{{{organisation}}}:answer:{}", "03".repeat(32)));
        let ttl = server.command(&format!("PTTL {name}"));
        let ms: i64 = ttl.trim_start_matches(':').lines().next().unwrap().parse().unwrap();
        assert!((1..=40_000).contains(&ms), "{ms} ms");
    }

    #[tokio::test]
    async fn what_is_no_answer_of_ours_is_none() {
        let (server, place) = (RedisServer::start(), Place::numbered(Uuid::from_u128(7), 3));
        let store = store(&server);
        assert!(server.command(&format!("SET {} garbage", key(&place))).starts_with("+OK"));
        assert_eq!(store.get(&place).await.unwrap(), None);
    }

    #[tokio::test]
    async fn one_that_is_away_says_so() {
        let store = {
            let server = RedisServer::start();
            store(&server)
        };
        let place = Place::numbered(Uuid::from_u128(7), 3);
        assert!(store.get(&place).await.is_err());
        assert!(store.put(&place, &entry(b"x", false), NOW_MS).await.is_err());
    }
}
