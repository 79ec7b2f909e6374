//! The plane's part of the OpenAPI document: the calls that are made most, and what they all have in common.

use serde::Serialize;
use serde_json::Value;
use utoipa::openapi::path::{HttpMethod, OperationBuilder, ParameterIn, PathItem};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, SecurityScheme};
use utoipa::openapi::{
    Components, Content, OpenApi, Ref, RefOr, Required, Response, Schema, SecurityRequirement,
};
use utoipa::{IntoParams, PartialSchema, ToSchema};

const API_KEY: &str = "api_key";

/// What all calls have in common.
const PASSED_ON: &str = "The body goes to the provider that the headers name, or a `model` of the form \
    `@virtual-key/model`, and the provider's answer comes back as it is, errors and streams included. Every other method and \
    path under `/v1/` that is not in this document passes through in the same way. Needs `completions.write`, of a workspace's \
    key.";

const LISTED: &str = "What the workspace can call by its virtual keys; with a target in the headers, what that provider \
    lists. Needs `completions.write`, of a workspace's key.";

/// The headers that steer a call.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "it says what is read from the headers")]
struct Steering {
    /// A provider's slug, or `@` and a virtual key's.
    #[param(rename = "x-portkey-provider", max_length = 256)]
    provider: Option<String>,
    /// A virtual key's slug.
    #[param(rename = "x-portkey-virtual-key", max_length = 256)]
    virtual_key: Option<String>,
    /// A config as a JSON object, or the slug of a saved one: where the call may go, and how. It goes before the key's own, and its
    /// targets before `x-portkey-provider` and `x-portkey-virtual-key`.
    #[param(
        rename = "x-portkey-config",
        max_length = 65536,
        example = r#"{"provider":"echo","retry":{"attempts":2}}"#
    )]
    config: Option<String>,
    /// A base URL to call in place of the provider's own; not together with a virtual key.
    #[param(rename = "x-portkey-custom-host")]
    custom_host: Option<String>,
    #[param(rename = "x-portkey-trace-id", max_length = 256)]
    trace_id: Option<String>,
    #[param(rename = "x-portkey-span-id", max_length = 256)]
    span_id: Option<String>,
    #[param(rename = "x-portkey-span-name", max_length = 256)]
    span_name: Option<String>,
    #[param(rename = "x-portkey-parent-span-id", max_length = 256)]
    parent_span_id: Option<String>,
    /// A JSON object of at most 64 strings of at most 128 characters, to find the log by.
    #[param(rename = "x-portkey-metadata", example = r#"{"_user":"u-17"}"#)]
    metadata: Option<String>,
    /// False is Do Not Track: no content is kept.
    #[param(rename = "x-portkey-debug")]
    debug: Option<bool>,
    /// Milliseconds within which the answer must begin.
    #[param(rename = "x-portkey-request-timeout", minimum = 1, maximum = 3_600_000)]
    request_timeout: Option<u64>,
    /// True: upstream is asked whatever is kept, and its answer is kept anew.
    #[param(rename = "x-portkey-cache-force-refresh")]
    cache_force_refresh: Option<bool>,
    /// Divides what is kept of a workspace's answers.
    #[param(rename = "x-portkey-cache-namespace", max_length = 256)]
    cache_namespace: Option<String>,
    /// False: an answer may have more than OpenAI's fields, such as what guardrails found first in a stream.
    #[param(rename = "x-portkey-strict-open-ai-compliance")]
    strict: Option<bool>,
    /// Names of headers to pass on, with commas between them.
    #[param(rename = "x-portkey-forward-headers")]
    forward_headers: Option<String>,
    /// Names of headers whose values the log masks, with commas between them.
    #[param(rename = "x-portkey-sensitive-headers")]
    sensitive_headers: Option<String>,
}

/// A chat. What else is in it is the provider's to read.
#[derive(ToSchema)]
#[schema(example = json!({"model": "echo", "messages": [{"role": "user", "content": "hello"}]}))]
#[expect(dead_code, reason = "it says what is read from the body")]
struct Chat {
    /// The provider's name for it, or `@virtual-key/model`.
    model: Option<String>,
    messages: Vec<Value>,
    stream: Option<bool>,
    /// The caller's name for its end user.
    user: Option<String>,
}

/// A text to go on from. What else is in it is the provider's to read.
#[derive(ToSchema)]
#[schema(example = json!({"model": "echo", "prompt": "hello"}))]
#[expect(dead_code, reason = "it says what is read from the body")]
struct Completion {
    /// The provider's name for it, or `@virtual-key/model`.
    model: Option<String>,
    prompt: Value,
    stream: Option<bool>,
    /// The caller's name for its end user.
    user: Option<String>,
}

