//! Which config a call runs under: its own (`x-portkey-config`), or its key's.

use std::sync::Arc;
use std::time::Duration;

use moka::sync::Cache;
use recorder::ConfigVersion;
use routing::{Config, Leaf};
use tenancy::{Defaults, ResolveError};

use crate::Gateway;
use crate::admit::Admitted;
use crate::control::Control;
use crate::error::Error;

const HEADER: &str = "x-portkey-config";

/// Bytes of the configs that are remembered, counted as their texts and what comes of patterns and inheritance.
const MAX_READ: u64 = 8 << 20;

/// The longest pauses between the attempts of one target, beside the time-outs of the attempts themselves.
pub(super) const MAX_PAUSES: Duration = Duration::from_mins(1);

/// Whatever a config would allow, a call is not thought to wait for its answer for longer.
const MAX_WITHIN: Duration = Duration::from_hours(2);

/// A config and what it is called.
pub(crate) struct ConfigInUse {
    pub config: Arc<Config>,
    /// None: it came with the call.
    pub saved: Option<ConfigVersion>,
}

/// The configs that callers sent of late by their texts, so that each is read once.
pub(crate) struct ConfigsRead(Cache<String, Arc<Config>>);

impl Default for ConfigsRead {
    fn default() -> Self {
        let weigher = |text: &String, read: &Arc<Config>| {
            u32::try_from(text.len() + read.extra_bytes).unwrap_or(u32::MAX)
        };
        Self(Cache::builder().max_capacity(MAX_READ).weigher(weigher).build())
    }
}

impl ConfigsRead {
    fn read(&self, text: &str) -> Result<Arc<Config>, routing::Invalid> {
        if let Some(config) = self.0.get(text) {
            return Ok(config);
        }
        let config = Arc::new(Config::parse(text)?);
        self.0.insert(text.to_owned(), Arc::clone(&config));
        Ok(config)
    }
}

/// The config of a call; mostly there is none.
///
/// # Errors
/// 400 for one that is no config, is not known or is archived; 403 where the key allows none but its own.
pub(crate) async fn of(
    control: &Control,
    admitted: &Admitted,
    gateway: &Gateway,
) -> Result<Option<ConfigInUse>, Error> {
    let defaults = admitted.tenant.defaults.as_deref();
    let own = defaults.and_then(|defaults| defaults.config.as_deref());
    let Some(text) = &control.config else {
        let Some(slug) = own else {
            // What only the workspace's guardrails are to judge goes the way of calls under a config.
            let judged = defaults.is_some_and(Defaults::has_guardrails);
            return Ok(judged.then(|| ConfigInUse { config: Config::of_call().into(), saved: None }));
        };
        // Rare and large: in a box it is not part of every call's future.
        return Box::pin(saved(slug, admitted, gateway)).await.map(Some);
    };
    if defaults.is_some_and(|defaults| !defaults.allow_config_override) && own != Some(text) {
        let problem = format!("{HEADER}: calls with this API key run under the config that it has itself");
        return Err(Error::NotPermitted(problem));
    }
    if text.starts_with(['{', '[']) {
        let read = gateway.0.configs_read.read(text);
        let config = read.map_err(|invalid| Error::Config { field: HEADER.to_owned(), invalid })?;
        return Ok(Some(ConfigInUse { config, saved: None }));
    }
    Box::pin(saved(text, admitted, gateway)).await.map(Some)
}

async fn saved(slug: &str, admitted: &Admitted, gateway: &Gateway) -> Result<ConfigInUse, Error> {
    // What is no slug may have been meant as a config, and hold keys: it is not repeated.
    if !slug.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')) {
        return Err(Error::invalid(HEADER, "must be a JSON object, or the slug of a saved config"));
    }
    let found = gateway.configs.resolve(&admitted.tenant.scope(), slug).await;
    let found = found.map_err(|error| match error {
        ResolveError::Unknown => {
            let problem = format!("this workspace has no config {slug:?}, and it is no JSON object either");
            Error::invalid(HEADER, problem)
        }
        ResolveError::Unavailable => Error::Unavailable,
    })?;
    if found.archived {
        return Err(Error::invalid(HEADER, format!("the config {slug:?} is archived")));
    }
    let version = ConfigVersion { slug: found.slug.clone(), version_id: found.version_id };
    Ok(ConfigInUse { config: Arc::clone(&found.config), saved: Some(version) })
}

impl ConfigInUse {
    /// Whether it leaves open where calls go.
    pub(crate) fn names_no_target(&self) -> bool {
        self.config.leaves().iter().all(|leaf| leaf.names_no_target())
    }

    /// How a part of it is named to who called: `path` as `config.targets[0]`, and a field there.
    pub(crate) fn field(&self, path: &str, name: &str) -> String {
        let path = path.strip_prefix("config").unwrap_or(path);
        match &self.saved {
            None => format!("{HEADER}{path}.{name}"),
            Some(saved) => format!("config {}{path}.{name}", saved.slug),
        }
    }

    /// How long a call may take to the head of its answer, if all its targets fail, each after all its retries: what it reserves of
    /// limits is held for so long. `of_call`: what the call itself says of an attempt.
    pub(crate) fn within(&self, of_call: Option<Duration>, usual: Duration) -> Duration {
        let of_leaf =
            |leaf: &&Arc<Leaf>| within(leaf, of_call.or(leaf.policy.request_timeout).unwrap_or(usual));
        let all = self.config.leaves().iter().map(of_leaf).fold(Duration::ZERO, Duration::saturating_add);
        all.min(MAX_WITHIN)
    }
}

/// How long all attempts of one target may take.
pub(super) fn within(leaf: &Leaf, timeout: Duration) -> Duration {
    let attempts = u32::from(leaf.policy.retry.attempts) + 1;
    timeout.saturating_mul(attempts).saturating_add(MAX_PAUSES)
}
