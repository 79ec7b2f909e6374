//! What a request asks for besides its messages. Parameters are no content.

use providers::Endpoint;
use serde_json::{Map, Value};

use super::attributes::Attributes;
use crate::names;

const PARAMETERS: [&str; 17] = [
    "temperature",
    "top_p",
    "top_k",
    "frequency_penalty",
    "presence_penalty",
    "max_tokens",
    "max_completion_tokens",
    "max_output_tokens",
    "stop",
    "stop_sequences",
    "seed",
    "n",
    "response_format",
    "modalities",
    "service_tier",
    "dimensions",
    "encoding_format",
];

const CONTENT: [&str; 7] = ["messages", "prompt", "input", "system", "instructions", "tools", "functions"];

/// The fields of a request that are told; those with content only where it is wanted.
pub(super) fn fields(endpoint: Endpoint, body: &[u8], content: bool) -> Map<String, Value> {
    if !is_read(endpoint) {
        return Map::new();
    }
    let wanted = PARAMETERS.into_iter().chain(CONTENT.into_iter().filter(|_| content));
    providers::fields(body, &wanted.collect::<Vec<_>>())
}

/// Whether requests to this endpoint are known well enough to be read.
pub(super) fn is_read(endpoint: Endpoint) -> bool {
    matches!(endpoint, Endpoint::Embeddings) || is_generation(endpoint)
}

/// Whether answers of this endpoint are texts.
pub(super) fn is_generation(endpoint: Endpoint) -> bool {
    matches!(
        endpoint,
        Endpoint::ChatCompletions
            | Endpoint::Completions
            | Endpoint::Messages
            | Endpoint::CreateModelResponse
            | Endpoint::PromptCompletions
    )
}

pub(super) fn add(request: &Map<String, Value>, attributes: &mut Attributes) {
    let double = |name: &str| request.get(name).and_then(Value::as_f64);
    let int = |name: &str| request.get(name).and_then(Value::as_i64);
    let text = |name: &str| request.get(name).and_then(Value::as_str);
    attributes.double(names::REQUEST_TEMPERATURE, double("temperature"));
    attributes.double(names::REQUEST_TOP_P, double("top_p"));
    attributes.double(names::REQUEST_TOP_K, double("top_k"));
    attributes.double(names::REQUEST_FREQUENCY_PENALTY, double("frequency_penalty"));
    attributes.double(names::REQUEST_PRESENCE_PENALTY, double("presence_penalty"));
    let most =
        int("max_completion_tokens").or_else(|| int("max_output_tokens")).or_else(|| int("max_tokens"));
    attributes.int(names::REQUEST_MAX_TOKENS, most);
    let stop = request.get("stop").or_else(|| request.get("stop_sequences"));
    attributes.texts(names::REQUEST_STOP_SEQUENCES, stop.into_iter().flat_map(texts));
    attributes.int(names::REQUEST_SEED, int("seed"));
    attributes.int(names::REQUEST_CHOICE_COUNT, int("n").filter(|count| *count != 1));
    attributes.text_if(names::OUTPUT_TYPE, output_type(request));
    attributes
        .text_if(names::OPENAI_REQUEST_SERVICE_TIER, text("service_tier").filter(|tier| *tier != "auto"));
    attributes.int(names::EMBEDDINGS_DIMENSION_COUNT, int("dimensions"));
    attributes.texts(names::REQUEST_ENCODING_FORMATS, text("encoding_format"));
}

/// A string, or the strings of a list.
fn texts(value: &Value) -> impl Iterator<Item = &str> {
    let list = value.as_array().into_iter().flatten().filter_map(Value::as_str);
    value.as_str().into_iter().chain(list)
}

fn output_type(request: &Map<String, Value>) -> Option<&'static str> {
    let audio = request.get("modalities").is_some_and(|asked| texts(asked).any(|kind| kind == "audio"));
    match request.get("response_format").and_then(|format| format.get("type")?.as_str()) {
        _ if audio => Some("speech"),
        Some("json_object" | "json_schema") => Some("json"),
        Some("text") => Some("text"),
        _ => None,
    }
}
