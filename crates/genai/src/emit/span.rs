//! The spans of one call.

use entity::log;
use opentelemetry_proto::tonic::trace::v1::span::{Event, SpanKind};
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{Span, Status};
use providers::Endpoint;

use super::attempts::{self, Attempt};
use super::attributes::Attributes;
use super::{Call, Options, answer, guardrails, ids, messages, operation, parameters};
use crate::names;

/// The call's SERVER span and the CLIENT spans of its attempts.
pub(super) fn of(call: Call<'_>, options: &Options) -> Vec<Span> {
    let log = call.log;
    let (id, parent) = (root(log), ids::given(log.parent_span_id.as_deref()));
    if !operation::passed_through(log) {
        return vec![client(call, options, 0, id, parent)];
    }
    let attempts = attempts::of(log);
    let mut events = attempts::events(log, &attempts);
    events.extend(guardrails::events(log));
    let mut spans = vec![Span { events, ..server(call, id, parent) }];
    if attempts.is_empty() {
        for attempt in 0..operation::attempts(log) {
            spans.push(client(call, options, attempt, ids::of_attempt(log.id, attempt), Some(id)));
        }
    }
    for (number, attempt) in (0_u16..).zip(&attempts).filter(|(_, attempt)| attempt.is_asked()) {
        let is_last = usize::from(number) + 1 == attempts.len();
        spans.push(of_attempt(call, options, (number, attempt), is_last, id));
    }
    spans
}

/// The CLIENT span of an attempt; the last one's answer is the call's.
fn of_attempt(
    call: Call<'_>,
    options: &Options,
    (number, attempt): (u16, &Attempt),
    is_last: bool,
    parent: [u8; 8],
) -> Span {
    let log = call.log;
    let id = ids::of_attempt(log.id, number);
    if is_last {
        let mut span = client(call, options, number, id, Some(parent));
        attempt.time(log, &mut span);
        return span;
    }
    let mut attributes = Attributes::default();
    whose(call, &mut attributes);
    Span {
        trace_id: ids::trace_id(log.organisation_id, &log.trace_id).to_vec(),
        span_id: id.to_vec(),
        parent_span_id: parent.to_vec(),
        ..attempt.passed_over(log, number, attributes)
    }
}

/// The id of a log's topmost span.
pub(super) fn root(log: &log::Model) -> [u8; 8] {
    let own = || {
        if operation::passed_through(log) { ids::of_call(log.id) } else { ids::of_attempt(log.id, 0) }
    };
    ids::given(log.span_id.as_deref()).unwrap_or_else(own)
}

fn server(call: Call<'_>, id: [u8; 8], parent: Option<[u8; 8]>) -> Span {
    let log = call.log;
    let mut attributes = Attributes::default();
    attributes.text(names::HTTP_REQUEST_METHOD, &log.method);
    attributes.int(names::HTTP_RESPONSE_STATUS_CODE, Some(log.status_code.into()));
    let error = operation::error(log);
    // A call that the caller got wrong is no failure of the server (semantic conventions, HTTP server spans).
    let failed = log.status_code >= 500 || !matches!(log.outcome.as_str(), "answered" | "refused");
    if failed {
        attributes.text_if(names::ERROR_TYPE, error.as_deref());
    }
    attributes.text(names::PROVIDER, &log.provider);
    attributes.text_if(names::MODEL, log.model.as_deref());
    whose(call, &mut attributes);
    outcome(call, &mut attributes);
    let name = log.span_name.clone().unwrap_or_else(|| server_name(call));
    Span {
        kind: SpanKind::Server.into(),
        status: failed.then(|| failure(call)),
        ..span(call, name, id, parent, attributes)
    }
}

/// `METHOD path`, of the endpoint as it is in the contract.
fn server_name(call: Call<'_>) -> String {
    let path = match Endpoint::from_name(&call.log.endpoint) {
        Some(Endpoint::ChatCompletions) => "/v1/chat/completions",
        Some(Endpoint::Completions) => "/v1/completions",
        Some(Endpoint::Embeddings) => "/v1/embeddings",
        Some(Endpoint::Models) => "/v1/models",
        Some(Endpoint::Messages) => "/v1/messages",
        Some(Endpoint::MessagesCountTokens) => "/v1/messages/count_tokens",
        Some(Endpoint::CreateModelResponse) => "/v1/responses",
        _ => &call.log.endpoint,
    };
    format!("{} {path}", call.log.method)
}

fn client(call: Call<'_>, options: &Options, attempt: u16, id: [u8; 8], parent: Option<[u8; 8]>) -> Span {
    let log = call.log;
    let mut attributes = Attributes::default();
    let operation = operation::name(log);
    let model = operation::model(log);
    attributes.text(names::OPERATION_NAME, operation);
    attributes.text(names::PROVIDER_NAME, operation::provider(log));
    attributes.text_if(names::REQUEST_MODEL, model);
    if let Some((address, port)) = operation::server(log) {
        attributes.text(names::SERVER_ADDRESS, &address);
        attributes.int(names::SERVER_PORT, port);
        attributes.text(names::URL_FULL, &log.url);
    }
    attributes.text(names::HTTP_REQUEST_METHOD, &log.method);
    if matches!(log.outcome.as_str(), "answered" | "upstream_cut" | "client_gone") {
        attributes.int(names::HTTP_RESPONSE_STATUS_CODE, Some(log.status_code.into()));
    }
    let error = operation::error(log);
    attributes.text_if(names::ERROR_TYPE, error.as_deref());
    used(call, &mut attributes);
    read(call, options, &mut attributes);
    whose(call, &mut attributes);
    if operation::passed_through(log) {
        attributes.int(names::ATTEMPT, Some(attempt.into()));
    } else {
        outcome(call, &mut attributes);
    }
    let name = model.map_or_else(|| operation.to_owned(), |model| format!("{operation} {model}"));
    Span {
        kind: SpanKind::Client.into(),
        status: error.is_some().then(|| failure(call)),
        events: first_byte(call).into_iter().collect(),
        ..span(call, name, id, parent, attributes)
    }
}

