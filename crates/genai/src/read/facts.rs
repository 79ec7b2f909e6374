//! What a span's attributes say of its call besides the content.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat};
use opentelemetry_proto::tonic::trace::v1::Span;
use providers::{Endpoint, Usage};
use serde_json::{Value, json};

use super::attributes::{Attributes, structure};
use crate::names::aliases;

/// Characters of a metadata key and of its value, of a model's and of a provider's name.
const MAX_WORD: usize = 128;

/// Pairs of metadata, at most.
const MAX_PAIRS: usize = 100;

const MAX_URL: usize = 8192;

/// No call costs more dollars than this; what says so is mistaken.
const MAX_COST: f64 = 1e6;

/// What is read into a place of its own, or is content, and so is no metadata.
const ELSEWHERE: [&str; 14] = [
    "gen_ai.",
    "llm.",
    "openai.",
    "input.",
    "output.",
    "embedding.",
    "http.",
    "url.",
    "server.",
    "net.",
    "exception.",
    "openinference.",
    "otel.",
    "retrieval.",
];

/// Of what is elsewhere, what logs are looked for by all the same.
const METADATA: [&str; 5] = [
    "gen_ai.conversation.id",
    "gen_ai.agent.name",
    "gen_ai.agent.id",
    "gen_ai.prompt.name",
    "gen_ai.prompt.version",
];

/// What is called; [`Endpoint::Span`] for all that is no model call, agents and tools among it.
pub(super) fn endpoint(attributes: &Attributes) -> Endpoint {
    let word = |names| attributes.text(names).map(str::to_ascii_lowercase);
    if let Some(kind) = word(aliases::OPENINFERENCE_KIND) {
        return match kind.as_str() {
            "llm" => completes(attributes),
            "embedding" => Endpoint::Embeddings,
            _ => Endpoint::Span,
        };
    }
    if let Some(operation) = word(aliases::OPERATION) {
        return match operation.as_str() {
            "chat" | "generate_content" => Endpoint::ChatCompletions,
            "text_completion" => Endpoint::Completions,
            "embeddings" => Endpoint::Embeddings,
            _ => Endpoint::Span,
        };
    }
    match word(aliases::REQUEST_TYPE).as_deref() {
        Some("chat") => return Endpoint::ChatCompletions,
        Some("completion") => return Endpoint::Completions,
        Some("embedding") => return Endpoint::Embeddings,
        Some("rerank") => return Endpoint::Span,
        _ => {}
    }
    let (requested, answered) = models(attributes);
    let told = attributes.text(aliases::PROVIDER).is_some() || usage(attributes).is_some();
    if attributes.text(aliases::TRACELOOP_KIND).is_none() && requested.or(answered).is_some() && told {
        completes(attributes)
    } else {
        Endpoint::Span
    }
}

/// A chat, unless a prompt is there that is no message.
fn completes(attributes: &Attributes) -> Endpoint {
    let texts = attributes.items("llm.prompts");
    if texts.is_empty() { Endpoint::ChatCompletions } else { Endpoint::Completions }
}

/// The model asked for, and the one that answered.
pub(super) fn models(attributes: &Attributes) -> (Option<String>, Option<String>) {
    let name = |names| attributes.text(names).map(|name| cut(name, MAX_WORD));
    (name(aliases::REQUESTED_MODEL), name(aliases::MODEL))
}

/// Our slug for it, where it is one that we know by any of its names.
pub(super) fn provider(attributes: &Attributes) -> Option<String> {
    let name = attributes.text(aliases::PROVIDER)?.to_ascii_lowercase();
    let slug = match name.as_str() {
        "az.ai.openai" | "azure.ai.openai" | "azure" => "azure-openai",
        "az.ai.inference" | "azure.ai.inference" => "azure-ai",
        "aws.bedrock" | "aws" => "bedrock",
        "gcp.vertex_ai" | "vertex_ai" | "vertexai" => "vertex-ai",
        "xai" => "x-ai",
        "mistral" | "mistralai" => "mistral-ai",
        "gemini" => "google",
        other => {
            let named = providers::all().find(|provider| provider.gen_ai_system == other);
            let known = providers::provider(other).or(named);
            return Some(known.map_or_else(|| cut(other, MAX_WORD), |provider| provider.slug.clone()));
        }
    };
    Some(slug.to_owned())
}

/// The totals as they are told, with the parts of them; nothing is added to a total.
pub(super) fn usage(attributes: &Attributes) -> Option<Usage> {
    let (input, output) = (attributes.count(aliases::INPUT_TOKENS), attributes.count(aliases::OUTPUT_TOKENS));
    if input.is_none() && output.is_none() {
        return None;
    }
    let part = |names| attributes.count(names).unwrap_or(0);
    let usage = Usage {
        input_tokens: input.unwrap_or(0),
        output_tokens: output.unwrap_or(0),
        cached_input_tokens: part(aliases::CACHE_READ_TOKENS),
        cache_write_tokens: part(aliases::CACHE_WRITE_TOKENS),
        reasoning_tokens: part(aliases::REASONING_TOKENS),
        audio_input_tokens: part(aliases::AUDIO_INPUT_TOKENS),
        audio_output_tokens: part(aliases::AUDIO_OUTPUT_TOKENS),
        ..Usage::default()
    };
    Some(usage.consistent())
}

