//! The attributes' names, once: those of the conventions at [`SCHEMA_URL`], what is read besides, and our own under `turnpike.`.
//!
//! Source: opentelemetry.io, semantic conventions v1.41.1, "Gen AI".

pub mod aliases;

/// The version of the conventions that is emitted.
pub const SCHEMA_URL: &str = "https://opentelemetry.io/schemas/1.41.0";

// The operation
pub const OPERATION_NAME: &str = "gen_ai.operation.name";
pub const PROVIDER_NAME: &str = "gen_ai.provider.name";
pub const OUTPUT_TYPE: &str = "gen_ai.output.type";
pub const ERROR_TYPE: &str = "error.type";

// What was asked for
pub const REQUEST_MODEL: &str = "gen_ai.request.model";
pub const REQUEST_CHOICE_COUNT: &str = "gen_ai.request.choice.count";
pub const REQUEST_SEED: &str = "gen_ai.request.seed";
pub const REQUEST_STREAM: &str = "gen_ai.request.stream";
pub const REQUEST_TEMPERATURE: &str = "gen_ai.request.temperature";
pub const REQUEST_TOP_P: &str = "gen_ai.request.top_p";
pub const REQUEST_TOP_K: &str = "gen_ai.request.top_k";
pub const REQUEST_FREQUENCY_PENALTY: &str = "gen_ai.request.frequency_penalty";
pub const REQUEST_PRESENCE_PENALTY: &str = "gen_ai.request.presence_penalty";
pub const REQUEST_MAX_TOKENS: &str = "gen_ai.request.max_tokens";
pub const REQUEST_STOP_SEQUENCES: &str = "gen_ai.request.stop_sequences";
pub const REQUEST_ENCODING_FORMATS: &str = "gen_ai.request.encoding_formats";
pub const EMBEDDINGS_DIMENSION_COUNT: &str = "gen_ai.embeddings.dimension.count";
pub const OPENAI_REQUEST_SERVICE_TIER: &str = "openai.request.service_tier";

// What was answered
pub const RESPONSE_ID: &str = "gen_ai.response.id";
pub const RESPONSE_MODEL: &str = "gen_ai.response.model";
pub const RESPONSE_FINISH_REASONS: &str = "gen_ai.response.finish_reasons";
pub const RESPONSE_TIME_TO_FIRST_CHUNK: &str = "gen_ai.response.time_to_first_chunk";
pub const OPENAI_RESPONSE_SERVICE_TIER: &str = "openai.response.service_tier";
pub const OPENAI_RESPONSE_SYSTEM_FINGERPRINT: &str = "openai.response.system_fingerprint";

// What was used
pub const USAGE_INPUT_TOKENS: &str = "gen_ai.usage.input_tokens";
pub const USAGE_OUTPUT_TOKENS: &str = "gen_ai.usage.output_tokens";
pub const USAGE_CACHE_READ: &str = "gen_ai.usage.cache_read.input_tokens";
pub const USAGE_CACHE_CREATION: &str = "gen_ai.usage.cache_creation.input_tokens";
pub const USAGE_REASONING: &str = "gen_ai.usage.reasoning.output_tokens";
pub const TOKEN_TYPE: &str = "gen_ai.token.type";

// What was said
pub const INPUT_MESSAGES: &str = "gen_ai.input.messages";
pub const OUTPUT_MESSAGES: &str = "gen_ai.output.messages";
pub const SYSTEM_INSTRUCTIONS: &str = "gen_ai.system_instructions";
pub const TOOL_DEFINITIONS: &str = "gen_ai.tool.definitions";

// HTTP and where it went
pub const HTTP_REQUEST_METHOD: &str = "http.request.method";
pub const HTTP_RESPONSE_STATUS_CODE: &str = "http.response.status_code";
/// Of the same request, how often it was sent before.
pub const HTTP_REQUEST_RESEND_COUNT: &str = "http.request.resend_count";
pub const URL_FULL: &str = "url.full";
pub const SERVER_ADDRESS: &str = "server.address";
pub const SERVER_PORT: &str = "server.port";

// Metrics
pub const OPERATION_DURATION: &str = "gen_ai.client.operation.duration";
pub const TOKEN_USAGE: &str = "gen_ai.client.token.usage";
pub const TIME_TO_FIRST_CHUNK: &str = "gen_ai.client.operation.time_to_first_chunk";

