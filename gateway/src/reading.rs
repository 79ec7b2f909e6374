//! Reading a request's body, whole or as it comes, and keeping what the log needs of it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use actix_web::error::PayloadError;
use actix_web::web::Payload;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use memchr::memmem;
use recorder::Measured;
use tokio::sync::mpsc;

use crate::error::Error;

/// Enough of an answer's end to find the usage in, where the middle is not kept.
const TAIL: usize = 16 << 10;

/// How long a client may take from one piece of its body to the next.
pub(crate) const PIECE_TIMEOUT: Duration = Duration::from_mins(1);

/// Pieces of a body on their way: what bounds the memory of an upload.
const PIECES: usize = 8;

/// The beginning of a body, up to a bound, and its last bytes.
pub(crate) struct Captured {
    /// All that came so far, where it came in one piece: that is not copied.
    only: Bytes,
    head: BytesMut,
    tail: Vec<u8>,
    /// Of the beginning. Bytes.
    max: usize,
    /// What of it the log keeps. Bytes.
    logged: usize,
}

impl Captured {
    pub(crate) fn new(max: usize) -> Self {
        Self { only: Bytes::new(), head: BytesMut::new(), tail: Vec::new(), max, logged: max }
    }

    /// Keeps more of the beginning than the log wants.
    pub(crate) fn reach(&mut self, bytes: usize) {
        self.max = self.max.max(bytes);
    }

    /// Forgets what it has.
    pub(crate) fn clear(&mut self) {
        (self.only, self.head, self.tail) = (Bytes::new(), BytesMut::new(), Vec::new());
    }

    /// Whether all that came is here.
    pub(crate) fn is_whole(&self) -> bool {
        self.tail.is_empty()
    }

    pub(crate) fn push(&mut self, chunk: &Bytes) {
        if self.only.is_empty() && self.head.is_empty() && chunk.len() <= self.max {
            self.only = chunk.clone();
            return;
        }
        let only = std::mem::take(&mut self.only);
        self.head.extend_from_slice(&only);
        let room = self.max.saturating_sub(self.head.len());
        let (kept, rest) = chunk.split_at(chunk.len().min(room));
        self.head.extend_from_slice(kept);
        if !rest.is_empty() {
            self.tail.extend_from_slice(rest);
            let excess = self.tail.len().saturating_sub(TAIL);
            if excess > TAIL {
                self.tail.drain(..excess);
            }
        }
    }

    /// Whether the log keeps less than all that came.
    pub(crate) fn is_cut(&self) -> bool {
        !self.is_whole() || self.beginning().len() > self.logged
    }

    fn beginning(&self) -> &[u8] {
        if self.only.is_empty() { &self.head } else { &self.only }
    }

    /// What the log keeps, and all that came where it is here: both are one text in memory.
    pub(crate) fn into_bytes(self) -> (Bytes, Option<Bytes>) {
        let whole = self.is_whole();
        let head = if self.only.is_empty() { self.head.freeze() } else { self.only };
        (head.slice(..head.len().min(self.logged)), whole.then_some(head))
    }

    /// Model and usage from the end of an answer whose middle was not kept; none when they are not there.
    pub(crate) fn measure_tail(&self, streamed: bool) -> Option<Measured> {
        let endpoint = providers::Endpoint::Proxy;
        let tail = match self.tail.as_slice() {
            [] => &self.beginning()[self.beginning().len().saturating_sub(TAIL)..],
            tail => tail,
        };
        let measured = if streamed {
            let event = memmem::find(tail, b"\n\n")? + 2;
            providers::measure(endpoint, 200, &[], &tail[event..], true)
        } else {
            let usage = memmem::rfind(tail, b"\"usage\":")?;
            let body = [b"{", &tail[usage..]].concat();
            providers::measure(endpoint, 200, &[], &body, false)
        };
        measured.usage.as_ref()?;
        Some(Measured { model: measured.model, usage: measured.usage })
    }
}

/// A request's body as far as the log keeps it, shared between the task that reads it and the record.
#[derive(Clone)]
pub(crate) struct Capture(Arc<Mutex<Kept>>);

enum Kept {
    Whole { body: Bytes, max: usize },
    Streamed(Captured),
}

