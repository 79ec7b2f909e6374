//! The log of a call in the making: owned by whoever has the call, handed over however the call ends.

use std::time::Instant;

use bytes::Bytes;
use plans::Month;
use recorder::{
    Attempt, Headers, Message, OpenCall, Outcome, Payload, Record, Recorder, Routing, Source, Trace,
};
use tenancy::Tenant;
use uuid::Uuid;

use crate::caching::Keeping;
use crate::guarding::{Later, Unmerged};
use crate::observation::Observation;
use crate::reading::{Capture, Captured};

/// nginx's number for a client that closed its connection before it was answered; HTTP has none.
pub(crate) const CLIENT_CLOSED_REQUEST: u16 = 499;

/// One call's record. Dropped without an end, it says that the client went away (or that the handler panicked) and is
/// handed over all the same.
pub(crate) struct Recording {
    open: Option<Box<Open>>,
}

struct Open {
    record: Record,
    recorder: Recorder,
    received: Instant,
    request: Capture,
    response: Captured,
    /// The process waits with its end until this is dropped.
    call: OpenCall,
    observation: Observation,
    /// The cache waits for the answer.
    keeping: Option<Keeping>,
    /// The answer as the cache is to have it, where guardrails have put their results into it.
    unmerged: Option<Unmerged>,
    /// Guardrails that nobody waits for.
    later: Option<Later>,
}

impl Recording {
    /// Begins the record of a call of `tenant` that was received under `id`.
    pub(crate) fn begin(
        id: Uuid,
        observation: Observation,
        tenant: &Tenant,
        workspace_id: Uuid,
        recorder: Recorder,
        max_payload: usize,
    ) -> Self {
        let record = Record {
            id,
            organisation_id: tenant.organisation_id,
            workspace_id,
            api_key_id: tenant.api_key_id,
            retention_class: tenant.retention_class,
            source: Source::Gateway,
            external_id: None,
            replay_of: None,
            endpoint: providers::Endpoint::Proxy,
            method: String::new(),
            url: String::new(),
            provider: String::new(),
            requested_model: None,
            virtual_key: None,
            metadata: std::collections::BTreeMap::new(),
            trace: Trace::default(),
            routing: Routing::default(),
            config: None,
            attempts: Vec::new(),
            hook_results: None,
            feedback: Vec::new(),
            status: CLIENT_CLOSED_REQUEST,
            outcome: Outcome::ClientGone,
            streamed: false,
            latency_us: 0,
            first_byte_us: None,
            payload: Payload::Whole,
            measured: None,
            given_cost_pusd: None,
            request: Message::default(),
            response: Message::default(),
        };
        observation.is_of(&record);
        let open = Open {
            record,
            call: recorder.open_call(),
            recorder,
            received: observation.received,
            observation,
            keeping: None,
            unmerged: None,
            later: None,
            request: Capture::new(max_payload),
            response: Captured::new(max_payload),
        };
        Self { open: Some(Box::new(open)) }
    }

    /// What is known so far, to be filled in as it becomes known.
    pub(crate) fn edit(&mut self, edit: impl FnOnce(&mut Record)) {
        if let Some(open) = &mut self.open {
            edit(&mut open.record);
        }
    }

    /// The provider is asked with `request`, for the n-th time again where `retry` is n.
    pub(crate) fn asks<B>(&mut self, request: &mut http::Request<B>, retry: u16) {
        if let Some(open) = &mut self.open {
            open.observation.asks(&open.record, request, retry);
        }
    }

    /// A target of the call's config has its turn.
    pub(crate) fn attempt_begins(&mut self, attempt: Attempt) {
        if let Some(open) = &mut self.open {
            let started_us = micros_since(open.received);
            open.record.attempts.push(Attempt { started_us, ..attempt });
        }
    }

    /// The head of the target's answer has come, or why there is none.
    pub(crate) fn attempt_ends(&mut self, answered: Result<u16, String>) {
        let Some(open) = &mut self.open else { return };
        let Some(attempt) = open.record.attempts.last_mut() else { return };
        attempt.latency_us = micros_since(open.received).saturating_sub(attempt.started_us);
        match answered {
            Ok(status) => attempt.status = Some(status),
            Err(error) => attempt.error = Some(error),
        }
    }

    /// Nobody takes what the provider answered last, or did not: it ended as it says.
    pub(crate) fn asked(&mut self, status: Option<u16>, outcome: Outcome) {
        if let Some(open) = &mut self.open {
            open.observation.asked(status, outcome);
        }
    }

    /// Another target's guardrails are to judge: what those of the one before found counts no more.
    pub(crate) fn forget_guardrails(&mut self) {
        if let Some(open) = &mut self.open {
            (open.later, open.unmerged) = (None, None);
            open.record.hook_results = None;
            open.record.feedback.clear();
            open.record.measured = None;
        }
    }

    /// What is to be checked once the record is handed over.
    pub(crate) fn guard_later(&mut self, later: Later) {
        if let Some(open) = &mut self.open {
            open.later = Some(later);
        }
    }

    /// The answer has results of guardrails in it.
    pub(crate) fn merges(&mut self, unmerged: Option<Unmerged>) {
        if let Some(open) = &mut self.open {
            open.unmerged = unmerged;
        }
    }

    /// The answer of the target that was asked last is not passed on.
    pub(crate) fn attempt_not_taken(&mut self, why: &str) {
        let attempt = self.open.as_mut().and_then(|open| open.record.attempts.last_mut());
        if let Some(attempt) = attempt {
            attempt.error = Some(why.to_owned());
        }
    }

    /// When the answer is whole, `keeping` has it.
    pub(crate) fn keeps(&mut self, keeping: Keeping) {
        if let Some(open) = &mut self.open {
            open.response.reach(keeping.max_bytes());
            open.keeping = Some(keeping);
        }
    }

