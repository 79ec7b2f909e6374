//! Passing an answer on, chunk by chunk, and recording the call before the client can know that it is complete.
//!
//! Every chunk passes at once but what would say 'this was all': a stream's terminator event, the chunk with the last
//! byte of a body whose length is known, the end of any other. That waits until the record is in the spool.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use actix_web::body::{BodySize, MessageBody};
use bytes::{Bytes, BytesMut};
use futures_util::Stream;
use hyper::body::{Body, Incoming};
use providers::Endpoint;
use recorder::Outcome;
use tokio::time::Sleep;

use crate::connection::{LOOK_EVERY, Presence, Watch};
use crate::decoding::Decoded;
use crate::recording::Recording;
use crate::terminator::{Step, Terminator};

/// How long after its terminator a stream may take to end before it is ended here.
const AFTER_TERMINATOR: Duration = Duration::from_secs(1);

/// Events of a stream that came together are passed together, up to this. Bytes.
const GATHERED_MAX: usize = 16 << 10;

/// A comment in an event stream: clients skip it.
const COMMENT: Bytes = Bytes::from_static(b":\n");

/// Where an answer's body comes from.
pub(crate) enum Source {
    Upstream(Incoming),
    /// What came compressed, decoded.
    Decoded(Decoded),
    /// Chunks that are there already.
    Ready(VecDeque<Bytes>),
    /// Chunks that are there already, and what comes after them.
    Begun(VecDeque<Bytes>, Box<Source>),
    /// It failed, and stays so: what it was would go on as if it had ended.
    Failed(String),
}

/// An answer that ends early: it makes the server cut the connection, so that no client takes it for complete.
#[derive(Debug, thiserror::Error)]
#[error("the answer ended before it was complete")]
pub(crate) struct Cut;

/// The body of a response that is passed on.
pub(crate) struct Relay {
    source: Source,
    size: BodySize,
    /// Bytes to come, where upstream said how many.
    remaining: Option<u64>,
    /// For event streams.
    terminator: Option<Terminator>,
    recording: Option<Recording>,
    /// Chunks taken in before the relay began.
    begun: Bytes,
    state: State,
    provider: String,
    endpoint: Endpoint,
    watch: Watch,
    /// Looks after the client and the pauses; set at the first pause.
    tick: Option<Pin<Box<Sleep>>>,
    idle_timeout: Duration,
    last_chunk: Instant,
    at_line_start: bool,
    gathered: Gathered,
}

/// What of an event stream waits to be passed. Upstream's connection hands out what it has read a piece at a time, and a write
/// to the client costs more than all else that is done for an event: so the connection gets a turn for the next piece, and
/// what a turn brings nothing to is passed.
#[derive(Default)]
struct Gathered {
    bytes: BytesMut,
    turn_given: bool,
}

enum State {
    Flowing,
    /// The record is on its way to the spool.
    Recording {
        recorded: Pin<Box<dyn Future<Output = ()>>>,
        then: Then,
    },
    /// The terminator has passed; upstream is given until then to end.
    Terminated(Instant),
    /// The server throws away what it has not sent when a body fails, so it gets a turn to send first.
    Cutting {
        turn_given: bool,
    },
    Ended,
}

enum Then {
    Pass(Bytes),
    End,
    /// Tell the client of an event stream, then cut.
    Cut(Option<Bytes>),
}

/// What a relay is made of.
pub(crate) struct Parts {
    pub source: Source,
    /// The body's length, where upstream gave it and it still holds.
    pub length: Option<u64>,
    pub event_stream: bool,
    pub recording: Recording,
    pub provider: String,
    pub endpoint: Endpoint,
    pub watch: Watch,
    pub idle_timeout: Duration,
}

impl Relay {
    pub(crate) fn new(parts: Parts) -> Self {
        Self {
            source: parts.source,
            size: parts.length.map_or(BodySize::Stream, BodySize::Sized),
            remaining: parts.length,
            terminator: parts.event_stream.then(Terminator::default),
            recording: Some(parts.recording),
            begun: Bytes::new(),
            state: State::Flowing,
            provider: parts.provider,
            endpoint: parts.endpoint,
            watch: parts.watch,
            tick: None,
            idle_timeout: parts.idle_timeout,
            last_chunk: Instant::now(),
            at_line_start: true,
            gathered: Gathered::default(),
        }
    }

    /// After chunks that were taken in, and recorded, before.
    pub(crate) fn after(mut self, begun: Bytes) -> Self {
        self.remaining = self.remaining.map(|remaining| remaining.saturating_sub(begun.len() as u64));
        self.begun = begun;
        self
    }

