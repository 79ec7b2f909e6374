//! What each thing is called that is read from a span, the name that wins first: the conventions' own, from the newest to the
//! oldest, then `OpenInference`'s and `Traceloop`'s.
//!
//! Sources: semantic conventions v1.27 to v1.41.1, "Gen AI"; github.com/Arize-ai/openinference, `spec/`;
//! github.com/traceloop/openllmetry, `opentelemetry-semantic-conventions-ai`.

pub const OPERATION: &[&str] = &["gen_ai.operation.name"];
/// `OpenInference`'s kind of a span.
pub const OPENINFERENCE_KIND: &[&str] = &["openinference.span.kind"];
/// `Traceloop`'s kind of a span that is no model call.
pub const TRACELOOP_KIND: &[&str] = &["traceloop.span.kind"];
/// `Traceloop`'s kind of a model call.
pub const REQUEST_TYPE: &[&str] = &["llm.request.type"];

pub const PROVIDER: &[&str] = &[
    "gen_ai.provider.name",
    "gen_ai.system",
    "gen_ai.model.provider",
    "llm.provider",
    "llm.system",
    "llm.vendor",
];
pub const REQUESTED_MODEL: &[&str] = &[
    "gen_ai.request.model",
    "llm.request.model_name",
    "llm.request.model",
    "llm.model_name",
    "embedding.model_name",
];
pub const MODEL: &[&str] = &[
    "gen_ai.response.model",
    "llm.response.model_name",
    "llm.response.model",
    "llm.model_name",
    "embedding.model_name",
];
pub const RESPONSE_ID: &[&str] = &["gen_ai.response.id", "llm.response.id"];
pub const FINISH_REASONS: &[&str] = &["gen_ai.response.finish_reasons", "llm.response.finish_reason"];
pub const FINISH_REASON: &[&str] =
    &["llm.finish_reason", "llm.response.finish_reason", "llm.response.stop_reason"];
pub const STREAM: &[&str] = &["gen_ai.request.stream", "gen_ai.is_streaming", "llm.is_streaming"];
/// Seconds.
pub const FIRST_CHUNK: &[&str] =
    &["gen_ai.response.time_to_first_chunk", "gen_ai.server.time_to_first_token"];

pub const INPUT_TOKENS: &[&str] = &[
    "gen_ai.usage.input_tokens",
    "gen_ai.usage.prompt_tokens",
    "llm.token_count.prompt",
    "llm.usage.prompt_tokens",
];
pub const OUTPUT_TOKENS: &[&str] = &[
    "gen_ai.usage.output_tokens",
    "gen_ai.usage.completion_tokens",
    "llm.token_count.completion",
    "llm.usage.completion_tokens",
];
pub const CACHE_READ_TOKENS: &[&str] = &[
    "gen_ai.usage.cache_read.input_tokens",
    "gen_ai.usage.cache_read_input_tokens",
    "llm.token_count.prompt_details.cache_read",
];
pub const CACHE_WRITE_TOKENS: &[&str] = &[
    "gen_ai.usage.cache_write.input_tokens",
    "gen_ai.usage.cache_creation.input_tokens",
    "gen_ai.usage.cache_creation_input_tokens",
    "llm.token_count.prompt_details.cache_write",
];
pub const REASONING_TOKENS: &[&str] = &[
    "gen_ai.usage.reasoning.output_tokens",
    "gen_ai.usage.reasoning_tokens",
    "llm.token_count.completion_details.reasoning",
    "llm.usage.reasoning_tokens",
];
pub const AUDIO_INPUT_TOKENS: &[&str] = &["llm.token_count.prompt_details.audio"];
pub const AUDIO_OUTPUT_TOKENS: &[&str] = &["llm.token_count.completion_details.audio"];
/// US dollars.
pub const COST: &[&str] = &["gen_ai.usage.cost", "llm.cost.total"];

pub const INPUT_MESSAGES: &[&str] = &["gen_ai.input.messages"];
pub const OUTPUT_MESSAGES: &[&str] = &["gen_ai.output.messages"];
pub const SYSTEM_INSTRUCTIONS: &[&str] = &["gen_ai.system_instructions"];
pub const TOOL_DEFINITIONS: &[&str] = &["gen_ai.tool.definitions"];
/// Names with a number after them, and what a message has below that.
pub const INDEXED_INPUT: &[&str] = &["llm.input_messages", "gen_ai.prompt"];
pub const INDEXED_OUTPUT: &[&str] = &["llm.output_messages", "gen_ai.completion"];
/// A text, or messages as JSON.
pub const PROMPT: &[&str] = &["gen_ai.prompt_json", "gen_ai.prompt", "llm.prompts", "input.value"];
pub const COMPLETION: &[&str] =
    &["gen_ai.completion_json", "gen_ai.completion", "llm.completions", "output.value"];
/// A JSON object with the rest of the request.
pub const PARAMETERS: &[&str] = &["llm.invocation_parameters"];

pub const USER: &[&str] = &["user.id", "enduser.id", "llm.user", "gen_ai.user"];
pub const URL: &[&str] = &["url.full", "http.url"];
pub const METHOD: &[&str] = &["http.request.method", "http.method"];
pub const STATUS: &[&str] = &["http.response.status_code", "http.status_code"];
pub const SERVER: &[&str] =
    &["server.address", "gen_ai.openai.api_base", "llm.openai.api_base", "net.peer.name"];
pub const PORT: &[&str] = &["server.port", "net.peer.port"];
pub const ERROR_TYPE: &[&str] = &["error.type", "exception.type"];
pub const ERROR_MESSAGE: &[&str] = &["exception.message", "error.message"];

/// What of a request's parameters has which name in `OpenAI`'s shape.
pub const REQUEST_PARAMETERS: &[(&str, &[&str])] = &[
    ("temperature", &["gen_ai.request.temperature", "llm.request.temperature", "llm.temperature"]),
    ("top_p", &["gen_ai.request.top_p", "llm.request.top_p", "llm.top_p"]),
    ("top_k", &["gen_ai.request.top_k", "llm.top_k"]),
    ("max_tokens", &["gen_ai.request.max_tokens", "llm.request.max_tokens"]),
    ("frequency_penalty", &["gen_ai.request.frequency_penalty", "llm.frequency_penalty"]),
    ("presence_penalty", &["gen_ai.request.presence_penalty", "llm.presence_penalty"]),
    ("seed", &["gen_ai.request.seed", "gen_ai.openai.request.seed"]),
    ("stop", &["gen_ai.request.stop_sequences", "llm.chat.stop_sequences"]),
    ("n", &["gen_ai.request.choice.count"]),
    ("dimensions", &["gen_ai.embeddings.dimension.count"]),
    ("service_tier", &["openai.request.service_tier", "gen_ai.openai.request.service_tier"]),
    ("stream", STREAM),
];
