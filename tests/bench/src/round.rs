//! One subject under one load, once.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::drive::Driven;
use crate::load::{Load, Shape, calls};
use crate::process;
use crate::subject::{Processes, Store, Subject};
use crate::upstream::EVENTS;
use crate::wire::Connection;

/// Between two events of a stream that is measured event by event: each passes alone.
const PAUSE_MS: u64 = 10;

/// Fewer logs that wait for the store than this tell nothing about how fast it takes them in.
const BACKLOG: u64 = 2_000;

/// The kernel counts CPU time in hundredths of a second: of fewer events it tells too little.
const ENOUGH_EVENTS: u64 = 2_000;

/// Open streams that memory is measured with.
const OPEN_STREAMS: usize = 128;

/// What was measured; none where it does not apply.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Measures {
    /// Calls a second that the connections can make; logged ones, where there is a store: the clock stops when it has the last.
    pub calls_per_s: Option<f64>,
    /// Latency at half of that rate: of JSON to the answer's end, of a stream to its first event.
    pub p50_us: Option<f64>,
    pub p99_us: Option<f64>,
    /// User and system, of all the subject's processes, at the most calls, until the last log is stored.
    pub cpu_us: Option<f64>,
    pub postgres_cpu_us: Option<f64>,
    pub redis_cpu_us: Option<f64>,
    /// The most memory meanwhile.
    pub peak_mib: Option<f64>,
    /// Logs a second on their way into the store once the calls have ended.
    pub shipped_per_s: Option<f64>,
    /// CPU an event, of streams whose events come one by one.
    pub event_cpu_us: Option<f64>,
    /// Memory a stream that is open.
    pub stream_kib: Option<f64>,
}

/// How it is measured.
#[derive(Clone, Copy)]
pub struct Bench {
    pub upstream: SocketAddr,
    /// Of each part of a round.
    pub time: Duration,
}

/// CPU time of a subject's processes.
#[derive(Clone, Copy)]
struct Cpu {
    own: Duration,
    postgres: Duration,
    redis: Duration,
}

impl Cpu {
    fn of(processes: &Processes) -> anyhow::Result<Self> {
        let Processes { own, postgres, redis } = processes;
        Ok(Self { own: process::cpu(own)?, postgres: process::cpu(postgres)?, redis: process::cpu(redis)? })
    }
}

impl Bench {
    /// First the most calls, then calls at half that rate.
    ///
    /// # Errors
    /// When a call fails or its log does not arrive.
    pub async fn round(self, subject: &Subject, load: Load) -> anyhow::Result<Measures> {
        let mut measures = self.most(subject, load).await?;
        match load.shape {
            Shape::Json | Shape::Hit | Shape::Fallback | Shape::Balance => {
                let rate = measures.calls_per_s.unwrap_or(1.0) / 2.0;
                let (driven, _) = self.at_rate(subject, load, rate).await?;
                (measures.p50_us, measures.p99_us) = percentiles(&driven.whole);
            }
            Shape::Stream => {
                self.pause(PAUSE_MS).await?;
                // A quarter more than a stream takes between its begin and the next one's.
                let stream_s = Duration::from_millis(PAUSE_MS).as_secs_f64() * EVENTS as f64 * 1.25;
                let (driven, cpu) = self.at_rate(subject, load, load.connections as f64 / stream_s).await?;
                self.pause(0).await?;
                (measures.p50_us, measures.p99_us) = percentiles(&driven.first);
                let events = driven.calls * EVENTS as u64;
                let each = micros(cpu.own) / events as f64;
                measures.event_cpu_us = Some(each).filter(|_| events >= ENOUGH_EVENTS);
            }
        }
        Ok(measures)
    }

