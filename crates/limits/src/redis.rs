//! The ledger that several processes share.
//!
//! A step is one script and one round trip. All keys of an organisation have the hash tag `{organisation}`, so that they are on
//! one node of a cluster. Every key expires: a budget that is missing is unknown, and seeded from the store.

use std::time::Duration;

use ::redis::{RedisError, Script};
use async_trait::async_trait;
use redis_link::{BadUrl, Link};
use secrecy::SecretString;
use uuid::Uuid;

use crate::ledger::{Answer, Ask, Call, Error, Kind, Ledger, Settling};

/// The largest number that Lua tells from its neighbours.
const MAX_EXACT: u64 = (1 << 53) - 1;

const SCRIPT: &str = include_str!("redis/ledger.lua");

/// Reservations that one step may settle: a step holds up all others of Redis.
const SETTLED_AT_ONCE: usize = 2_000;

/// The ledger in Redis.
pub struct Redis {
    link: Link,
    script: Script,
}

impl Redis {
    /// Connects in the background; needs a Tokio runtime. No step takes longer than `timeout`, and after one that failed
    /// Redis is left alone for a moment: it may be away and hold nobody up.
    ///
    /// # Errors
    /// [`BadUrl`]. That nobody answers there is none.
    pub fn connect(url: &SecretString, timeout: Duration) -> Result<Self, BadUrl> {
        Ok(Self { link: Link::new(url, timeout)?, script: Script::new(SCRIPT) })
    }

    async fn step(&self, keys: &[String], arguments: &[Vec<u8>]) -> Result<Vec<u64>, Error> {
        let asked = redis_link::script(&self.link, &self.script, SCRIPT, keys, arguments);
        asked.await.map_err(|error: RedisError| unavailable(error))
    }
}

#[async_trait]
impl Ledger for Redis {
    async fn reserve(&self, call: Call, asks: &[Ask]) -> Result<Answer, Error> {
        let mut arguments = vec![
            b"reserve".to_vec(),
            call.id.as_bytes().to_vec(),
            call.at_ms.to_string().into_bytes(),
            call.expires_ms.to_string().into_bytes(),
        ];
        for ask in asks {
            arguments.push(kind(ask.kind).to_vec());
            arguments.extend([ask.limit, ask.n, ask.keep_ms.max(1)].map(number));
        }
        let counters = asks.iter().map(|ask| ask.counter.as_str());
        let answer = self.step(&keys(call.organisation, counters), &arguments).await?;
        // Lua counts from 1.
        let place = |at: &u64| usize::try_from(*at).ok()?.checked_sub(1).filter(|at| *at < asks.len());
        match answer.as_slice() {
            [0] => Ok(Answer::Reserved),
            [1, at @ ..] => {
                at.iter().map(place).collect::<Option<_>>().map(Answer::Unknown).ok_or_else(strange)
            }
            [2, at, used] => place(at).map(|at| Answer::Refused { at, used: *used }).ok_or_else(strange),
            _ => Err(strange()),
        }
    }

    async fn seed(&self, organisation: Uuid, counter: &str, row: u64, keep_ms: u64) -> Result<(), Error> {
        let arguments = [b"seed".to_vec(), number(row), number(keep_ms.max(1))];
        self.step(&keys(organisation, [counter].into_iter()), &arguments).await?;
        Ok(())
    }

    async fn settle(&self, organisation: Uuid, settlings: &[Settling]) -> Result<(), Error> {
        for settling in settlings {
            // A budget without calls is told its row all the same.
            let mut chunks: Vec<_> = settling.calls.chunks(SETTLED_AT_ONCE).collect();
            if chunks.is_empty() {
                chunks.push(&[]);
            }
            for calls in chunks {
                let mut arguments = vec![b"settle".to_vec(), kind(settling.kind).to_vec()];
                arguments.extend([settling.row, settling.keep_ms.max(1)].map(number));
                for (call, used) in calls {
                    arguments.push(call.as_bytes().to_vec());
                    arguments.push(number(*used));
                }
                self.step(&keys(organisation, [settling.counter.as_str()].into_iter()), &arguments).await?;
            }
        }
        Ok(())
    }

    async fn release(&self, call: Call, counters: &[String]) -> Result<(), Error> {
        let arguments = [b"release".to_vec(), call.id.as_bytes().to_vec()];
        self.step(&keys(call.organisation, counters.iter().map(String::as_str)), &arguments).await?;
        Ok(())
    }
}

fn keys<'a>(organisation: Uuid, counters: impl Iterator<Item = &'a str>) -> Vec<String> {
    counters.map(|counter| format!("turnpike:{{{organisation}}}:limits:{counter}")).collect()
}

fn kind(kind: Kind) -> &'static [u8] {
    match kind {
        Kind::Budget => b"budget",
        Kind::Tokens => b"tokens",
        Kind::Requests => b"requests",
    }
}

fn number(n: u64) -> Vec<u8> {
    n.min(MAX_EXACT).to_string().into_bytes()
}

fn unavailable(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::Unavailable(error.into())
}

fn strange() -> Error {
    unavailable("Redis answered what the script never does")
}

#[cfg(test)]
mod tests;
