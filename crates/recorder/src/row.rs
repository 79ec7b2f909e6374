//! From a record to the rows of its log: tokens, cost, packed content.

use std::panic::{AssertUnwindSafe, catch_unwind};

use entity::log;
use logstore::append::{self, Opinion};
use logstore::{Entry, Packer};
use pricing::Book;
use providers::Endpoint;

use crate::{Attempt, Feedback, Late, Measured, Payload, Record};

/// Makes the rows. Content that cannot be packed is left out and flagged; nothing else can fail.
pub(crate) fn entry(mut record: Record, packer: &mut Packer, book: &Book) -> Entry {
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
    let opinions = opinions(std::mem::take(&mut record.feedback));
    Entry { log: log_row(record, measured, payload_state, book), payload, opinions }
}

/// The rows without all that is found out from the content: for a record that cannot be looked into.
pub(crate) fn bare_entry(mut record: Record, book: &Book) -> Entry {
    let payload = match record.payload {
        Payload::Whole | Payload::Cut => Payload::Unstorable,
        kept => kept,
    };
    let opinions = opinions(std::mem::take(&mut record.feedback));
    Entry { log: log_row(record, Measured::default(), payload, book), payload: None, opinions }
}

/// What came after its log.
pub(crate) fn late(late: Late) -> append::Late {
    append::Late {
        log_id: late.late_for,
        organisation_id: late.organisation_id,
        hook_results: without_nul(late.hook_results),
        opinions: opinions(late.feedback),
    }
}

fn opinions(feedback: Vec<Feedback>) -> Vec<Opinion> {
    let opinion = |Feedback { value, weight, metadata }| Opinion {
        value,
        weight,
        metadata: metadata.is_object().then(|| without_nul(metadata)),
    };
    feedback.into_iter().map(opinion).collect()
}

fn log_row(record: Record, measured: Measured, payload: Payload, book: &Book) -> log::Model {
    let requested_model = record.requested_model.map(text);
    let model = measured.model.map(text).or_else(|| requested_model.clone());
    let usage = measured.usage.as_ref();
    let priced = match (usage, model.as_deref()) {
        (Some(usage), Some(model)) => book.cost(record.organisation_id, &record.provider, model, usage),
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
        usage_detail: usage.and_then(pricing::detail_of),
        tokens_estimated: usage.is_some_and(|usage| usage.estimated),
        cost_pusd,
        prices_version: priced
            .filter(|_| record.given_cost_pusd.is_none())
            .map(|_| book.version(record.organisation_id).to_owned()),
        latency_us: signed(record.latency_us),
        first_byte_us: record.first_byte_us.map(signed),
        cache_status: record.routing.cache_status.into_owned(),
        retry_count: record.routing.retry_count,
        mode: record.routing.mode.into_owned(),
        option_path: record.routing.option_path.into_owned(),
        config_id: record.config.as_ref().map(|config| text(config.slug.clone())),
        config_version_id: record.config.map(|config| config.version_id),
        attempts: attempts(&record.attempts),
        hook_results: record.hook_results.map(without_nul),
        payload: payload.as_str().to_owned(),
        external_id: record.external_id.map(text),
        replay_of: record.replay_of,
        // Templates are not called through the gateway yet.
        prompt_id: None,
        prompt_version_id: None,
        prompt_slug: None,
    }
}

fn metadata(pairs: std::collections::BTreeMap<String, String>) -> Option<serde_json::Value> {
    let object: serde_json::Map<_, _> =
        pairs.into_iter().map(|(key, value)| (text(key), text(value).into())).collect();
    (!object.is_empty()).then_some(object.into())
}

fn attempts(attempts: &[Attempt]) -> Option<serde_json::Value> {
    if attempts.is_empty() {
        return None;
    }
    serde_json::to_value(attempts).ok().map(without_nul)
}

/// The same for all texts in a JSON value.
fn without_nul(value: serde_json::Value) -> serde_json::Value {
    use serde_json::Value;
    match value {
        Value::String(string) => Value::String(text(string)),
        Value::Array(items) => items.into_iter().map(without_nul).collect(),
        Value::Object(map) => map
            .into_iter()
            .map(|(key, value)| (text(key), without_nul(value)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        plain => plain,
    }
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
