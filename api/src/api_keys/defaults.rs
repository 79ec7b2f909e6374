//! What a key gives its calls: metadata, and the config that they run under.

use std::collections::BTreeMap;

use sea_orm::ConnectionTrait;
use serde::Serialize;
use tenancy::{Defaults, KeyKind, TenantScope};
use utoipa::ToSchema;

use super::MAX_NAME;
use crate::fields::{Fields, Sent};
use crate::{Error, configs, metadata};

/// What calls of a key have unless they say otherwise.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it says what is read from the body")]
pub(crate) struct KeyDefaults {
    /// At most 64 pairs of strings of at most 128 characters. What a call's own metadata has goes before it.
    metadata: Option<BTreeMap<String, String>>,
    /// The slug or id of a saved config of the key's workspace: calls run under it that name none in `x-portkey-config`.
    #[schema(min_length = 1, max_length = 100)]
    config_id: Option<String>,
    /// False: a call that names a config of its own is refused. True by default.
    allow_config_override: Option<bool>,
}

/// The same, as it is shown.
#[derive(Serialize, ToSchema)]
#[schema(as = KeyDefaultsState)]
pub(crate) struct Shown {
    metadata: Option<BTreeMap<String, String>>,
    config_id: Option<String>,
    allow_config_override: bool,
}

impl Shown {
    pub fn of(defaults: Option<Defaults>) -> Self {
        let Defaults { config, metadata, allow_config_override, .. } = defaults.unwrap_or_default();
        let metadata = (!metadata.is_empty()).then_some(metadata);
        Self { metadata, config_id: config, allow_config_override }
    }
}

/// `defaults`; null takes them away.
pub(super) fn take(fields: &mut Fields, of: KeyKind) -> Result<Sent<Defaults>, Error> {
    let at = fields.path("defaults");
    fields.sent("defaults").read(|value| {
        let mut fields = Fields::of(value, &at)?;
        let defaults = Defaults {
            config: fields.line("config_id", MAX_NAME)?,
            metadata: metadata::take(&mut fields)?.value().unwrap_or_default(),
            allow_config_override: fields.flag("allow_config_override")?.unwrap_or(true),
            ..Defaults::default()
        };
        fields.finish()?;
        if of == KeyKind::OrganisationService && defaults != Defaults::default() {
            let problem = "an organisation's key makes no calls to have them";
            return Err(Error::invalid(at, problem, "the field to be left out"));
        }
        Ok(defaults)
    })
}

/// Refuses a config that calls of a key of the workspace `scope` could not run under; gives its slug in place of its id.
pub(super) async fn check(
    db: &impl ConnectionTrait,
    scope: &TenantScope,
    defaults: &mut Sent<Defaults>,
) -> Result<(), Error> {
    if let Sent::As(Defaults { config: Some(named), .. }) = defaults {
        *named = configs::at_work(db, scope, "defaults.config_id", named).await?;
    }
    Ok(())
}