// What is thought of it: an event, and its attributes
pub const EVALUATION_RESULT: &str = "gen_ai.evaluation.result";
pub const EVALUATION_NAME: &str = "gen_ai.evaluation.name";
pub const EVALUATION_SCORE_VALUE: &str = "gen_ai.evaluation.score.value";
pub const EVALUATION_EXPLANATION: &str = "gen_ai.evaluation.explanation";

// The sender
pub const SERVICE_NAME: &str = "service.name";
pub const SERVICE_VERSION: &str = "service.version";

// Our own
pub const LOG_ID: &str = "turnpike.log.id";
pub const ORGANISATION_ID: &str = "turnpike.organisation.id";
pub const WORKSPACE_ID: &str = "turnpike.workspace.id";
pub const API_KEY_ID: &str = "turnpike.api_key.id";
pub const VIRTUAL_KEY: &str = "turnpike.virtual_key";
/// Followed by the key of a pair.
pub const METADATA: &str = "turnpike.metadata.";
pub const SOURCE: &str = "turnpike.source";
pub const EXTERNAL_ID: &str = "turnpike.external_id";
pub const ENDPOINT: &str = "turnpike.endpoint";
pub const PROVIDER: &str = "turnpike.provider";
pub const MODEL: &str = "turnpike.model";
pub const OUTCOME: &str = "turnpike.outcome";
pub const PAYLOAD: &str = "turnpike.payload";
pub const CACHE_STATUS: &str = "turnpike.cache.status";
pub const RETRY_COUNT: &str = "turnpike.retry.count";
pub const MODE: &str = "turnpike.mode";
pub const OPTION_PATH: &str = "turnpike.option_path";
/// The JSON path of an attempt's target in the call's config.
pub const TARGET: &str = "turnpike.target";
pub const FEEDBACK_ID: &str = "turnpike.feedback.id";
pub const FEEDBACK_VALUE: &str = "turnpike.feedback.value";
pub const FEEDBACK_WEIGHT: &str = "turnpike.feedback.weight";
/// Followed by the key of a pair of the feedback's metadata.
pub const FEEDBACK_METADATA: &str = "turnpike.feedback.metadata.";
/// Of the call's attempts at an upstream, from 0.
pub const ATTEMPT: &str = "turnpike.attempt";
pub const COST_USD: &str = "turnpike.cost.usd";
pub const PRICES_VERSION: &str = "turnpike.cost.prices_version";
pub const TOKENS_ESTIMATED: &str = "turnpike.tokens_estimated";
/// The caller's own ids, where they are none of OpenTelemetry's.
pub const TRACE_ID: &str = "turnpike.trace_id";
pub const SPAN_ID: &str = "turnpike.span_id";
pub const PARENT_SPAN_ID: &str = "turnpike.parent_span_id";
/// An event: upstream's first byte.
pub const FIRST_BYTE: &str = "turnpike.first_byte";
/// An event: the cache was looked into.
pub const CACHE_EVENT: &str = "turnpike.cache";
/// An event: the target is asked again.
pub const RETRY_EVENT: &str = "turnpike.retry";
/// An event: another target is asked.
pub const FALLBACK_EVENT: &str = "turnpike.fallback";
/// An event: a guardrail was run.
pub const GUARDRAIL_EVENT: &str = "turnpike.guardrail";
pub const GUARDRAIL_ID: &str = "turnpike.guardrail.id";
/// `input` or `output`.
pub const GUARDRAIL_PHASE: &str = "turnpike.guardrail.phase";
/// Whether it passed.
pub const GUARDRAIL_VERDICT: &str = "turnpike.guardrail.verdict";
/// Whether the call was refused for it.
pub const GUARDRAIL_DENY: &str = "turnpike.guardrail.deny";
/// Whether the call went on without waiting for it.
pub const GUARDRAIL_ASYNC: &str = "turnpike.guardrail.async";
pub const GUARDRAIL_DURATION_MS: &str = "turnpike.guardrail.duration_ms";
/// The ids of its checks that did not pass.
pub const GUARDRAIL_FAILED_CHECKS: &str = "turnpike.guardrail.failed_checks";
/// A metric: the organisation's logs of the running month that count against its quota.
pub const QUOTA_USED: &str = "turnpike.quota.used";
/// A metric: the most logs that are recorded in the month; none where there is no such bound.
pub const QUOTA_LIMIT: &str = "turnpike.quota.limit";
/// A metric: the month's calls that were answered past the quota and not recorded.
pub const QUOTA_DROPPED: &str = "turnpike.quota.dropped";