/// Texts to embed. What else is in it is the provider's to read.
#[derive(ToSchema)]
#[schema(example = json!({"model": "echo", "input": "hello"}))]
#[expect(dead_code, reason = "it says what is read from the body")]
struct Embedding {
    /// The provider's name for it, or `@virtual-key/model`.
    model: Option<String>,
    input: Value,
    /// The caller's name for its end user.
    user: Option<String>,
}

/// A call that the gateway refuses, or that got no answer, has one of these shapes; a provider's own error has the
/// provider's.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "it says what is answered")]
enum CallError {
    Refused {
        /// Always `failure`.
        status: String,
        /// What was wrong with which field.
        message: String,
    },
    Failed {
        #[schema(value_type = Object)]
        error: Value,
    },
}

/// The document of the plane's own routes.
#[must_use]
pub fn openapi() -> OpenApi {
    let mut document = OpenApi::default();
    let mut components = Components::new();
    let key = "A workspace's key; `Authorization: Bearer` takes it too, where the provider needs no key of the caller's.";
    let key = ApiKeyValue::with_description("x-portkey-api-key", key);
    components.add_security_scheme(API_KEY, SecurityScheme::ApiKey(ApiKey::Header(key)));
    let mut post = |path: &str, id, summary, (name, schema): (String, RefOr<Schema>)| {
        let body = Content::new(Some(Ref::from_schema_name(&name)));
        components.schemas.insert(name, schema);
        let body = RequestBodyBuilder::new().content("application/json", body).required(Some(Required::True));
        let call = call(id, summary, PASSED_ON).request_body(Some(body.build())).build();
        document.paths.paths.insert(path.to_owned(), PathItem::new(HttpMethod::Post, call));
    };
    post("/v1/chat/completions", "chat", "A chat.", named::<Chat>());
    post("/v1/completions", "complete", "A text completed.", named::<Completion>());
    post("/v1/embeddings", "embed", "Texts as vectors.", named::<Embedding>());
    let models = call("models", "The models that can be called.", LISTED).build();
    document.paths.paths.insert("/v1/models".to_owned(), PathItem::new(HttpMethod::Get, models));
    let (name, schema) = named::<CallError>();
    components.schemas.insert(name, schema);
    document.components = Some(components);
    document
}

fn named<T: ToSchema>() -> (String, RefOr<Schema>) {
    (T::name().into_owned(), T::schema())
}

fn call(id: &str, summary: &str, description: &str) -> OperationBuilder {
    let mut operation = OperationBuilder::new()
        .operation_id(Some(format!("gateway_{id}")))
        .tag("gateway")
        .summary(Some(summary))
        .description(Some(description))
        .security(SecurityRequirement::new(API_KEY, ["completions.write"]))
        .response("200", answer());
    for parameter in Steering::into_params(|| Some(ParameterIn::Header)) {
        operation = operation.parameter(parameter);
    }
    for (status, text) in [
        ("400", "A header or a field is not right: the message names it."),
        ("401", "There is no key, or none that is good."),
        ("402", "The organisation's invoices are not paid."),
        ("403", "The key is good and makes no calls."),
        ("408", "The provider's answer did not begin in time."),
        (
            "412",
            "A budget of the key, its workspace or the virtual key has not enough left; or the organisation's logs of the month are \
             used up, and it refuses calls that would not be recorded.",
        ),
        ("413", "The body is too large."),
        (
            "429",
            "A rate limit is reached: `retry-after` says how many seconds to wait. Or the provider says so.",
        ),
        ("500", "The provider could not be reached, or a fault of the server's."),
        (
            "503",
            "The provider could not be connected to in time, there is no room to record the call, or its limits cannot be checked: try again.",
        ),
        ("default", "What the provider answered."),
    ] {
        let mut response = Response::new(text);
        if status != "default" {
            let error = Content::new(Some(Ref::from_schema_name(CallError::name())));
            response.content.insert("application/json".to_owned(), error.into());
        }
        operation = operation.response(status, response);
    }
    operation
}

/// What the provider says, whole or as events.
fn answer() -> Response {
    let mut response = Response::new("What the provider answered; a stream where the body asks for one.");
    for content_type in ["application/json", "text/event-stream"] {
        response.content.insert(content_type.to_owned(), Content::new(Some(Value::schema())).into());
    }
    response
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
    use clock::{Clock, Ids};

    use super::*;
    use crate::control::Control;

    #[test]
    fn every_header_of_the_document_is_read() {
        let ids = Ids::new(Clock::system());
        let parameters = Steering::into_params(|| Some(ParameterIn::Header));
        assert_eq!(parameters.len(), 16);
        for parameter in parameters {
            let mut headers = HeaderMap::new();
            for value in ["one", "two"] {
                let name: HeaderName = parameter.name.parse().unwrap();
                headers.append(name, HeaderValue::from_static(value));
            }
            let refused = Control::read(&headers, "", &ids).unwrap_err().to_string();
            assert_eq!(refused, format!("{}: must be sent once", parameter.name));
        }
    }
}