#[expect(clippy::cast_possible_truncation, reason = "within bounds")]
pub(super) fn cost_pusd(attributes: &Attributes) -> Option<i64> {
    let dollars = attributes.number(aliases::COST)?;
    (dollars <= MAX_COST).then_some((dollars * 1e12).round() as i64)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at least 0, and saturates")]
pub(super) fn first_byte_us(attributes: &Attributes) -> Option<u64> {
    let seconds = attributes.number(aliases::FIRST_CHUNK)?;
    (seconds < 31_536_000.0).then_some((seconds * 1e6) as u64)
}

pub(super) fn streamed(attributes: &Attributes) -> bool {
    attributes.flag(aliases::STREAM)
}

/// The HTTP status of the answer; some tell it as the kind of the error.
pub(super) fn status(attributes: &Attributes) -> Option<u16> {
    let code = attributes.count(aliases::STATUS).or_else(|| attributes.count(aliases::ERROR_TYPE))?;
    u16::try_from(code).ok().filter(|code| (100..600).contains(code))
}

pub(super) fn method(attributes: &Attributes, endpoint: Endpoint) -> String {
    let told = attributes.text(aliases::METHOD).map(|method| cut(method, 16).to_ascii_uppercase());
    let asked = if endpoint == Endpoint::Span { "" } else { "POST" };
    told.unwrap_or_else(|| asked.to_owned())
}

/// The address, or as much as is known of it.
pub(super) fn url(attributes: &Attributes) -> String {
    if let Some(url) = attributes.text(aliases::URL) {
        return cut(url, MAX_URL);
    }
    let Some(server) = attributes.text(aliases::SERVER) else { return String::new() };
    if server.contains("://") {
        return cut(server, MAX_URL);
    }
    match attributes.count(aliases::PORT) {
        None | Some(443) => cut(&format!("https://{server}"), MAX_URL),
        Some(80) => cut(&format!("http://{server}"), MAX_URL),
        Some(port) => cut(&format!("https://{server}:{port}"), MAX_URL),
    }
}

/// In the shape of `OpenAI`'s errors.
pub(super) fn error(attributes: &Attributes, span: &Span) -> Value {
    let exception = span.events.iter().rev().find(|event| event.name == "exception");
    let exception = exception.map(|event| Attributes::of(event.attributes.clone()));
    let told = |names| {
        let of_event = exception.as_ref().and_then(|event| event.text(names));
        attributes.text(names).or(of_event).map(str::to_owned)
    };
    let message = span.status.as_ref().map(|status| status.message.clone()).filter(|text| !text.is_empty());
    let message = message.or_else(|| told(aliases::ERROR_MESSAGE));
    json!({"message": message, "type": told(aliases::ERROR_TYPE), "param": null, "code": null})
}

/// What the log is found by: the user, the service, when the span began, and of a model call what is told besides.
pub(super) fn metadata(
    attributes: &Attributes,
    endpoint: Endpoint,
    span: &Span,
    service: Option<&str>,
) -> BTreeMap<String, String> {
    let mut pairs = BTreeMap::new();
    let mut add = |key: &str, value: &str| {
        let fits = |text: &str| !text.is_empty() && text.chars().count() <= MAX_WORD;
        if pairs.len() < MAX_PAIRS && fits(key) && fits(value) {
            pairs.entry(key.to_owned()).or_insert_with(|| value.to_owned());
        }
    };
    add("start_time", &moment(span.start_time_unix_nano));
    add("service.name", service.unwrap_or_default());
    add("_user", attributes.text(aliases::USER).unwrap_or_default());
    if let Some(Value::Object(own)) = attributes.structure(&["metadata"]) {
        own.iter().for_each(|(key, value)| add(key, &word(value)));
    }
    for (name, value) in attributes.iter() {
        if let Some(key) = name.strip_prefix("traceloop.association.properties.") {
            add(key, &word(value));
        } else if METADATA.contains(&name)
            || endpoint != Endpoint::Span && !ELSEWHERE.iter().any(|prefix| name.starts_with(prefix))
        {
            add(name, &word(value));
        }
    }
    pairs
}

/// A text, a number, or a short list of them; nothing of what has more to it.
fn word(value: &Value) -> String {
    match value {
        Value::String(text) if structure(value).is_none() => text.clone(),
        Value::Number(_) | Value::Bool(_) => value.to_string(),
        Value::Array(items) if items.iter().all(Value::is_string) => {
            items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(",")
        }
        _ => String::new(),
    }
}

/// Nothing for what is no time.
fn moment(unix_nanos: u64) -> String {
    let nanos = i64::try_from(unix_nanos).unwrap_or(0);
    if nanos == 0 {
        return String::new();
    }
    DateTime::from_timestamp_nanos(nanos).to_rfc3339_opts(SecondsFormat::Micros, true)
}

fn cut(text: &str, max: usize) -> String {
    text.chars().take(max).collect()
}