    async fn most(self, subject: &Subject, load: Load) -> anyhow::Result<Measures> {
        let ready = calls(subject, load).ready().await?;
        told(subject, load.connections as u64).await?;
        process::forget_peak(&subject.processes.own)?;
        let before = Cpu::of(&subject.processes)?;
        let driven = ready.most(self.time).await?;
        let (stored_after, shipped_per_s) = match &subject.store {
            Some(store) => store_all(store, driven.calls).await?,
            None => (Duration::ZERO, None),
        };
        let after = Cpu::of(&subject.processes)?;
        let calls = driven.calls as f64;
        let each = |before, after: Duration| micros(after.saturating_sub(before)) / calls;
        let Processes { postgres, redis, .. } = &subject.processes;
        Ok(Measures {
            calls_per_s: Some(calls / (driven.took + stored_after).as_secs_f64()),
            cpu_us: Some(each(before.own, after.own)),
            postgres_cpu_us: (!postgres.is_empty()).then(|| each(before.postgres, after.postgres)),
            redis_cpu_us: (!redis.is_empty()).then(|| each(before.redis, after.redis)),
            peak_mib: Some(process::peak_kib(&subject.processes.own)? as f64 / 1024.0),
            shipped_per_s,
            ..Measures::default()
        })
    }

    async fn at_rate(self, subject: &Subject, load: Load, rate: f64) -> anyhow::Result<(Driven, Cpu)> {
        let ready = calls(subject, load).ready().await?;
        told(subject, load.connections as u64).await?;
        let before = Cpu::of(&subject.processes)?;
        let driven = ready.at_rate(rate, self.time).await?;
        told(subject, driven.calls).await?;
        let after = Cpu::of(&subject.processes)?;
        let own = after.own.saturating_sub(before.own);
        Ok((driven, Cpu { own, ..after }))
    }

    /// What an open stream takes, of a subject that has not done much yet: memory once used is not given back.
    ///
    /// # Errors
    /// When a call fails or its log does not arrive.
    pub async fn stream_kib(self, subject: &Subject) -> anyhow::Result<f64> {
        let streams = |connections| calls(subject, Load { shape: Shape::Stream, connections });
        // So that what every process sets up once is set up.
        let warm = streams(1).ready().await?.most(self.time.min(Duration::from_secs(1))).await?;
        told(subject, 1 + warm.calls).await?;
        let before = process::resident_kib(&subject.processes.own)?;
        self.pause(5 * PAUSE_MS).await?;
        let opening = streams(OPEN_STREAMS);
        let half_way = async {
            tokio::time::sleep(Duration::from_millis(5 * PAUSE_MS) * u32::try_from(EVENTS / 2)?).await;
            process::resident_kib(&subject.processes.own)
        };
        let (opened, open) = tokio::join!(opening.ready(), half_way);
        let (_opened, open) = (opened?, open?);
        told(subject, OPEN_STREAMS as u64).await?;
        self.pause(0).await?;
        Ok(open.saturating_sub(before) as f64 / OPEN_STREAMS as f64)
    }

    async fn pause(self, ms: u64) -> anyhow::Result<()> {
        let request = format!("PUT /pause/{ms} HTTP/1.1\r\nhost: upstream\r\ncontent-length: 0\r\n\r\n");
        Connection::open(self.upstream).await?.call(request.as_bytes()).await?;
        Ok(())
    }
}

/// Waits for the logs of these calls too.
async fn told(subject: &Subject, calls: u64) -> anyhow::Result<()> {
    let Some(store) = &subject.store else { return Ok(()) };
    store.expect(calls);
    store.settled().await
}

/// How long it takes until the logs of these calls are in the store, and how many come in a second.
async fn store_all(store: &Store, calls: u64) -> anyhow::Result<(Duration, Option<f64>)> {
    store.expect(calls);
    let begun = Instant::now();
    let missing = store.missing().await?;
    store.settled().await?;
    let took = begun.elapsed();
    Ok((took, (missing >= BACKLOG).then(|| missing as f64 / took.as_secs_f64())))
}

/// The middle, and what all but one in a hundred are under, of what is sorted; that one only where there are a hundred.
fn percentiles(sorted: &[Duration]) -> (Option<f64>, Option<f64>) {
    let at = |percent: usize| sorted.get(sorted.len() * percent / 100).map(|time| micros(*time));
    (at(50), at(99).filter(|_| sorted.len() >= 100))
}

fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_taken_of_few_and_of_many() {
        let times = |n: u64| (1..=n).map(Duration::from_micros).collect::<Vec<_>>();
        assert_eq!(percentiles(&times(0)), (None, None));
        let whole = |n| {
            let (p50, p99) = percentiles(&times(n));
            (p50.map(f64::round), p99.map(f64::round))
        };
        assert_eq!(whole(1), (Some(1.0), None));
        assert_eq!(whole(1000), (Some(501.0), Some(991.0)));
    }
}
