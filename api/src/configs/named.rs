//! What a config names has to be there when it is saved.

use std::collections::BTreeMap;

use routing::{Config, Given};
use sea_orm::ConnectionTrait;
use tenancy::TenantScope;

use crate::{Error, db};

/// Refuses names of virtual keys and guardrails that a call could not use, by the first place that has them.
pub(super) async fn check(
    db: &impl ConnectionTrait,
    scope: &TenantScope,
    config: &Config,
) -> Result<(), Error> {
    let (mut keys, mut guardrails) = (BTreeMap::new(), BTreeMap::new());
    for leaf in config.leaves() {
        if let Some(slug) = &leaf.virtual_key {
            keys.entry(slug.as_str()).or_insert_with(|| format!("{}.virtual_key", leaf.path));
        }
        for hook in leaf.policy.input_hooks.iter().chain(leaf.policy.output_hooks.iter()) {
            if let Given::Saved(named) = &hook.given {
                guardrails.entry(named.as_str()).or_insert_with(|| format!("config.{}", hook.path));
            }
        }
    }
    if !keys.is_empty() {
        let there = db::virtual_key::statuses(db, scope, keys.keys().copied()).await?;
        for (slug, at) in keys {
            let status = there.get(slug).map(String::as_str);
            is_active("virtual key", "the slug of a virtual key at work", at, slug, status)?;
        }
    }
    check_guardrails(db, scope, guardrails).await
}

/// Refuses names of guardrails that calls could not run, by the places that have them.
pub(crate) async fn check_guardrails(
    db: &impl ConnectionTrait,
    scope: &TenantScope,
    places: BTreeMap<&str, String>,
) -> Result<(), Error> {
    if places.is_empty() {
        return Ok(());
    }
    let there = db::guardrail::statuses(db, scope, places.keys().copied()).await?;
    for (named, at) in places {
        let status = there.get(named).map(String::as_str);
        is_active("guardrail", "the slug or id of a guardrail at work", at, named, status)?;
    }
    Ok(())
}

fn is_active(what: &str, expected: &str, at: String, name: &str, status: Option<&str>) -> Result<(), Error> {
    let problem = match status {
        Some("active") => return Ok(()),
        Some(_) => format!("the {what} `{name}` is archived"),
        None => format!("this workspace has no {what} `{name}`"),
    };
    Err(Error::invalid(at, problem, expected))
}
