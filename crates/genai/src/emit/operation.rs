//! What kind of call it was, whose model it was and how it ended, in the conventions' words.

use std::borrow::Cow;

use entity::log;
use providers::Endpoint;
use url::Url;

/// `gen_ai.operation.name`; what the conventions have no name for is called as in the contract.
pub(super) fn name(log: &log::Model) -> &str {
    match Endpoint::from_name(&log.endpoint) {
        Some(
            Endpoint::ChatCompletions
            | Endpoint::Messages
            | Endpoint::CreateModelResponse
            | Endpoint::PromptCompletions,
        ) => "chat",
        Some(Endpoint::Completions) => "text_completion",
        Some(Endpoint::Embeddings) => "embeddings",
        _ => &log.endpoint,
    }
}

/// `gen_ai.provider.name`.
pub(super) fn provider(log: &log::Model) -> &str {
    provider_named(&log.provider)
}

/// The same of a provider by our name for it.
pub(super) fn provider_named(slug: &str) -> &str {
    match slug {
        // These have no row of their own yet: they come with logs that are inserted.
        "azure-openai" => "azure.ai.openai",
        "azure-ai" => "azure.ai.inference",
        "bedrock" => "aws.bedrock",
        "vertex-ai" => "gcp.vertex_ai",
        slug => providers::provider(slug).map_or(slug, |known| &known.gen_ai_system),
    }
}

/// `gen_ai.request.model`, and of logs that have none the one that answered.
pub(super) fn model(log: &log::Model) -> Option<&str> {
    log.requested_model.as_deref().or(log.model.as_deref())
}

/// `server.address` and `server.port`: the provider's.
pub(super) fn server(log: &log::Model) -> Option<(String, Option<i64>)> {
    server_at(&log.url)
}

/// The same of a URL.
pub(super) fn server_at(url: &str) -> Option<(String, Option<i64>)> {
    let url = Url::parse(url).ok()?;
    Some((url.host_str()?.to_owned(), url.port_or_known_default().map(i64::from)))
}

/// `error.type`: how the call ended where that was before the answer's end, else a status of failure.
pub(super) fn error(log: &log::Model) -> Option<Cow<'_, str>> {
    match log.outcome.as_str() {
        "answered" if log.status_code < 400 => None,
        "answered" => Some(log.status_code.to_string().into()),
        outcome => Some(outcome.into()),
    }
}

/// How many times a provider was tried: none where the gateway itself answered.
pub(super) fn attempts(log: &log::Model) -> u16 {
    u16::from(log.outcome != "refused" && !log.cache_status.contains("HIT"))
}

/// Whether the call went through the gateway; else the log was inserted.
pub(super) fn passed_through(log: &log::Model) -> bool {
    log.source == "gateway"
}

/// Microseconds as seconds.
#[expect(clippy::cast_precision_loss, reason = "a double holds centuries of microseconds exactly")]
pub(super) fn seconds(us: i64) -> f64 {
    us as f64 / 1e6
}

/// When the call came, and so many microseconds later, in nanoseconds since 1970.
pub(super) fn at(log: &log::Model, after_us: i64) -> u64 {
    let us = log.created_at.saturating_mul(1000).saturating_add(after_us);
    u64::try_from(us).unwrap_or(0).saturating_mul(1000)
}
