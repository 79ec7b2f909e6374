//! Every route there is, so that no table of cases can leave one out.

use providers::Endpoint;
use reqwest::Method;

/// A path for each endpoint of the gateway, and some that only pass through.
pub const GATEWAY: [(&str, &str); 36] = [
    ("POST", "/v1/chat/completions"),
    ("POST", "/v1/completions"),
    ("POST", "/v1/embeddings"),
    ("GET", "/v1/models"),
    ("POST", "/v1/messages"),
    ("POST", "/v1/messages/count_tokens"),
    ("POST", "/v1/responses"),
    ("GET", "/v1/responses/r-1"),
    ("DELETE", "/v1/responses/r-1"),
    ("GET", "/v1/responses/r-1/input_items"),
    ("POST", "/v1/images/generations"),
    ("POST", "/v1/images/edits"),
    ("POST", "/v1/audio/speech"),
    ("POST", "/v1/audio/transcriptions"),
    ("POST", "/v1/audio/translations"),
    ("POST", "/v1/files"),
    ("GET", "/v1/files"),
    ("GET", "/v1/files/f-1"),
    ("DELETE", "/v1/files/f-1"),
    ("GET", "/v1/files/f-1/content"),
    ("POST", "/v1/batches"),
    ("GET", "/v1/batches"),
    ("GET", "/v1/batches/b-1"),
    ("GET", "/v1/batches/b-1/output"),
    ("POST", "/v1/batches/b-1/cancel"),
    ("POST", "/v1/fine_tuning/jobs"),
    ("GET", "/v1/fine_tuning/jobs"),
    ("GET", "/v1/fine_tuning/jobs/j-1"),
    ("POST", "/v1/fine_tuning/jobs/j-1/cancel"),
    ("GET", "/v1/realtime"),
    ("POST", "/v1/prompts/p-1/completions"),
    ("POST", "/v1/prompts/p-1/render"),
    ("GET", "/v1/vector_stores"),
    ("PUT", "/v1/things/1"),
    ("PATCH", "/v1/things/1"),
    ("DELETE", "/v1/things/1"),
];

/// The gateway's endpoints whose body is JSON that it reads.
pub const JSON: [&str; 8] = [
    "/v1/chat/completions",
    "/v1/completions",
    "/v1/embeddings",
    "/v1/messages",
    "/v1/messages/count_tokens",
    "/v1/responses",
    "/v1/images/generations",
    "/v1/audio/speech",
];

pub fn method(name: &str) -> Method {
    name.parse().unwrap()
}

#[test]
fn the_table_of_the_gateways_paths_has_every_endpoint() {
    let of = |(method, path): (&str, &str)| Endpoint::of(&method.parse().unwrap(), path);
    let there: Vec<Endpoint> = GATEWAY.into_iter().map(of).collect();
    for endpoint in Endpoint::ALL.into_iter().filter(|endpoint| *endpoint != Endpoint::Span) {
        assert!(there.contains(&endpoint), "no path for {}", endpoint.name());
    }
}
