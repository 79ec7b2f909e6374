//! What a workspace gives the calls of its keys.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::Error;
use crate::fields::{Fields, Sent};
use crate::metadata;

/// What the contract lets the defaults have, and we do not yet.
const NOT_YET: [&str; 3] = ["input_guardrails", "output_guardrails", "user_api_key_config"];

/// What calls of the workspace's keys have unless the key or the call says otherwise.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it says what is read from the body")]
pub(crate) struct WorkspaceDefaults {
    /// At most 64 pairs of strings of at most 128 characters. What a key's and a call's own metadata have goes before it.
    metadata: Option<BTreeMap<String, String>>,
}

/// The same, as it is shown.
#[derive(Serialize, ToSchema)]
#[schema(as = WorkspaceDefaultsState)]
pub(crate) struct Shown {
    #[schema(value_type = Option<BTreeMap<String, String>>)]
    metadata: Option<Value>,
    /// Whether it is the one that an organisation begins with.
    is_default: bool,
    /// Always `workspace`.
    object: &'static str,
}

impl Shown {
    pub fn of(metadata: Option<Value>, is_default: bool) -> Self {
        Self { metadata, is_default, object: "workspace" }
    }
}

/// The metadata of `defaults`, as it stands in the database; null takes it away.
pub(super) fn take(fields: &mut Fields) -> Result<Sent<Value>, Error> {
    let at = fields.path("defaults");
    let value = match fields.sent("defaults") {
        Sent::Not => return Ok(Sent::Not),
        Sent::Null => return Ok(Sent::Null),
        Sent::As(value) => value,
    };
    let mut fields = Fields::of(value, &at)?;
    let metadata = metadata::take(&mut fields)?;
    fields.not_yet(&NOT_YET)?;
    fields.finish()?;
    Ok(match metadata {
        Sent::As(pairs) if pairs.is_empty() => Sent::Null,
        metadata => metadata.map(|pairs| json!(pairs)),
    })
}
