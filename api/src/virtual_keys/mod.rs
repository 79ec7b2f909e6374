//! Virtual keys (7.2): providers' credentials, kept for a workspace. Answers have the shapes of both of the contract's
//! eras at once (12).

mod create;
mod delete;
mod get;
mod list;
mod secret;
mod shape;
mod update;

pub(crate) use create::create;
pub(crate) use delete::delete;
pub(crate) use get::get;
pub(crate) use list::list;
pub(crate) use update::update;

use egress::Reach;
use secrecy::SecretString;
use utoipa::OpenApi;

use crate::Error;
use crate::fields::{Fields, Sent};

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
const NOT_YET: [&str; 12] = [
    "apiVersion",
    "resourceName",
    "deploymentName",
    "deploymentConfig",
    "expires_at",
    "secret_mappings",
    "awsAccessKeyId",
    "awsSecretAccessKey",
    "awsRegion",
    "vertexProjectId",
    "vertexRegion",
    "workersAiAccountId",
];

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