impl Capture {
    pub(crate) fn new(max: usize) -> Self {
        Self(Arc::new(Mutex::new(Kept::Streamed(Captured::new(max)))))
    }

    /// Keeps a body that was read whole, without a copy.
    pub(crate) fn keep(&self, body: Bytes) {
        let mut kept = self.lock();
        let max = match &*kept {
            Kept::Whole { max, .. } => *max,
            Kept::Streamed(captured) => captured.max,
        };
        *kept = Kept::Whole { body, max };
    }

    fn push(&self, chunk: &Bytes) {
        if let Kept::Streamed(captured) = &mut *self.lock() {
            captured.push(chunk);
        }
    }

    /// The body as kept, and whether it is cut.
    pub(crate) fn take(&self) -> (Bytes, bool) {
        match std::mem::replace(&mut *self.lock(), Kept::Streamed(Captured::new(0))) {
            Kept::Whole { body, max } => {
                let cut = body.len() > max;
                (body.slice(..body.len().min(max)), cut)
            }
            Kept::Streamed(captured) => {
                let cut = captured.is_cut();
                (captured.into_bytes().0, cut)
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads a body of at most `max` bytes; one that came in a single piece is not copied.
///
/// # Errors
/// [`Error::TooLarge`], [`Error::ClientGone`], [`Error::BodyTimedOut`], or [`Error::Invalid`] where its framing is broken.
pub(crate) async fn read_whole(
    payload: &mut Payload,
    max: usize,
    length: Option<u64>,
) -> Result<Bytes, Error> {
    if length.is_some_and(|length| length > max as u64) {
        return Err(Error::TooLarge(max));
    }
    let Some(first) = next(payload).await? else { return Ok(Bytes::new()) };
    let Some(second) = next(payload).await? else {
        return if first.len() > max { Err(Error::TooLarge(max)) } else { Ok(first) };
    };
    let known = length.and_then(|length| usize::try_from(length).ok()).unwrap_or(0);
    let mut body = BytesMut::with_capacity(known.max(first.len() + second.len()));
    body.extend_from_slice(&first);
    let mut more = Some(second);
    while let Some(chunk) = more {
        if body.len() + chunk.len() > max {
            return Err(Error::TooLarge(max));
        }
        body.extend_from_slice(&chunk);
        more = next(payload).await?;
    }
    Ok(body.freeze())
}

/// The next piece, unless the client takes too long over it.
async fn next(payload: &mut Payload) -> Result<Option<Bytes>, Error> {
    match tokio::time::timeout(PIECE_TIMEOUT, payload.next()).await {
        Ok(piece) => piece.transpose().map_err(|error| broken(&error)),
        Err(_) => Err(Error::BodyTimedOut(PIECE_TIMEOUT.as_secs())),
    }
}

/// Why an upload did not become whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Interrupted {
    #[error("the client went away")]
    ClientGone,
    #[error("the body is too large")]
    TooLarge,
    #[error("the client took too long")]
    TimedOut,
}

/// Passes a body on as it comes, with back-pressure, keeping what the log needs.
pub(crate) fn stream(
    mut payload: Payload,
    max: usize,
    capture: Option<Capture>,
) -> mpsc::Receiver<Result<Bytes, Interrupted>> {
    let (sender, receiver) = mpsc::channel(PIECES);
    actix_web::rt::spawn(async move {
        let mut length = 0;
        while let Some(chunk) = next(&mut payload).await.transpose() {
            let piece = match chunk {
                Ok(chunk) if length + chunk.len() > max => Err(Interrupted::TooLarge),
                Ok(chunk) => Ok(chunk),
                Err(Error::BodyTimedOut(_)) => Err(Interrupted::TimedOut),
                Err(_) => Err(Interrupted::ClientGone),
            };
            if let Ok(chunk) = &piece {
                length += chunk.len();
                if let Some(capture) = &capture {
                    capture.push(chunk);
                }
            }
            let ended = piece.is_err();
            if sender.send(piece).await.is_err() || ended {
                return;
            }
        }
    });
    receiver
}

fn broken(error: &PayloadError) -> Error {
    match error {
        PayloadError::Incomplete(_) | PayloadError::Io(_) => Error::ClientGone,
        other => Error::invalid("body", other.to_string()),
    }
}
