//! The load: as many calls as a number of connections can make, or calls at a fixed rate.
//!
//! All of it is one thread, so that it takes no more of the machine than wrk would.

use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use bytes::Bytes;
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};
use tokio::io::unix::AsyncFd;
use tokio::task::JoinSet;

use crate::wire::Connection;

/// What is called, and with what.
#[derive(Clone)]
pub struct Calls {
    pub addr: SocketAddr,
    pub request: Bytes,
    pub connections: usize,
}

/// What came of it.
#[derive(Default)]
pub struct Driven {
    pub calls: u64,
    /// From the first call to the end of the last.
    pub took: Duration,
    /// To the end of each answer, sorted.
    pub whole: Vec<Duration>,
    /// To the first byte of each answer's body, sorted.
    pub first: Vec<Duration>,
}

/// Connections that are open and have had one call each, which counts for nothing.
pub struct Ready {
    calls: Calls,
    connections: Vec<Connection>,
}

impl Calls {
    /// # Errors
    /// When a connection cannot be opened or its first call fails.
    pub async fn ready(&self) -> anyhow::Result<Ready> {
        let mut opening = JoinSet::new();
        for _ in 0..self.connections {
            let Self { addr, request, .. } = self.clone();
            opening.spawn(async move {
                let mut connection = Connection::open(addr).await?;
                connection.call(&request).await?;
                anyhow::Ok(connection)
            });
        }
        let mut connections = Vec::with_capacity(self.connections);
        while let Some(opened) = opening.join_next().await {
            connections.push(opened??);
        }
        Ok(Ready { calls: self.clone(), connections })
    }
}

impl Ready {
    /// A call after the other on each connection, for `time`.
    ///
    /// # Errors
    /// When a call fails.
    pub async fn most(self, time: Duration) -> anyhow::Result<Driven> {
        let begun = Instant::now();
        let until = begun + time;
        let mut driving = JoinSet::new();
        for mut connection in self.connections {
            let request = self.calls.request.clone();
            driving.spawn(async move {
                let mut driven = Driven::default();
                let mut sent = Instant::now();
                while sent < until {
                    let answered = connection.call(&request).await?;
                    driven.add(sent, answered.first, answered.end);
                    sent = answered.end;
                }
                anyhow::Ok(driven)
            });
        }
        gather(begun, driving).await
    }

    /// `rate` calls a second over all connections, whose turns are spread evenly, for `time`.
    ///
    /// A call is due at its turn. Where its connection still waits for the answer before, it counts from its turn and not
    /// from when it could be sent: a subject that stalls has all calls that it kept waiting counted against it. Where the
    /// connection is free it counts from when it was sent, for a timer that is late is ours.
    ///
    /// # Errors
    /// When a call fails.
    pub async fn at_rate(self, rate: f64, time: Duration) -> anyhow::Result<Driven> {
        let begun = Instant::now();
        let between = Duration::from_secs_f64(self.connections.len() as f64 / rate);
        let mut driving = JoinSet::new();
        let count = self.connections.len() as f64;
        for (turn, mut connection) in self.connections.into_iter().enumerate() {
            let request = self.calls.request.clone();
            let mut due = begun + between.mul_f64(turn as f64 / count);
            driving.spawn(async move {
                let timer = Timer::new()?;
                let mut driven = Driven::default();
                while due < begun + time {
                    let counted_from = if timer.wait_until(due).await? { Instant::now() } else { due };
                    let answered = connection.call(&request).await?;
                    driven.add(counted_from, answered.first, answered.end);
                    due += between;
                }
                anyhow::Ok(driven)
            });
        }
        gather(begun, driving).await
    }
}

async fn gather(begun: Instant, mut driving: JoinSet<anyhow::Result<Driven>>) -> anyhow::Result<Driven> {
    let mut all = Driven::default();
    while let Some(driven) = driving.join_next().await {
        let driven = driven??;
        all.calls += driven.calls;
        all.whole.extend(driven.whole);
        all.first.extend(driven.first);
    }
    all.took = begun.elapsed();
    all.whole.sort_unstable();
    all.first.sort_unstable();
    Ok(all)
}

impl Driven {
    fn add(&mut self, from: Instant, first: Instant, end: Instant) {
        self.calls += 1;
        self.first.push(first.saturating_duration_since(from));
        self.whole.push(end.saturating_duration_since(from));
    }
}

/// A timer of the kernel's: tokio's own go by milliseconds, in which calls would come in heaps.
struct Timer(AsyncFd<OwnedFd>);

impl Timer {
    #[expect(
        deprecated,
        reason = "sound with a descriptor that is ours; what replaces it is an unsafe function"
    )]
    fn new() -> anyhow::Result<Self> {
        let timer = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)
            .context("the system gives no timer")?;
        Ok(Self(AsyncFd::new(timer)?))
    }

    /// False when it is that time already.
    async fn wait_until(&self, due: Instant) -> anyhow::Result<bool> {
        let wait = due.saturating_duration_since(Instant::now());
        if wait.is_zero() {
            return Ok(false);
        }
        let once = Itimerspec { it_interval: Timespec::default(), it_value: Timespec::try_from(wait)? };
        timerfd_settime(self.0.get_ref(), TimerfdTimerFlags::empty(), &once)?;
        loop {
            let mut ready = self.0.readable().await?;
            let mut ticks = [0; 8];
            if ready.try_io(|timer| Ok(rustix::io::read(timer.get_ref(), &mut ticks)?)).is_ok() {
                return Ok(true);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    /// Answers every request at once, but for the `nth`, which waits.
    async fn server_that_stalls(nth: usize, pause: Duration) -> SocketAddr {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut bytes = [0; 64];
            for n in 0.. {
                if stream.read(&mut bytes).await.unwrap_or(0) == 0 {
                    return;
                }
                if n == nth {
                    tokio::time::sleep(pause).await;
                }
                stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await.unwrap();
            }
        });
        addr
    }

    #[tokio::test]
    async fn a_stall_counts_against_every_call_that_it_kept_waiting() {
        let addr = server_that_stalls(10, Duration::from_millis(200)).await;
        let calls = Calls { addr, request: Bytes::from_static(b"GET / HTTP/1.1\r\n\r\n"), connections: 1 };
        let driven = calls.ready().await.unwrap().at_rate(100.0, Duration::from_millis(500)).await.unwrap();
        assert_eq!(driven.calls, 50);
        // The one that stalled, and most of the 20 that were due meanwhile.
        let kept_waiting = driven.whole.iter().filter(|whole| **whole >= Duration::from_millis(50)).count();
        assert!(kept_waiting >= 10, "{kept_waiting}");
    }
}
