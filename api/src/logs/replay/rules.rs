//! Whether a call can be made once more, and if not, why.

use entity::log;
use logstore::Exchange;
use providers::Endpoint;
use serde::Serialize;
use utoipa::ToSchema;

/// What can be made once more.
const ENDPOINTS: [Endpoint; 3] = [Endpoint::ChatCompletions, Endpoint::Completions, Endpoint::Embeddings];

/// The provider that needs no key.
const BUILT_IN: &str = "echo";

/// Whether a call can be made once more (2.4).
#[derive(Serialize, ToSchema)]
pub(crate) struct Replayable {
    pub allowed: bool,
    /// Why not.
    pub reason: Option<String>,
}

impl Replayable {
    pub fn of(log: &log::Model, exchange: Option<&Exchange>, virtual_key: Option<&str>) -> Self {
        let judged = judge(log, exchange, virtual_key, false);
        Self { allowed: judged.is_ok(), reason: judged.err().map(|refusal| refusal.to_string()) }
    }
}

/// Why a call cannot be made once more.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    #[error("only chat completions, completions and embeddings are replayed")]
    Endpoint,
    #[error("its virtual key `{0}` is archived")]
    Archived(String),
    #[error("its prompt template `{0}` was called from inside a config's target")]
    PromptInTarget(String),
    #[error("it was made with a provider's key that is not held here; name a virtual key or a config")]
    ForeignKey,
    #[error("its content is not kept whole ({0})")]
    Content(String),
}

/// `virtual_key`: the status of the log's; `names_target`: another one is to be called, or under another config.
pub(super) fn judge(
    log: &log::Model,
    exchange: Option<&Exchange>,
    virtual_key: Option<&str>,
    names_target: bool,
) -> Result<(), Refusal> {
    if !ENDPOINTS.iter().any(|endpoint| endpoint.name() == log.endpoint) {
        return Err(Refusal::Endpoint);
    }
    if let Some(prompt) = log.prompt_slug.as_ref().filter(|_| log.option_path.contains(".targets[")) {
        return Err(Refusal::PromptInTarget(prompt.clone()));
    }
    if !names_target {
        match &log.virtual_key {
            Some(slug) if virtual_key != Some("active") => return Err(Refusal::Archived(slug.clone())),
            None if !is_ours(log, exchange) => return Err(Refusal::ForeignKey),
            _ => {}
        }
    }
    if log.payload != "whole" || exchange.is_none() {
        return Err(Refusal::Content(log.payload.clone()));
    }
    Ok(())
}

/// Whether the provider's key, where there was no virtual key, was a saved config's, or none was needed.
fn is_ours(log: &log::Model, exchange: Option<&Exchange>) -> bool {
    if log.source != "gateway" {
        return false;
    }
    let sent = |wanted: &str| {
        exchange.is_some_and(|exchange| exchange.request.headers.iter().any(|(name, _)| name == wanted))
    };
    // Where our own key came in the gateway's header, what is in the provider's is the provider's.
    let brought = sent("x-api-key") || (sent("authorization") && sent("x-portkey-api-key"));
    log.provider == BUILT_IN || (log.config_id.is_some() && !brought)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use bytes::Bytes;
    use logstore::{Content, Headers};

    use super::*;

    const ID: &str = "01900000-0000-7000-8000-000000000001";

    fn exchange(headers: &[&str]) -> Exchange {
        let mut block = Headers::with_capacity(64);
        for name in headers {
            block.push(name, "********");
        }
        let request = Content { headers: block, body: Bytes::from_static(b"{}") };
        Exchange { request, response: Content::default() }
    }

    #[test]
    fn each_of_the_four_cases_is_refused_with_its_reason() {
        let log = |change: fn(&mut log::Model)| {
            let mut row = log::Model {
                endpoint: "chatComplete".to_owned(),
                ..scratch::log(ID.parse().unwrap(), uuid::Uuid::nil())
            };
            "whole".clone_into(&mut row.payload);
            "gateway".clone_into(&mut row.source);
            row.virtual_key = Some("vk".to_owned());
            change(&mut row);
            row
        };
        let refused = |log: &log::Model, headers: &[&str], key: Option<&str>, names_target| {
            judge(log, Some(&exchange(headers)), key, names_target).err()
        };
        let good = log(|_| {});
        for name in ["chatComplete", "complete", "embed"] {
            let row = log::Model { endpoint: name.to_owned(), ..good.clone() };
            assert_eq!(refused(&row, &[], Some("active"), false), None, "{name}");
        }
        for name in ["imageGenerate", "messages", "proxy", "createModelResponse"] {
            let row = log::Model { endpoint: name.to_owned(), ..good.clone() };
            assert_eq!(refused(&row, &[], Some("active"), true), Some(Refusal::Endpoint), "{name}");
        }
        let archived = Some(Refusal::Archived("vk".to_owned()));
        assert_eq!(refused(&good, &[], Some("archived"), false), archived);
        assert_eq!(refused(&good, &[], None, false), archived);
        assert_eq!(refused(&good, &[], Some("archived"), true), None, "another is named");

        let prompted = log(|row| {
            row.prompt_slug = Some("pp-x".to_owned());
            "config.targets[0]".clone_into(&mut row.option_path);
        });
        let in_target = Some(Refusal::PromptInTarget("pp-x".to_owned()));
        assert_eq!(refused(&prompted, &[], Some("active"), true), in_target);
        let by_itself = log::Model { option_path: "config".to_owned(), ..prompted };
        assert_eq!(refused(&by_itself, &[], Some("active"), false), None);

        let brought = log(|row| row.virtual_key = None);
        let both = ["x-portkey-api-key", "authorization"];
        assert_eq!(refused(&brought, &both, None, false), Some(Refusal::ForeignKey));
        assert_eq!(refused(&brought, &both, None, true), None, "another is named");
        let saved = log::Model { config_id: Some("pc-x".to_owned()), ..brought.clone() };
        assert_eq!(refused(&saved, &both, None, false), Some(Refusal::ForeignKey));
        assert_eq!(refused(&saved, &["authorization"], None, false), None, "that is our own key");
        let echo = log::Model { provider: BUILT_IN.to_owned(), ..brought.clone() };
        assert_eq!(refused(&echo, &both, None, false), None);
        let inserted = log::Model { source: "insert".to_owned(), ..echo };
        assert_eq!(refused(&inserted, &[], None, false), Some(Refusal::ForeignKey));

        let cut = log(|row| "cut".clone_into(&mut row.payload));
        let content = Some(Refusal::Content("cut".to_owned()));
        assert_eq!(refused(&cut, &[], Some("active"), false), content);
        assert_eq!(judge(&good, None, Some("active"), false), Err(Refusal::Content("whole".to_owned())));
    }
}
