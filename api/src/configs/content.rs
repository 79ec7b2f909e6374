//! What a config says, on its way into the vault and out of it.

use egress::Reach;
use entity::{config, config_version};
use routing::{Config, Leaf, MAX_TEXT_BYTES};
use sea_orm::ConnectionTrait;
use sea_orm::prelude::Uuid;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use tenancy::TenantScope;
use tenancy::configs::{context, open};

use super::{named, secrets};
use crate::fields::kind;
use crate::{Api, Error, db};

/// Mistakes that are told at once.
const MAX_TOLD: usize = 10;

/// The text to save of a config that may be saved. `before`: what it said, whose secrets stand where their masks are sent.
pub(super) async fn read(
    db: &impl ConnectionTrait,
    scope: &TenantScope,
    reach: Reach,
    mut sent: Value,
    before: Option<&Value>,
) -> Result<SecretString, Error> {
    if !sent.is_object() {
        return Err(Error::invalid("config", format!("found {}", kind(&sent)), "an object"));
    }
    secrets::unmask(&mut sent, "config", before)?;
    let config = Config::from_value(&sent).map_err(|invalid| mistakes(&invalid))?;
    let text = SecretString::from(sent.to_string());
    if text.expose_secret().len() > MAX_TEXT_BYTES {
        return Err(Error::invalid("config", "too large", format!("at most {MAX_TEXT_BYTES} bytes of JSON")));
    }
    for leaf in config.leaves() {
        check_leaf(leaf, reach)?;
    }
    named::check(db, scope, &config).await?;
    Ok(text)
}

fn mistakes(routing::Invalid(mistakes): &routing::Invalid) -> Error {
    let told = mistakes.iter().take(MAX_TOLD).map(|mistake| match mistake.path.as_str() {
        "" => format!("config: {}", mistake.message),
        path => format!("config.{path}: {}", mistake.message),
    });
    Error::Mistakes(told.collect::<Vec<_>>().join("; "))
}

/// Refuses a provider that nobody knows, and a host that no call may go to.
fn check_leaf(leaf: &Leaf, reach: Reach) -> Result<(), Error> {
    let known = |slug: &str| providers::provider(slug).is_some() || providers::AWAITED.contains(&slug);
    if let Some(slug) = leaf.provider.as_deref().filter(|slug| !known(slug)) {
        let at = format!("{}.provider", leaf.path);
        let expected = "a provider's slug, such as openai, or @ and a virtual key's";
        return Err(Error::invalid(at, format!("no provider is called `{slug}`"), expected));
    }
    let host = leaf.policy.custom_host.as_deref().map(|host| egress::check_url(host, reach));
    if let Some(Err(problem)) = host {
        let at = format!("{}.custom_host", leaf.path);
        return Err(Error::invalid(at, problem.to_string(), "a base URL such as https://llm.example.com/v1"));
    }
    Ok(())
}

/// A new version of a config, sealed.
pub(super) fn version(
    api: &Api,
    of: &config::Model,
    text: &SecretString,
    by: Option<Uuid>,
) -> Result<config_version::Model, Error> {
    let id = api.ids.fresh();
    let content =
        api.vault.seal(text, context(of.organisation_id, id).as_bytes()).map_err(Error::internal)?;
    Ok(config_version::Model {
        id,
        config_id: of.id,
        organisation_id: of.organisation_id,
        workspace_id: of.workspace_id,
        content,
        created_by: by,
        created_at: api.clock.now_ms(),
    })
}

/// What a version says, with its secrets.
pub(super) fn opened(api: &Api, version: &config_version::Model) -> Result<Value, Error> {
    let text = open(&api.vault, version)?;
    serde_json::from_str(text.expose_secret()).map_err(Error::internal)
}

/// The same, as it may be shown.
pub(super) fn shown(api: &Api, version: &config_version::Model) -> Result<Value, Error> {
    let mut config = opened(api, version)?;
    secrets::mask(&mut config, "config");
    Ok(config)
}

/// The version that calls run under.
pub(super) async fn current(
    db: &impl ConnectionTrait,
    of: &config::Model,
) -> Result<config_version::Model, Error> {
    let version = db::config::version(db, of, of.version_id).await?;
    version.ok_or_else(|| Error::internal(format!("config {} has no version {}", of.id, of.version_id)))
}
