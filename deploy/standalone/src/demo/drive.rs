//! Driving calls through the gateway: first one by one, to see what it adds, then many at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use tokio::task::JoinSet;

use super::caller::Caller;
use super::latency::Times;

/// Connections at once.
const CONNECTIONS: usize = 16;

/// Pairs of calls that are measured one by one, at the most; a fifth as many come before, unmeasured.
const MEASURED: u64 = 500;

/// What came of driving.
pub(crate) struct Driven {
    pub calls: u64,
    /// Pairs of calls measured on one connection.
    pub measured: u64,
    pub direct: Times,
    pub gateway: Times,
    /// Calls made at once on many connections, and how long they took together.
    pub at_once: u64,
    pub at_once_took: Duration,
}

impl Driven {
    /// What the gateway adds at this percentile: the difference of the two, not below zero.
    pub(crate) fn added(&self, percent: usize) -> Duration {
        self.gateway.percentile(percent).saturating_sub(self.direct.percentile(percent))
    }

    #[expect(clippy::cast_precision_loss, reason = "a rate to be read by people")]
    pub(crate) fn calls_per_second(&self) -> f64 {
        self.at_once as f64 / self.at_once_took.as_secs_f64().max(f64::EPSILON)
    }
}

/// Makes `calls` calls through the gateway. The first call that is not answered as it should be ends it.
pub(crate) async fn drive(caller: &Caller, calls: u64) -> anyhow::Result<Driven> {
    let bar = ProgressBar::new(calls); // hidden where standard error is no terminal
    bar.set_style(ProgressStyle::with_template("{bar:40} {pos}/{len} calls  {per_sec}")?);

    let measured = (calls / 10).clamp(1, MEASURED);
    let warm_up = (measured / 5).min(calls - measured);
    for n in 0..warm_up {
        caller.call_directly(n).await?;
        caller.call(n).await?;
        bar.inc(1);
    }
    let (mut direct, mut gateway) = (Vec::new(), Vec::new());
    // Taking turns, both meet the same noise.
    for n in warm_up..warm_up + measured {
        direct.push(caller.call_directly(n).await?);
        gateway.push(caller.call(n).await?);
        bar.inc(1);
    }
    let done = warm_up + measured;
    let begun = Instant::now();
    at_once(caller, done..calls, &bar).await?;
    let at_once_took = begun.elapsed();
    bar.finish_and_clear();
    Ok(Driven {
        calls,
        measured,
        direct: Times::new(direct),
        gateway: Times::new(gateway),
        at_once: calls - done,
        at_once_took,
    })
}

async fn at_once(caller: &Caller, calls: std::ops::Range<u64>, bar: &ProgressBar) -> anyhow::Result<()> {
    let next = Arc::new(AtomicU64::new(calls.start));
    let mut connections = JoinSet::new();
    for _ in 0..CONNECTIONS {
        let (caller, next, bar, end) = (caller.clone(), Arc::clone(&next), bar.clone(), calls.end);
        connections.spawn(async move {
            loop {
                let n = next.fetch_add(1, Ordering::Relaxed);
                if n >= end {
                    return anyhow::Ok(());
                }
                caller.call(n).await?;
                bar.inc(1);
            }
        });
    }
    while let Some(ended) = connections.join_next().await {
        ended??;
    }
    Ok(())
}
