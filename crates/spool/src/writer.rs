//! The spool thread: takes all records that wait, writes them with one write, then completes those who wait
//! for them. What has to be synced comes here, and what comes while another writes or the disk is slow.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, RecvTimeoutError},
    },
    time::Duration,
};

use tokio::sync::oneshot;

use crate::{
    error::AppendError,
    frame::HEADER_BYTES,
    shelf::{Level, Shelf},
    tail::Tail,
};

/// A group ends at this size, so that the buffer stays small.
const GROUP_BYTES: usize = 1 << 20;
/// How often a full disk is tried again while nobody appends.
const PROBE_EVERY: Duration = Duration::from_millis(500);

/// What the thread is asked to do.
#[derive(Debug)]
pub enum Command {
    Append(Job),
    /// The current segment has reached its size, is drained and keeps the spool from [`Level::Normal`], or failed: begin
    /// another where that is so, and look whether the disk is full.
    Renew,
    Close,
}

/// A record and who waits for it.
#[derive(Debug)]
pub struct Job {
    pub record: Vec<u8>,
    pub synced: bool,
    pub done: oneshot::Sender<Result<(), AppendError>>,
}

/// One who waits for a record of the group.
struct Waiter {
    synced: bool,
    done: oneshot::Sender<Result<(), AppendError>>,
}

/// The thread's state.
pub struct Writer {
    shelf: Arc<Shelf>,
    tail: Arc<Mutex<Tail>>,
    commands: Receiver<Command>,
    queued: Arc<AtomicU64>,
    closing: bool,
    waiters: Vec<Waiter>,
}

impl Writer {
    pub fn new(
        shelf: Arc<Shelf>,
        tail: Arc<Mutex<Tail>>,
        commands: Receiver<Command>,
        queued: Arc<AtomicU64>,
    ) -> Self {
        Self { shelf, tail, commands, queued, closing: false, waiters: Vec::new() }
    }

    /// Until closed, or until the last handle is dropped.
    pub fn run(mut self) {
        let tail = Arc::clone(&self.tail);
        while let Some(command) = self.wait() {
            self.turn(command, &mut lock(&tail));
        }
        lock(&tail).end();
    }

    /// Writes what waits, with the tail held throughout: who finds it free and nothing queued comes after all that was
    /// handed over before.
    fn turn(&mut self, command: Command, tail: &mut Tail) {
        if tail.is_distrusted() {
            tail.rotate();
        }
        self.take(command, tail);
        while tail.group_bytes() < GROUP_BYTES
            && !tail.is_full()
            && let Ok(command) = self.commands.try_recv()
        {
            self.take(command, tail);
        }
        self.commit(tail);
        if tail.is_distrusted() || tail.is_full() {
            tail.rotate();
        }
    }

    fn wait(&mut self) -> Option<Command> {
        if self.closing {
            return self.commands.try_recv().ok();
        }
        while self.shelf.disk_full.load(Ordering::Relaxed) {
            match self.commands.recv_timeout(PROBE_EVERY) {
                Ok(command) => return Some(command),
                Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) => {}
            }
            lock(&self.tail).probe();
        }
        self.commands.recv().ok()
    }

    fn take(&mut self, command: Command, tail: &mut Tail) {
        match command {
            Command::Append(Job { record, synced, done }) => {
                tail.add(&record);
                self.waiters.push(Waiter { synced, done });
                let bytes = (record.len() + HEADER_BYTES) as u64;
                self.queued.fetch_sub(bytes, Ordering::Release);
            }
            Command::Renew => {
                if tail.is_full() || (tail.is_drained() && self.shelf.level() != Level::Normal) {
                    self.commit(tail);
                    tail.rotate();
                }
            }
            Command::Close => self.closing = true,
        }
    }

    /// Writes the group and tells everyone who waits for a part of it.
    fn commit(&mut self, tail: &mut Tail) {
        if self.waiters.is_empty() {
            return;
        }
        let mut outcome = tail.write_group();
        let (synced, written): (Vec<_>, Vec<_>) = self.waiters.drain(..).partition(|waiter| waiter.synced);
        answer(written, &outcome);
        if !synced.is_empty() {
            outcome = outcome.and_then(|()| tail.sync());
            answer(synced, &outcome);
        }
    }
}

fn lock(tail: &Mutex<Tail>) -> MutexGuard<'_, Tail> {
    tail.lock().unwrap_or_else(PoisonError::into_inner)
}

fn answer(waiters: Vec<Waiter>, outcome: &Result<(), AppendError>) {
    for waiter in waiters {
        // An error says that the caller does not wait any more.
        let _ = waiter.done.send(outcome.clone());
    }
}

#[cfg(test)]
mod tests;