    /// Takes a chunk in; gives what of it may pass now, if anything.
    fn take_in(&mut self, chunk: Bytes) -> Option<Bytes> {
        self.last_chunk = Instant::now();
        if let Some(recording) = &mut self.recording {
            recording.answer_goes_on(&chunk);
        }
        if let Some(terminator) = &mut self.terminator {
            let pass = match terminator.push(chunk) {
                Step::Pass(pass) => pass,
                Step::Complete(pass, held) => {
                    self.record(Outcome::Answered, Then::Pass(held));
                    pass
                }
            };
            return (!pass.is_empty()).then_some(pass);
        }
        if let Some(remaining) = &mut self.remaining {
            *remaining = remaining.saturating_sub(chunk.len() as u64);
            if *remaining == 0 {
                self.record(Outcome::Answered, Then::Pass(chunk));
                return None;
            }
        }
        (!chunk.is_empty()).then_some(chunk)
    }

    /// Whether what has come so far ends with a line.
    fn ends_line(&self) -> bool {
        self.gathered.bytes.last().map_or(self.at_line_start, |byte| *byte == b'\n')
    }

    fn record(&mut self, outcome: Outcome, then: Then) {
        if let Some(recording) = self.recording.take() {
            self.state = State::Recording { recorded: Box::pin(recording.end(outcome)), then };
        }
    }

    /// Upstream ended its answer as it should.
    fn end(&mut self) {
        let held = self.terminator.as_mut().map(Terminator::finish).unwrap_or_default();
        let then = if held.is_empty() { Then::End } else { Then::Pass(held) };
        self.record(Outcome::Answered, then);
    }

    /// The answer cannot become whole.
    fn cut(&mut self, outcome: Outcome, kind: &str, message: &str) {
        let event = self.terminator.is_some().then(|| {
            let lead = if self.ends_line() { "\n" } else { "\n\n" };
            let (event, body) = error_event(self.endpoint, kind, message);
            Bytes::from(format!("{lead}{event}data: {body}\n\n"))
        });
        self.record(outcome, Then::Cut(event));
    }

    /// Takes in what upstream has, until there is something to pass or to do next. Ready with nothing: look again.
    fn poll_flowing(&mut self, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        match self.source.poll(context) {
            Poll::Ready(Some(Ok(chunk))) => {
                let pass = self.take_in(chunk).and_then(|chunk| self.gather(chunk));
                return Poll::Ready(pass);
            }
            Poll::Ready(None) => self.end(),
            Poll::Ready(Some(Err(reason))) => {
                let message = format!("{} ended its answer before it was complete: {reason}", self.provider);
                self.cut(Outcome::UpstreamCut, "upstream_error", &message);
            }
            Poll::Pending if !self.gathered.bytes.is_empty() => return self.poll_gathered(context).map(Some),
            Poll::Pending => return self.poll_pause(context),
        }
        Poll::Ready(None)
    }

    /// Puts a chunk of an event stream to what waits; gives what is to be passed at once.
    fn gather(&mut self, chunk: Bytes) -> Option<Bytes> {
        if self.terminator.is_none() {
            return Some(chunk);
        }
        self.gathered.turn_given = false;
        self.gathered.bytes.extend_from_slice(&chunk);
        (self.gathered.bytes.len() > GATHERED_MAX).then(|| self.gathered.take())
    }

    /// Upstream has nothing more for now: after one turn more, what was gathered is passed.
    fn poll_gathered(&mut self, context: &mut Context<'_>) -> Poll<Bytes> {
        if self.gathered.turn_given {
            return Poll::Ready(self.gathered.take());
        }
        self.gathered.turn_given = true;
        context.waker().wake_by_ref();
        Poll::Pending
    }

    /// Nothing comes for now: is the client still there, and has it been too long?
    fn poll_pause(&mut self, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        loop {
            let tick = self.tick.get_or_insert_with(|| Box::pin(tokio::time::sleep(LOOK_EVERY)));
            ready!(tick.as_mut().poll(context));
            self.tick = None;
            if self.last_chunk.elapsed() >= self.idle_timeout {
                let message = format!("{} paused for {} ms", self.provider, self.idle_timeout.as_millis());
                self.cut(Outcome::TimedOut, "timeout_error", &message);
                return Poll::Ready(None);
            }
            match self.watch.look() {
                Presence::There => {}
                Presence::Gone => {
                    self.record(Outcome::ClientGone, Then::Cut(None));
                    return Poll::Ready(None);
                }
                // Only an event stream between two lines has room for a comment; elsewhere the next chunk will tell.
                Presence::ProbeDue => {
                    let soon = self.watch.probed();
                    self.tick = Some(Box::pin(tokio::time::sleep(soon)));
                    if self.terminator.is_some() && self.at_line_start {
                        return Poll::Ready(Some(COMMENT));
                    }
                }
            }
        }
    }

    fn pass(&mut self, chunk: Bytes) -> Poll<Option<Result<Bytes, Cut>>> {
        self.at_line_start = chunk.last().is_none_or(|byte| *byte == b'\n');
        Poll::Ready(Some(Ok(chunk)))
    }

