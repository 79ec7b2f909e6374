//! The one way in of logs of calls that did not come through the gateway, however they are told of.

use std::collections::BTreeMap;

use providers::Endpoint;
use recorder::{Measured, Message, Outcome, Payload, Record, Routing, Source, Trace};
use sea_orm::prelude::Uuid;
use tenancy::Tenant;

use crate::access::Caller;
use crate::{Api, Error};

/// Who inserts, and where to.
pub(crate) struct Inserter<'a> {
    pub api: &'a Api,
    pub tenant: &'a Tenant,
    pub workspace_id: Uuid,
}

/// A call as it was told of.
pub(crate) struct Foreign {
    pub source: Source,
    pub external_id: Option<String>,
    pub endpoint: Endpoint,
    pub method: String,
    pub url: String,
    pub provider: String,
    pub requested_model: Option<String>,
    pub metadata: BTreeMap<String, String>,
    pub trace: Trace,
    pub status: u16,
    pub outcome: Outcome,
    pub streamed: bool,
    pub latency_us: u64,
    pub first_byte_us: Option<u64>,
    pub measured: Option<Measured>,
    pub given_cost_pusd: Option<i64>,
    pub request: Message,
    pub response: Message,
}

impl<'a> Inserter<'a> {
    /// Refuses who has not paid, and keys that are no workspace's.
    pub fn of(api: &'a Api, caller: &'a Caller) -> Result<Self, Error> {
        let refusal = "logs are inserted with a workspace's key";
        caller.records(refusal)?;
        let workspace_id = caller.scope.workspace().ok_or_else(|| Error::Forbidden(refusal.to_owned()))?;
        Ok(Self { api, tenant: &caller.tenant, workspace_id })
    }

    /// The call's record, under an id of now.
    pub fn record_of(&self, call: Foreign) -> Record {
        let record = Record {
            id: self.api.ids.log_id(),
            organisation_id: self.tenant.organisation_id,
            workspace_id: self.workspace_id,
            api_key_id: self.tenant.api_key_id,
            retention_class: self.tenant.retention_class,
            source: call.source,
            external_id: call.external_id,
            replay_of: None,
            endpoint: call.endpoint,
            method: call.method,
            url: call.url,
            provider: call.provider,
            requested_model: call.requested_model,
            virtual_key: None,
            metadata: call.metadata,
            trace: call.trace,
            routing: Routing::default(),
            config: None,
            attempts: Vec::new(),
            hook_results: None,
            feedback: Vec::new(),
            status: call.status,
            outcome: call.outcome,
            streamed: call.streamed,
            latency_us: call.latency_us,
            first_byte_us: call.first_byte_us,
            payload: Payload::Whole,
            measured: call.measured,
            given_cost_pusd: call.given_cost_pusd,
            request: call.request,
            response: call.response,
        };
        cut(record, self.api.max_payload_bytes)
    }
}

/// Keeps the beginning of a body that is too long, measured while it is whole.
fn cut(mut record: Record, max: usize) -> Record {
    if record.request.body.len() <= max && record.response.body.len() <= max {
        return record;
    }
    if record.measured.is_none() {
        let (request, response) = (&record.request.body, &record.response.body);
        let measured = providers::measure(record.endpoint, record.status, request, response, record.streamed);
        record.measured = Some(Measured { model: measured.model, usage: measured.usage });
    }
    record.payload = Payload::Cut;
    record.request.body.truncate(max);
    record.response.body.truncate(max);
    record
}
