//! The writer's handle: hands records to the spool thread and gives back a future of the outcome.

use std::{
    future::Future,
    hint,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc,
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::sync::{oneshot, watch};

use crate::{
    error::AppendError,
    frame::{HEADER_BYTES, MAX_RECORD_BYTES},
    shelf::{Depth, Level, Shelf},
    tail::Tail,
    writer::{Command, Job},
};

/// How many bytes may wait in memory while the disk is slow: 256 MiB.
const QUEUE_BYTES: u64 = 256 << 20;
/// How often a tail that is held is tried again, some microseconds in all: who holds it mostly writes one record, which is
/// sooner done than the thread is woken.
const TRIES: u32 = 200;

/// Appends to the spool. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Spool(pub(crate) Arc<Inner>);

#[derive(Debug)]
pub(crate) struct Inner {
    pub shelf: Arc<Shelf>,
    pub tail: Arc<Mutex<Tail>>,
    pub commands: mpsc::Sender<Command>,
    /// Bytes that were handed to the thread and not yet taken up by it.
    pub queued: Arc<AtomicU64>,
    pub closed: AtomicBool,
    /// Its other end goes when the thread has ended.
    pub ended: watch::Receiver<()>,
}

impl Spool {
    /// Hands the record over at once: dropping the future does not take it back. Resolves when the record is
    /// written, so that it survives SIGKILL; with [`crate::Options::fsync`] when it survives a loss of power.
    #[expect(
        clippy::must_use_candidate,
        reason = "the record is handed over whether or not the outcome is awaited"
    )]
    pub fn append(&self, record: Vec<u8>) -> Appended {
        self.hand_over(record, self.0.shelf.fsync)
    }

    /// As [`Self::append`], but resolves only when the record survives a loss of power.
    #[expect(
        clippy::must_use_candidate,
        reason = "the record is handed over whether or not the outcome is awaited"
    )]
    pub fn append_synced(&self, record: Vec<u8>) -> Appended {
        self.hand_over(record, true)
    }

    fn hand_over(&self, record: Vec<u8>, synced: bool) -> Appended {
        if record.len() > MAX_RECORD_BYTES {
            return Appended::refused(AppendError::TooLarge { bytes: record.len(), max: MAX_RECORD_BYTES });
        }
        if self.0.closed.load(Ordering::Acquire) {
            return Appended::refused(AppendError::Closed);
        }
        let bytes = (record.len() + HEADER_BYTES) as u64;
        if self.0.queued.load(Ordering::Relaxed) + bytes > QUEUE_BYTES || !self.0.shelf.reserve(bytes) {
            return Appended::refused(AppendError::Full);
        }
        if !synced && let Some(written) = self.write_now(&record) {
            return Appended(Outcome::Known(written));
        }
        self.0.queued.fetch_add(bytes, Ordering::Relaxed);
        let (done, outcome) = oneshot::channel();
        let job = Job { record, synced, done };
        if self.0.commands.send(Command::Append(job)).is_err() {
            return Appended::refused(AppendError::Closed);
        }
        Appended(Outcome::Awaited(outcome))
    }

    /// Writes the record here and now, where that takes microseconds: nothing that came before still waits, nobody else
    /// writes, and the disk is not slow.
    fn write_now(&self, record: &[u8]) -> Option<Result<(), AppendError>> {
        let mut tail = self.free_tail()?;
        if self.0.queued.load(Ordering::Acquire) > 0 {
            return None;
        }
        let written = tail.write_one(record);
        if tail.is_full() || matches!(written, Some(Err(_))) {
            // A full disk is the thread's to try again, and a file that is distrusted its to replace; it may wait for a
            // command. An error says that it has ended: nothing more is written then.
            let _ = self.0.commands.send(Command::Renew);
        }
        written
    }

    fn free_tail(&self) -> Option<MutexGuard<'_, Tail>> {
        for _ in 0..TRIES {
            if let Ok(tail) = self.0.tail.try_lock() {
                return Some(tail);
            }
            hint::spin_loop();
        }
        None
    }

    /// How full the spool is; costs an atomic load or two.
    #[must_use]
    pub fn level(&self) -> Level {
        self.0.shelf.level()
    }

    /// What waits in all segments, live.
    #[must_use]
    pub fn depth(&self) -> Depth {
        self.0.shelf.depth()
    }

    /// For how long the oldest record has waited, to about a second; none when nothing waits.
    #[must_use]
    pub fn oldest_waits(&self) -> Option<Duration> {
        self.0.shelf.oldest_waits()
    }

    /// Damaged stretches that the drain has passed over since the start.
    #[must_use]
    pub fn damaged(&self) -> u64 {
        self.0.shelf.damaged.load(Ordering::Relaxed)
    }

    /// Stops the thread once all that was handed over before is written, and waits for its end; later appends
    /// are refused. May be called again, from any handle. What is written can still be drained.
    pub async fn close(&self) {
        if !self.0.closed.swap(true, Ordering::AcqRel) {
            // An error says that the thread has ended already.
            let _ = self.0.commands.send(Command::Close);
        }
        // Nothing is ever sent here: an error, the only answer, says that the thread has ended.
        let _ = self.0.ended.clone().changed().await;
    }
}

/// Resolves when the record is appended, or was refused.
#[derive(Debug)]
pub struct Appended(Outcome);

#[derive(Debug)]
enum Outcome {
    Known(Result<(), AppendError>),
    Awaited(oneshot::Receiver<Result<(), AppendError>>),
}

impl Appended {
    fn refused(error: AppendError) -> Self {
        Self(Outcome::Known(Err(error)))
    }
}

impl Future for Appended {
    type Output = Result<(), AppendError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            Outcome::Known(outcome) => Poll::Ready(outcome.clone()),
            Outcome::Awaited(outcome) => {
                let answer = ready!(Pin::new(outcome).poll(cx));
                // The thread ended before it took the record up.
                Poll::Ready(answer.unwrap_or(Err(AppendError::Closed)))
            }
        }
    }
}