/// What is the same in all spans of a call.
fn span(call: Call<'_>, name: String, id: [u8; 8], parent: Option<[u8; 8]>, attributes: Attributes) -> Span {
    let log = call.log;
    Span {
        trace_id: ids::trace_id(log.organisation_id, &log.trace_id).to_vec(),
        span_id: id.to_vec(),
        parent_span_id: parent.map(|parent| parent.to_vec()).unwrap_or_default(),
        name,
        start_time_unix_nano: operation::at(log, 0),
        end_time_unix_nano: operation::at(log, log.latency_us),
        attributes: attributes.done(),
        ..Span::default()
    }
}

/// Whose call it was, and which: by this spans are grouped and found.
fn whose(call: Call<'_>, attributes: &mut Attributes) {
    let log = call.log;
    attributes.text(names::LOG_ID, &log.id.to_string());
    attributes.text(names::ORGANISATION_ID, &log.organisation_id.to_string());
    attributes.text(names::WORKSPACE_ID, &log.workspace_id.to_string());
    attributes.text_if(names::API_KEY_ID, log.api_key_id.map(|id| id.to_string()).as_deref());
    attributes.text_if(names::VIRTUAL_KEY, log.virtual_key.as_deref());
    let pairs = log.metadata.as_ref().and_then(serde_json::Value::as_object);
    for (key, value) in pairs.into_iter().flatten() {
        attributes.text_if(&format!("{}{key}", names::METADATA), value.as_str());
    }
}

/// What became of it, and the ids that the caller gave where the span's are others.
fn outcome(call: Call<'_>, attributes: &mut Attributes) {
    let log = call.log;
    attributes.text(names::SOURCE, &log.source);
    attributes.text_if(names::EXTERNAL_ID, log.external_id.as_deref());
    attributes.text(names::ENDPOINT, &log.endpoint);
    attributes.text(names::OUTCOME, &log.outcome);
    attributes.text(names::PAYLOAD, &log.payload);
    attributes.text(names::CACHE_STATUS, &log.cache_status);
    attributes.int(names::RETRY_COUNT, Some(log.retry_count.into()));
    attributes.text(names::MODE, &log.mode);
    attributes.text(names::OPTION_PATH, &log.option_path);
    attributes.text(names::TRACE_ID, &log.trace_id);
    attributes.text_if(names::SPAN_ID, log.span_id.as_deref().filter(|id| ids::given(Some(id)).is_none()));
    let parent = log.parent_span_id.as_deref();
    attributes.text_if(names::PARENT_SPAN_ID, parent.filter(|id| ids::given(Some(id)).is_none()));
}

fn used(call: Call<'_>, attributes: &mut Attributes) {
    let log = call.log;
    let model = log.model.as_deref().filter(|_| log.outcome == "answered" && log.status_code < 400);
    attributes.text_if(names::RESPONSE_MODEL, model);
    attributes.int(names::USAGE_INPUT_TOKENS, log.input_tokens);
    attributes.int(names::USAGE_OUTPUT_TOKENS, log.output_tokens);
    let some = |part: Option<i64>| part.filter(|tokens| *tokens > 0);
    attributes.int(names::USAGE_CACHE_READ, some(log.cached_input_tokens));
    attributes.int(names::USAGE_CACHE_CREATION, some(log.cache_write_tokens));
    attributes.int(names::USAGE_REASONING, some(log.reasoning_tokens));
    if log.tokens_estimated {
        attributes.bool(names::TOKENS_ESTIMATED, true);
    }
    attributes.double(names::COST_USD, log.cost_pusd.map(dollars));
    attributes.text_if(names::PRICES_VERSION, log.prices_version.as_deref());
    if log.streamed {
        attributes.bool(names::REQUEST_STREAM, true);
        attributes.double(names::RESPONSE_TIME_TO_FIRST_CHUNK, log.first_byte_us.map(operation::seconds));
    }
}

/// What only the bodies say: parameters always, messages where they are wanted.
fn read(call: Call<'_>, options: &Options, attributes: &mut Attributes) {
    // Nothing is kept under Do Not Track; should something be there all the same, it goes nowhere.
    let Some(exchange) = call.content.filter(|_| call.log.payload != "withheld") else { return };
    let Some(endpoint) = Endpoint::from_name(&call.log.endpoint) else { return };
    let request = parameters::fields(endpoint, &exchange.request.body, options.content);
    parameters::add(&request, attributes);
    let answer = answer::Answer::of(endpoint, &exchange.response.body, call.log.streamed, options.content);
    answer.add(attributes);
    if options.content {
        messages::add(endpoint, &request, answer, options.max_content_bytes, attributes);
    }
}

fn first_byte(call: Call<'_>) -> Option<Event> {
    let time_unix_nano = operation::at(call.log, call.log.first_byte_us?);
    Some(Attributes::default().event(names::FIRST_BYTE, time_unix_nano))
}

fn failure(call: Call<'_>) -> Status {
    let message = match call.log.outcome.as_str() {
        "answered" => format!("answered with status {}", call.log.status_code),
        outcome => outcome.replace('_', " "),
    };
    Status { code: StatusCode::Error.into(), message }
}

#[expect(clippy::cast_precision_loss, reason = "more digits than any price has")]
fn dollars(pico: i64) -> f64 {
    pico as f64 / 1e12
}
