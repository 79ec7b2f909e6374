//! A destination's row: its headers are sealed, and only opened to be sent.

use std::collections::BTreeMap;

use entity::otel_destination::Model;
use sea_orm::prelude::{Json, Uuid};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use vault::Vault;

use crate::{Destination, Flavour};

/// Why a row is no destination.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    #[error("its headers could not be sealed or opened")]
    Vault(#[from] vault::Error),
    #[error("what it says cannot be read")]
    Json(#[from] serde_json::Error),
    #[error("its endpoint is no URL")]
    Endpoint(#[from] url::ParseError),
}

/// Seals headers for a destination's row: copied to another row or organisation, they do not open.
///
/// # Errors
/// [`Unreadable::Vault`].
pub fn seal(
    vault: &Vault,
    headers: &BTreeMap<String, String>,
    organisation: Uuid,
    destination: Uuid,
) -> Result<Vec<u8>, Unreadable> {
    let plain = SecretString::from(json!(headers).to_string());
    Ok(vault.seal(&plain, context(organisation, destination).as_bytes())?)
}

/// The headers' names, and what may be shown of their values.
#[must_use]
pub fn hints(headers: &BTreeMap<String, String>) -> Json {
    headers.iter().map(|(name, value)| (name.clone(), tenancy::secret::hint(value))).collect()
}

/// The destination of a row, to be sent to.
///
/// # Errors
/// [`Unreadable`]: it was sealed by another master key, or written by a newer version.
pub fn open(vault: &Vault, row: Model) -> Result<Destination, Unreadable> {
    let opened = vault.open(&row.headers, context(row.organisation_id, row.id).as_bytes())?;
    let headers: BTreeMap<String, String> = serde_json::from_str(opened.expose_secret())?;
    Ok(Destination {
        id: row.id,
        organisation_id: row.organisation_id,
        endpoint: row.endpoint.parse()?,
        protocol: serde_json::from_value(Value::String(row.protocol))?,
        headers: headers.into_iter().map(|(name, value)| (name, value.into())).collect(),
        filters: serde_json::from_value(row.filters)?,
        content: row.content,
        metrics: row.metrics,
        resource: serde_json::from_value(row.resource)?,
        flavour: serde_json::from_value::<Flavour>(Value::String(row.flavour))?,
    })
}

fn context(organisation: Uuid, destination: Uuid) -> String {
    format!("otel_destination/{organisation}/{destination}")
}
