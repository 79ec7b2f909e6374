//! The log of a call in the making: owned by whoever has the call, handed over however the call ends.

use std::time::Instant;

use bytes::Bytes;
use plans::Month;
use recorder::{Headers, Message, OpenCall, Outcome, Payload, Record, Recorder, Routing, Source, Trace};
use tenancy::Tenant;
use uuid::Uuid;

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
            endpoint: providers::Endpoint::Proxy,
            method: String::new(),
            url: String::new(),
            provider: String::new(),
            requested_model: None,
            virtual_key: None,
            metadata: std::collections::BTreeMap::new(),
            trace: Trace::default(),
            routing: Routing::default(),
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

    /// The provider is asked with `request`.
    pub(crate) fn asks<B>(&mut self, request: &mut http::Request<B>) {
        if let Some(open) = &mut self.open {
            open.observation.asks(&open.record, request);
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
        if let Some(open) = &mut self.open {
            open.response.push(chunk);
        }
    }

    /// Ends the call. The record is handed over at once; the future resolves when it is in the spool, or will not be:
    /// then that has been counted, and the answer is the client's all the same.
    pub(crate) fn end(mut self, outcome: Outcome) -> impl Future<Output = ()> + Send + 'static {
        let handed = self.open.take().map(|open| open.hand_over(outcome));
        async move {
            if let Some(handed) = handed {
                report(handed.await);
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
            open.response = Captured::new(open.response.max());
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
            runtime.spawn(async move { report(handed.await) });
        }
    }
}

impl Open {
    fn hand_over(
        self,
        outcome: Outcome,
    ) -> impl Future<Output = Result<(), recorder::Error>> + Send + 'static {
        let Self { mut record, recorder, received, request, response, call: _call, observation } = self;
        record.outcome = outcome;
        record.latency_us = micros_since(received);
        let (request_body, request_cut) = request.take();
        record.request.body = request_body;
        if response.is_cut() && record.measured.is_none() {
            record.measured = response.measure_tail(record.streamed);
        }
        let response_cut = response.is_cut();
        record.response.body = response.into_bytes();
        if record.payload == Payload::Whole && (request_cut || response_cut) {
            record.payload = Payload::Cut;
        }
        observation.end(&record);
        recorder.record(record)
    }
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
