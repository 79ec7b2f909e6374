//! Reads from a finished call what the log wants to know: the model, the tokens, why the answer ended.

mod answer;
mod texts;
mod tokens;
mod written;

use crate::{Endpoint, Usage};
use answer::Answer;
pub use texts::{answer_text, request_text};
use written::written;

/// What an answer says, or what we counted where it says nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Measured {
    /// The model that answered, as the provider calls it.
    pub model: Option<String>,
    /// The tokens used; `None` when neither the provider nor we can tell.
    pub usage: Option<Usage>,
    /// Why the answer ended, in the provider's word.
    pub finish_reason: Option<String>,
}

/// Measures a call from its bodies: `response` is JSON, or a whole event stream when `sse`. Knows the answers of
/// `OpenAI`'s chat, completions, embeddings and responses endpoints and of Anthropic's messages. A body may be cut
/// short: what arrived counts. If the provider gave no usage for a successful chat, completion or embedding, the
/// tokens are counted from the texts and the usage is marked `estimated`. Takes any bytes.
#[must_use]
pub fn measure(endpoint: Endpoint, status: u16, request: &[u8], response: &[u8], sse: bool) -> Measured {
    let answer = Answer::of(response, sse);
    let usage = answer.usage().or_else(|| {
        let counted =
            matches!(endpoint, Endpoint::ChatCompletions | Endpoint::Completions | Endpoint::Embeddings);
        (counted && (200..300).contains(&status)).then(|| {
            let (encoding, input_tokens) = tokens::of_request(request, answer.model.as_deref());
            let embeds = endpoint == Endpoint::Embeddings;
            let output_tokens = if embeds { 0 } else { encoding.count(&written(response, sse)) };
            let service_tier = answer.service_tier();
            Usage { input_tokens, output_tokens, service_tier, estimated: true, ..Usage::default() }
        })
    });
    Measured { usage, model: answer.model, finish_reason: answer.finish_reason }
}
