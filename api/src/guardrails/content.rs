//! What a guardrail says, on its way into the vault and out of it.

use entity::{guardrail, guardrail_version};
use sea_orm::ConnectionTrait;
use sea_orm::prelude::Uuid;
use secrecy::SecretString;
use serde_json::{Value, json};
use tenancy::guardrails::{Content, context, open};

use crate::configs::secrets;
use crate::{Api, Error, db};

/// Bytes of the JSON text.
const MAX_BYTES: usize = 64 << 10;

/// Mistakes that are told at once.
const MAX_TOLD: usize = 10;

/// What may be saved of what was sent. `before`: what it said, whose secrets stand where their masks are sent.
pub(super) fn read(mut content: Content, before: Option<&Content>) -> Result<Content, Error> {
    secrets::unmask(&mut content.checks, "checks", before.map(|before| &before.checks))?;
    if let Err(mistakes) = ::guardrails::saved("", &content.checks, &content.actions) {
        let told = mistakes.iter().take(MAX_TOLD).map(ToString::to_string);
        return Err(Error::Mistakes(told.collect::<Vec<_>>().join("; ")));
    }
    if json!(content).to_string().len() > MAX_BYTES {
        return Err(Error::invalid("checks", "too large", format!("at most {MAX_BYTES} bytes of JSON")));
    }
    Ok(content)
}

/// A new version of a guardrail, sealed.
pub(super) fn version(
    api: &Api,
    of: &guardrail::Model,
    content: &Content,
    by: Option<Uuid>,
) -> Result<guardrail_version::Model, Error> {
    let id = api.ids.fresh();
    let text = SecretString::from(json!(content).to_string());
    Ok(guardrail_version::Model {
        id,
        guardrail_id: of.id,
        organisation_id: of.organisation_id,
        content: api
            .vault
            .seal(&text, context(of.organisation_id, id).as_bytes())
            .map_err(Error::internal)?,
        created_by: by,
        created_at: api.clock.now_ms(),
    })
}

/// What the version that calls run says, with its secrets.
pub(super) async fn current(
    db: &impl ConnectionTrait,
    api: &Api,
    of: &guardrail::Model,
) -> Result<Content, Error> {
    let version = db::guardrail::version(db, of, of.version_id).await?;
    let version = version
        .ok_or_else(|| Error::internal(format!("guardrail {} has no version {}", of.id, of.version_id)))?;
    Ok(open(&api.vault, &version)?)
}

/// The same, as it may be shown.
pub(super) fn shown(content: Content) -> (Value, Value) {
    let Content { mut checks, actions } = content;
    secrets::mask(&mut checks, "checks");
    (checks, actions)
}