    /// The record is in: on to what waited for it. None: look again.
    fn go_on(&mut self, then: Then) -> Option<Bytes> {
        match then {
            Then::Pass(held) => {
                self.state = match self.terminator {
                    Some(_) => State::Terminated(Instant::now() + AFTER_TERMINATOR),
                    None => State::Ended,
                };
                Some(held)
            }
            Then::End => {
                self.state = State::Ended;
                None
            }
            Then::Cut(event) => {
                self.state = State::Cutting { turn_given: false };
                event
            }
        }
    }

    /// After the terminator: what upstream still sends passes, and its end frees the connection for the next call.
    fn poll_terminated(&mut self, until: Instant, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        match self.source.poll(context) {
            Poll::Ready(Some(Ok(chunk))) => {
                self.gathered.turn_given = false;
                self.gathered.bytes.extend_from_slice(&chunk);
                if self.gathered.bytes.len() > GATHERED_MAX {
                    return Poll::Ready(Some(self.gathered.take()));
                }
            }
            Poll::Ready(_) => self.state = State::Ended,
            Poll::Pending if !self.gathered.bytes.is_empty() => return self.poll_gathered(context).map(Some),
            Poll::Pending => {
                let tick = self.tick.insert(Box::pin(tokio::time::sleep_until(until.into())));
                ready!(tick.as_mut().poll(context));
                self.state = State::Ended;
            }
        }
        Poll::Ready(None)
    }
}

impl Gathered {
    fn take(&mut self) -> Bytes {
        self.turn_given = false;
        self.bytes.split().freeze()
    }
}

/// The event that tells of an error, as the endpoint's clients look for it: its `event:` line, if any, and its data.
fn error_event(endpoint: Endpoint, kind: &str, message: &str) -> (&'static str, serde_json::Value) {
    if endpoint == Endpoint::Messages {
        let error = serde_json::json!({"type": "error", "error": {"type": "api_error", "message": message}});
        return ("event: error\n", error);
    }
    ("", serde_json::json!({"error": {"message": message, "type": kind, "param": null, "code": null}}))
}

impl MessageBody for Relay {
    type Error = Cut;

    fn size(&self) -> BodySize {
        self.size
    }

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Cut>>> {
        let this = self.get_mut();
        loop {
            match &mut this.state {
                State::Flowing if !this.begun.is_empty() => {
                    let begun = std::mem::take(&mut this.begun);
                    return this.pass(begun);
                }
                State::Flowing => {
                    if let Some(chunk) = ready!(this.poll_flowing(context)) {
                        return this.pass(chunk);
                    }
                }
                State::Recording { recorded, .. } => {
                    if recorded.as_mut().poll(context).is_pending() {
                        if this.gathered.bytes.is_empty() {
                            return Poll::Pending;
                        }
                        let gathered = this.gathered.take();
                        return this.pass(gathered);
                    }
                    let State::Recording { then, .. } = std::mem::replace(&mut this.state, State::Ended)
                    else {
                        continue;
                    };
                    if let Some(chunk) = this.go_on(then).and_then(|chunk| this.gather(chunk)) {
                        return this.pass(chunk);
                    }
                }
                State::Terminated(until) => {
                    let until = *until;
                    if let Some(chunk) = ready!(this.poll_terminated(until, context)) {
                        return this.pass(chunk);
                    }
                }
                State::Cutting { .. } | State::Ended if !this.gathered.bytes.is_empty() => {
                    let gathered = this.gathered.take();
                    return this.pass(gathered);
                }
                State::Cutting { turn_given: turn_given @ false } => {
                    *turn_given = true;
                    context.waker().wake_by_ref();
                    return Poll::Pending;
                }
                State::Cutting { turn_given: true } => {
                    this.state = State::Ended;
                    return Poll::Ready(Some(Err(Cut)));
                }
                State::Ended => return Poll::Ready(None),
            }
        }
    }
}

impl Source {
    /// The next chunk, the end, or why there is neither.
    pub(crate) fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, String>>> {
        let next = self.poll_once(context);
        if let Poll::Ready(Some(Err(reason))) = &next {
            *self = Self::Failed(reason.clone());
        }
        next
    }

    fn poll_once(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, String>>> {
        match self {
            Self::Upstream(body) => loop {
                match ready!(Pin::new(&mut *body).poll_frame(context)) {
                    None => return Poll::Ready(None),
                    Some(Err(error)) => return Poll::Ready(Some(Err(error.to_string()))),
                    // Trailers are not passed on.
                    Some(Ok(frame)) => {
                        if let Ok(data) = frame.into_data() {
                            return Poll::Ready(Some(Ok(data)));
                        }
                    }
                }
            },
            Self::Decoded(stream) => Pin::new(stream)
                .poll_next(context)
                .map(|next| next.map(|chunk| chunk.map_err(|e| e.to_string()))),
            Self::Ready(chunks) => Poll::Ready(chunks.pop_front().map(Ok)),
            Self::Begun(chunks, rest) => match chunks.pop_front() {
                Some(chunk) => Poll::Ready(Some(Ok(chunk))),
                None => rest.poll_once(context),
            },
            Self::Failed(reason) => Poll::Ready(Some(Err(reason.clone()))),
        }
    }
}
