//! Virtual keys (7.2): providers' credentials, kept for a workspace. Answers have the shapes of both of the contract's
//! eras at once (12).

mod create;
mod delete;
mod extras;
mod get;
mod list;
mod models;
mod secret;
mod shape;
mod update;

pub(crate) use create::create;
pub(crate) use delete::delete;
pub(crate) use get::get;
pub(crate) use list::list;
pub(crate) use update::update;

use egress::Reach;
use entity::virtual_key::Model;
use sea_orm::ConnectionTrait;
use sea_orm::prelude::Json;
use secrecy::SecretString;
use serde_json::json;
use utoipa::OpenApi;

use crate::access::Caller;
use crate::fields::{Fields, Sent};
use crate::{Api, Error};

/// The part of the document.
#[derive(OpenApi)]
#[openapi(paths(create::create, delete::delete, get::get, list::list, update::update))]
pub(crate) struct Doc;

/// Characters of a name, and of a note.
const MAX_NAME: usize = 100;
const MAX_NOTE: usize = 1_000;

/// Characters of a provider's secret: some are whole documents.
const MAX_SECRET: usize = 16_384;

/// What the contract lets a virtual key have, and we do not yet.
const NOT_YET: [&str; 1] = ["secret_mappings"];

/// The provider's secret in `key`, which must be fit for a header.
fn take_secret(fields: &mut Fields) -> Result<Option<SecretString>, Error> {
    let Some(secret) = fields.line("key", MAX_SECRET)? else { return Ok(None) };
    if secret.trim() != secret || !secret.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
        let expected = "the provider's secret: ASCII, without blanks around it";
        return Err(Error::invalid(
            fields.path("key"),
            "a character that no header may hold is in it",
            expected,
        ));
    }
    Ok(Some(SecretString::from(secret)))
}

/// A base URL to call in place of the provider's own; null takes it away.
fn take_host(fields: &mut Fields, reach: Reach) -> Result<Sent<String>, Error> {
    let at = fields.path("custom_host");
    fields.sent_line("custom_host", 2048)?.read(|text| match egress::check_url(&text, reach) {
        Ok(_) => Ok(text),
        Err(error) => {
            Err(Error::invalid(at, error.to_string(), "a base URL such as https://llm.example.com/v1"))
        }
    })
}

/// Writes down a change of a virtual key.
async fn note(
    txn: &impl ConnectionTrait,
    api: &Api,
    caller: &Caller,
    action: &'static str,
    row: &Model,
    change: Json,
) -> Result<(), Error> {
    Ok(caller
        .note_in(txn, api, Some(row.workspace_id), action, format!("virtual_key:{}", row.slug), change)
        .await?)
}

/// What is noted of a virtual key: all but its limits, which are noted by themselves. Of secrets there are hints.
fn noted(row: &Model) -> Json {
    json!({
        "name": row.name, "provider": row.provider, "key": row.hint, "custom_host": row.custom_host,
        "note": row.note, "model_config": row.model_config, "models": row.models, "expires_at": row.expires_at,
        "status": row.status, "workspace_id": row.workspace_id,
    })
}
