//! What guardrails found of a call: events of its SERVER span, with nothing in them that a check saw.

use chrono::DateTime;
use entity::log;
use opentelemetry_proto::tonic::trace::v1::span::Event;
use serde::Deserialize;

use super::attributes::Attributes;
use super::operation;
use crate::names;

/// A log's `hook_results`. Of what a later version may write, the rest is left.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Found {
    before_request_hooks: Vec<Hook>,
    after_request_hooks: Vec<Hook>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Hook {
    id: String,
    verdict: bool,
    deny: bool,
    #[serde(rename = "async")]
    asynchronous: bool,
    /// Milliseconds.
    execution_time: u64,
    created_at: String,
    checks: Vec<Check>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Check {
    id: String,
    verdict: bool,
}

/// One event a guardrail, those over the request first.
pub(super) fn events(log: &log::Model) -> Vec<Event> {
    let found = log.hook_results.as_ref().and_then(|found| Found::deserialize(found).ok());
    let found = found.unwrap_or_default();
    let input = found.before_request_hooks.iter().map(|hook| hook.event(log, "input"));
    let output = found.after_request_hooks.iter().map(|hook| hook.event(log, "output"));
    input.chain(output).collect()
}

impl Hook {
    fn event(&self, log: &log::Model, phase: &str) -> Event {
        let mut attributes = Attributes::default();
        attributes.text(names::GUARDRAIL_ID, &self.id);
        attributes.text(names::GUARDRAIL_PHASE, phase);
        attributes.bool(names::GUARDRAIL_VERDICT, self.verdict);
        attributes.bool(names::GUARDRAIL_DENY, self.deny);
        attributes.bool(names::GUARDRAIL_ASYNC, self.asynchronous);
        attributes.int(names::GUARDRAIL_DURATION_MS, i64::try_from(self.execution_time).ok());
        let failed = self.checks.iter().filter(|check| !check.verdict);
        attributes.texts(names::GUARDRAIL_FAILED_CHECKS, failed.map(|check| check.id.as_str()));
        let at = self.nanos().unwrap_or_else(|| operation::at(log, log.latency_us));
        attributes.event(names::GUARDRAIL_EVENT, at)
    }

    fn nanos(&self) -> Option<u64> {
        let at = DateTime::parse_from_rfc3339(&self.created_at).ok()?;
        u64::try_from(at.timestamp_nanos_opt()?).ok()
    }
}
