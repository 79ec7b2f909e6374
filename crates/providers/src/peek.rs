//! What the gateway must know of a JSON request body, without building a tree of it.

use std::borrow::Cow;
use std::ops::Range;
use std::str::Utf8Error;

use serde_json::value::RawValue;

use crate::object::{self, each_field};

/// What a request body says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peek<'a> {
    /// The model asked for.
    pub model: Option<Cow<'a, str>>,
    /// The bytes of the model's JSON string in the body, its quotes included: what [`with_model`] replaces.
    pub model_span: Option<Range<usize>>,
    /// Whether the answer is to be streamed. Absent or `null` is no.
    pub stream: bool,
    /// The caller's name for its end user. `null` is absent.
    pub user: Option<Cow<'a, str>>,
}

/// Why a body cannot be used; the message names the field and what would be right.
#[derive(Debug, thiserror::Error)]
pub enum PeekError {
    /// The body is not text.
    #[error("body: not UTF-8: {0}")]
    NotUtf8(#[from] Utf8Error),
    /// The body is not JSON, or has something after its end.
    #[error("body: not JSON: {0}")]
    NotJson(#[source] serde_json::Error),
    /// The body is JSON of another kind.
    #[error("body: must be a JSON object")]
    NotAnObject,
    /// A field is of another type.
    #[error("{field}: must be {expected}")]
    Field {
        /// The field's name.
        field: &'static str,
        /// What it must be.
        expected: &'static str,
    },
    /// A field is there twice. An error, for we and the provider could each read another one.
    #[error("{0}: must be given once")]
    Repeated(&'static str),
}

/// Reads `model`, `stream` and `user`, and checks that the whole body is one JSON object. Takes time linear in the
/// body, constant stack, and allocates only for a string that holds escapes.
///
/// # Errors
/// [`PeekError`], to be shown to the caller.
pub fn peek(body: &[u8]) -> Result<Peek<'_>, PeekError> {
    let text = std::str::from_utf8(body)?;
    let (mut model, mut stream, mut user, mut repeated) = (None, None, None, None);
    each_field(text, &["model", "stream", "user"], |name, value| {
        let slot = match name {
            "model" => &mut model,
            "stream" => &mut stream,
            _ => &mut user,
        };
        if slot.replace(value).is_some() {
            repeated = Some(name);
        }
    })
    .map_err(|error| if error.is_data() { PeekError::NotAnObject } else { PeekError::NotJson(error) })?;
    if let Some(field) = repeated {
        return Err(PeekError::Repeated(field));
    }
    Ok(Peek {
        model: model.map(|raw| string("model", raw)).transpose()?,
        model_span: model.map(|raw| span(text, raw.get())),
        stream: match stream.map(RawValue::get) {
            Some("true") => true,
            Some("false" | "null") | None => false,
            Some(_) => return Err(PeekError::Field { field: "stream", expected: "true or false" }),
        },
        user: match user {
            Some(raw) if raw.get() != "null" => Some(string("user", raw)?),
            _ => None,
        },
    })
}

/// The body with another model at `span` (from [`Peek::model_span`]); nothing else changes, not even a space.
#[must_use]
pub fn with_model(body: &[u8], span: Range<usize>, model: &str) -> Vec<u8> {
    let start = span.start.min(body.len());
    let end = span.end.clamp(start, body.len());
    let literal = serde_json::Value::from(model).to_string();
    [&body[..start], literal.as_bytes(), &body[end..]].concat()
}

fn string<'a>(field: &'static str, raw: &'a RawValue) -> Result<Cow<'a, str>, PeekError> {
    if !raw.get().starts_with('"') {
        return Err(PeekError::Field { field, expected: "a string" });
    }
    object::string(raw).map_err(PeekError::NotJson)
}

/// Where `part`, a slice of `whole`, lies in it.
fn span(whole: &str, part: &str) -> Range<usize> {
    let start = part.as_ptr().addr().saturating_sub(whole.as_ptr().addr());
    start..start + part.len()
}
