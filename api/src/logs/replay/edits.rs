//! What is to be other than it was, when a call is made once more.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::Error;
use crate::fields::{Fields, kind};
use crate::metadata;

/// Characters of a slug and of a model's name.
const MAX_NAME: usize = 256;

/// What to change of the call; what is left out is as it was.
#[derive(ToSchema)]
#[schema(as = ReplayEdits, example = json!({"model": "gpt-4o-mini", "metadata": {"try": "2"}}))]
#[expect(dead_code, reason = "it says what is read from the body")]
pub(crate) struct ReplayEdits {
    /// The request's whole body.
    #[schema(value_type = Option<std::collections::HashMap<String, Value>>)]
    body: Option<Map<String, Value>>,
    /// The model that the body asks for.
    #[schema(min_length = 1, max_length = 256)]
    model: Option<String>,
    /// The slug of a virtual key to call by, under no config.
    #[schema(min_length = 1, max_length = 256)]
    virtual_key: Option<String>,
    /// The slug of a saved config to call under.
    #[schema(min_length = 1, max_length = 256)]
    config: Option<String>,
    /// Beside the call's own: at most 64 pairs of strings of at most 128 characters.
    metadata: Option<BTreeMap<String, String>>,
}

#[derive(Default)]
pub(super) struct Edits {
    pub body: Option<Map<String, Value>>,
    pub model: Option<String>,
    pub virtual_key: Option<String>,
    pub config: Option<String>,
    pub metadata: BTreeMap<String, String>,
}

pub(super) fn read(mut fields: Fields) -> Result<Edits, Error> {
    let body = match fields.take("body") {
        None => None,
        Some(Value::Object(body)) => Some(body),
        Some(other) => {
            let expected = "an object: the request's whole body";
            return Err(Error::invalid(fields.path("body"), format!("found {}", kind(&other)), expected));
        }
    };
    let edits = Edits {
        body,
        model: fields.line("model", MAX_NAME)?,
        virtual_key: fields.line("virtual_key", MAX_NAME)?,
        config: fields.line("config", MAX_NAME)?,
        metadata: metadata::take(&mut fields)?.value().unwrap_or_default(),
    };
    fields.finish()?;
    if edits.virtual_key.is_some() && edits.config.is_some() {
        return Err(Error::invalid("config", "sent beside virtual_key", "one of the two"));
    }
    Ok(edits)
}
