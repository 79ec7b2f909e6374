//! From a record to the rows of its log: tokens, cost, packed content.

use std::panic::{AssertUnwindSafe, catch_unwind};

use entity::log;
use logstore::{Entry, Packer};
use providers::Endpoint;

use crate::{Measured, Payload, Record};

/// Makes the rows. Content that cannot be packed is left out and flagged; nothing else can fail.
pub(crate) fn entry(mut record: Record, packer: &mut Packer) -> Entry {
    let measured = record.measured.take().unwrap_or_else(|| Measured::of(&record));
    let mut payload_state = record.payload;
    let payload = match record.payload {
        Payload::Whole | Payload::Cut => match packer.pack(&record.request, &record.response) {
            Ok(content) => Some(content),
            Err(error) => {
                tracing::warn!(log_id = %record.id, %error, "a log is kept without its content");
                payload_state = Payload::Unstorable;
                None
            }
        },
        Payload::Shed | Payload::Unstorable | Payload::Withheld => None,
    };
    Entry { log: log_row(record, measured, payload_state), payload }
}

/// The rows without all that is found out from the content: for a record that cannot be looked into.
pub(crate) fn bare_entry(record: Record) -> Entry {
    let payload = match record.payload {
        Payload::Whole | Payload::Cut => Payload::Unstorable,
        kept => kept,
    };
    Entry { log: log_row(record, Measured::default(), payload), payload: None }
}

fn log_row(record: Record, measured: Measured, payload: Payload) -> log::Model {
    let requested_model = record.requested_model.map(text);
    let model = measured.model.map(text).or_else(|| requested_model.clone());
    let usage = measured.usage.as_ref();
    let priced = match (usage, model.as_deref()) {
        (Some(usage), Some(model)) => providers::cost(&record.provider, model, usage),
        _ => None,
    };
    let cost_pusd = record.given_cost_pusd.or(priced);
    log::Model {
        id: record.id,
        organisation_id: record.organisation_id,
        workspace_id: record.workspace_id,
        api_key_id: record.api_key_id,
        created_at: clock::millis(record.id).unwrap_or_default(),
        retention_class: record.retention_class,
        source: record.source.as_str().to_owned(),
        endpoint: record.endpoint.name().to_owned(),
        method: text(record.method),
        url: text(record.url),
        provider: text(record.provider),
        model,
        requested_model,
        virtual_key: record.virtual_key.map(text),
        trace_id: text(record.trace.trace_id),
        span_id: record.trace.span_id.map(text),
        span_name: record.trace.span_name.map(text),
        parent_span_id: record.trace.parent_span_id.map(text),
        metadata: metadata(record.metadata),
        status_code: i16::try_from(record.status).unwrap_or(i16::MAX),
        outcome: record.outcome.as_str().to_owned(),
        streamed: record.streamed,
        input_tokens: usage.map(|usage| signed(usage.input_tokens)),
        output_tokens: usage.map(|usage| signed(usage.output_tokens)),
        cached_input_tokens: usage.map(|usage| signed(usage.cached_input_tokens)),
        cache_write_tokens: usage.map(|usage| signed(usage.cache_write_tokens)),
        reasoning_tokens: usage.map(|usage| signed(usage.reasoning_tokens)),
        tokens_estimated: usage.is_some_and(|usage| usage.estimated),
        cost_pusd,
        prices_version: priced
            .filter(|_| record.given_cost_pusd.is_none())
            .map(|_| providers::prices_version().to_owned()),
        latency_us: signed(record.latency_us),
        first_byte_us: record.first_byte_us.map(signed),
        cache_status: record.routing.cache_status.into_owned(),
        retry_count: record.routing.retry_count,
        mode: record.routing.mode.into_owned(),
        option_path: record.routing.option_path.into_owned(),
        payload: payload.as_str().to_owned(),
        external_id: record.external_id.map(text),
    }
}

fn metadata(pairs: std::collections::BTreeMap<String, String>) -> Option<serde_json::Value> {
    let object: serde_json::Map<_, _> =
        pairs.into_iter().map(|(key, value)| (text(key), text(value).into())).collect();
    (!object.is_empty()).then_some(object.into())
}

/// PostgreSQL has no text with a NUL in it, and a log is worth more than the character.
fn text(mut text: String) -> String {
    if text.contains('\0') {
        text.retain(|c| c != '\0');
    }
    text
}

fn signed(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

impl Measured {
    /// Model and tokens of the answer, counted where the provider did not tell.
    pub(crate) fn of(record: &Record) -> Self {
        Self::as_endpoint(record, record.endpoint)
    }

    /// Model and tokens as far as the provider told.
    pub(crate) fn told(record: &Record) -> Self {
        Self::as_endpoint(record, Endpoint::Proxy)
    }

    /// Tokens are only ever counted for endpoints whose texts are understood; what passes through is not.
    fn as_endpoint(record: &Record, endpoint: Endpoint) -> Self {
        let (request, response) = (&record.request.body, &record.response.body);
        guarded(|| providers::measure(endpoint, record.status, request, response, record.streamed))
            .map(|measured| Self { model: measured.model, usage: measured.usage })
            .unwrap_or_default()
    }
}

/// None when `make` panics: what a client or a provider sent must not cost more than what was to be made of it.
pub(crate) fn guarded<T>(make: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(make)).ok()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::panic, reason = "tests")]

    use super::*;

    #[test]
    fn a_panic_costs_what_was_to_be_made_and_no_more() {
        assert_eq!(guarded(|| 1), Some(1));
        assert_eq!(guarded(|| -> u8 { panic!("made by the test") }), None);
    }
}