    /// The answer that was to be kept, or was a kept one, is not the call's.
    pub(crate) fn keeps_nothing(&mut self) {
        let Some(open) = &mut self.open else { return };
        open.record.given_cost_pusd = None;
        if let Some(keeping) = open.keeping.take() {
            keeping.let_go();
        }
    }

    /// Where the request's body is to be kept.
    pub(crate) fn request_capture(&self) -> Option<Capture> {
        self.open.as_ref().map(|open| open.request.clone())
    }

    /// The head of upstream's answer has come.
    pub(crate) fn answer_begins(&mut self, status: u16, streamed: bool, headers: Headers) {
        if let Some(open) = &mut self.open {
            open.record.status = status;
            open.record.streamed = streamed;
            open.record.response.headers = headers;
            open.record.first_byte_us = Some(micros_since(open.received));
        }
    }

    /// A piece of the answer's body has come.
    pub(crate) fn answer_goes_on(&mut self, chunk: &Bytes) {
        let Some(open) = &mut self.open else { return };
        open.response.push(chunk);
        // It is too long to be kept: who waits for it need not wait for its end.
        if !open.response.is_whole()
            && let Some(keeping) = open.keeping.take()
        {
            keeping.let_go();
        }
    }

    /// Ends the call. The record is handed over at once; the future resolves when it is in the spool, or will not be:
    /// then that has been counted, and the answer is the client's all the same.
    pub(crate) fn end(mut self, outcome: Outcome) -> impl Future<Output = ()> + Send + 'static {
        let handed = self.open.take().map(|open| open.hand_over(outcome));
        async move {
            if let Some(handed) = handed {
                handed.await;
            }
        }
    }

    /// Ends the call with an answer of the gateway's own.
    pub(crate) fn end_with(
        mut self,
        outcome: Outcome,
        status: u16,
        body: &Bytes,
    ) -> impl Future<Output = ()> + use<> {
        if let Some(open) = &mut self.open {
            open.record.status = status;
            open.response.clear();
            open.response.push(body);
        }
        self.end(outcome)
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        let Some(mut open) = self.open.take() else { return };
        let outcome = if std::thread::panicking() { Outcome::Panicked } else { Outcome::ClientGone };
        if outcome == Outcome::Panicked {
            open.record.status = 500;
        }
        let handed = open.hand_over(outcome);
        // It is in the spool's hands by now; what remains is to report a failure, where there is a runtime to wait in.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(handed);
        }
    }
}

impl Open {
    /// Hands the record over at once; what is awaited reports what became of it, within the call's span wherever that is.
    fn hand_over(self, outcome: Outcome) -> impl Future<Output = ()> + Send + 'static {
        let span = self.observation.span();
        let handed = self.record(outcome);
        telemetry::within(span, async move { report(handed.await) })
    }

    fn record(self, outcome: Outcome) -> impl Future<Output = Result<(), recorder::Error>> + Send + 'static {
        let Self { mut record, recorder, received, request, response, call, observation, .. } = self;
        let (keeping, unmerged, later) = (self.keeping, self.unmerged, self.later);
        record.outcome = outcome;
        record.latency_us = micros_since(received);
        end_last_attempt(&mut record);
        let (request_body, request_cut) = request.take();
        record.request.body = request_body;
        if response.is_cut() && record.measured.is_none() {
            record.measured = response.measure_tail(record.streamed);
        }
        let response_cut = response.is_cut();
        let (logged, whole) = response.into_bytes();
        record.response.body = logged;
        if record.payload == Payload::Whole && (request_cut || response_cut) {
            record.payload = Payload::Cut;
        }
        if let Some(keeping) = keeping {
            // Not what the log has, which may be cut.
            let whole = match unmerged {
                None => whole,
                Some(unmerged) => unmerged.of(whole),
            };
            keeping.end(&record, whole);
        }
        observation.end(&record);
        let Some(later) = later else { return recorder.record(record) };
        // What comes later has to come after it.
        let seen = Box::new(record.clone());
        let handed = recorder.record(record);
        later.begin(&seen, recorder, call);
        handed
    }
}

/// What was passed on took until the end; what had no answer yet has the call's end for a reason.
fn end_last_attempt(record: &mut Record) {
    let Some(attempt) = record.attempts.last_mut() else { return };
    let is_open = attempt.status.is_none() && attempt.error.is_none() && attempt.latency_us == 0;
    if is_open || (record.first_byte_us.is_some() && attempt.error.is_none()) {
        attempt.latency_us = record.latency_us.saturating_sub(attempt.started_us);
    }
    let reason = match record.outcome {
        Outcome::Answered | Outcome::Refused => return,
        Outcome::ClientGone => "the client went away",
        Outcome::UpstreamCut => "the answer ended before it was complete",
        Outcome::TimedOut => "the answer paused for too long",
        Outcome::UpstreamFailed => "there was no answer",
        Outcome::Panicked => "the gateway failed, which is a fault of its own",
    };
    attempt.error.get_or_insert_with(|| reason.to_owned());
}

fn report(result: Result<(), recorder::Error>) {
    match result {
        Ok(()) => {}
        Err(recorder::Error::Spool(spool::AppendError::Full)) => {
            tracing::warn!("the spool is full: a call was answered and counted, but not recorded");
        }
        Err(error) => tracing::error!(%error, "a call could not be recorded"),
    }
}

fn micros_since(instant: Instant) -> u64 {
    u64::try_from(instant.elapsed().as_micros()).unwrap_or(u64::MAX)
}

/// The month a call counts in.
pub(crate) fn month(id: Uuid) -> Month {
    Month::of(clock::millis(id).unwrap_or_default())
}
