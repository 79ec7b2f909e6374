//! The ledger that several processes share.
//!
//! A step is one script. All keys of an organisation have the hash tag `{organisation}`, so that they are on one node of a
//! cluster. Every key expires: what is missing is unknown, and seeded from the store.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ::redis::{Cmd, RedisError, RedisResult, Script, ServerErrorKind};
use async_trait::async_trait;
use secrecy::SecretString;

use crate::known::Months;
use crate::{BatchId, Counted, Error, IN_FLIGHT, Key, Ledger, REMEMBERED, Reserved};

pub use redis_link::BadUrl;
use redis_link::Link;

/// The largest number that Lua tells from its neighbours.
const MAX_EXACT: u64 = (1 << 53) - 1;

const SCRIPT: &str = include_str!("redis/ledger.lua");

/// The ledger in Redis.
pub struct Redis {
    link: Link,
    script: Script,
    in_flight: Duration,
    known: Mutex<Months<u64>>,
}

impl Redis {
    /// Connects in the background; needs a Tokio runtime. No step takes longer than `timeout`, and after one that failed
    /// Redis is left alone for a moment: it may be away and hold nobody up.
    ///
    /// # Errors
    /// [`BadUrl`]. That nobody answers there is none.
    pub fn connect(url: &SecretString, timeout: Duration) -> Result<Self, BadUrl> {
        Ok(Self {
            link: Link::new(url, timeout)?,
            script: Script::new(SCRIPT),
            in_flight: IN_FLIGHT,
            known: Mutex::default(),
        })
    }

    /// The same with another time in place of [`IN_FLIGHT`].
    #[must_use]
    pub fn with_in_flight(self, in_flight: Duration) -> Self {
        Self { in_flight, ..self }
    }

    /// Takes a step: two numbers, or nothing where the counter is missing. The second is the count.
    async fn step(&self, key: Key, name: &str, args: &[Arg]) -> Result<Option<(u64, u64)>, Error> {
        let by_hash = self.command("EVALSHA", self.script.get_hash(), key, name, args);
        let whole = self.command("EVAL", SCRIPT, key, name, args);
        let asked = self.link.run(async |connection| {
            let answer: RedisResult<Option<(u64, u64)>> = by_hash.query_async(connection).await;
            match answer {
                // Redis was started anew, or told to forget its scripts: it is told this one again.
                Err(error) if error.kind() == ServerErrorKind::NoScript.into() => {
                    whole.query_async(connection).await
                }
                answer => answer,
            }
        });
        let answer = asked.await.map_err(|error: RedisError| Error::Unavailable(Box::new(error)))?;
        if let Some((_, used)) = answer {
            self.seen().insert(key, used);
        }
        Ok(answer)
    }

    fn command(&self, verb: &str, script: &str, key: Key, name: &str, args: &[Arg]) -> Cmd {
        let of_month = format!("turnpike:{{{}}}:logs:{}", key.organisation, key.month.as_i32());
        let mut command = ::redis::cmd(verb);
        command.arg(script).arg(4).arg(&of_month);
        for part in ["grants", "order", "open"] {
            command.arg(format!("{of_month}:{part}"));
        }
        command.arg(name).arg(u64::try_from(self.in_flight.as_millis()).unwrap_or(MAX_EXACT));
        for arg in args {
            arg.add_to(&mut command);
        }
        command
    }

    fn seen(&self) -> MutexGuard<'_, Months<u64>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Ledger for Redis {
    async fn reserve(&self, key: Key, batch: BatchId, n: u64, limit: Option<u64>) -> Result<Reserved, Error> {
        let limit = limit.map_or(Arg::Without, Arg::Number);
        let remembered = Arg::Number(REMEMBERED as u64);
        let args = [Arg::Batch(batch), Arg::Number(n), limit, remembered];
        let answer = self.step(key, "reserve", &args).await?;
        Ok(answer.map_or(Reserved::Unknown, |(granted, used)| Reserved::Granted { granted, used }))
    }

    async fn seed(&self, key: Key, used: u64) -> Result<(), Error> {
        self.step(key, "seed", &[Arg::Number(used)]).await?;
        Ok(())
    }

    async fn settle(&self, key: Key, batch: BatchId, used: u64) -> Result<bool, Error> {
        let answer = self.step(key, "settle", &[Arg::Batch(batch), Arg::Number(used)]).await?;
        Ok(answer.is_some_and(|(differs, _)| differs == 1))
    }

    async fn ping(&self) -> Result<(), Error> {
        let asked = self.link.run(async |connection| ::redis::cmd("PING").query_async(connection).await);
        asked.await.map_err(|error: RedisError| Error::Unavailable(Box::new(error)))
    }

    async fn read(&self, key: Key) -> Result<Option<Counted>, Error> {
        let answer = self.step(key, "read", &[]).await?;
        Ok(answer.map(|(row, used)| Counted { row, on_its_way: used.saturating_sub(row) }))
    }

    fn known(&self, key: Key) -> Option<u64> {
        self.seen().get(key).copied()
    }
}

enum Arg {
    Batch(BatchId),
    Number(u64),
    /// No limit.
    Without,
}

impl Arg {
    fn add_to(&self, command: &mut Cmd) {
        match self {
            Self::Batch(batch) => command.arg(bytes(*batch).as_slice()),
            Self::Number(n) => command.arg(*n.min(&MAX_EXACT)),
            Self::Without => command.arg(-1),
        };
    }
}

/// A batch's name, in few bytes: there are many.
fn bytes(batch: BatchId) -> [u8; 24] {
    let mut bytes = [0; 24];
    bytes[..16].copy_from_slice(batch.segment.as_bytes());
    bytes[16..].copy_from_slice(&batch.start.to_be_bytes());
    bytes
}

#[cfg(test)]
mod tests;
