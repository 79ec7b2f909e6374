//! What a workspace gives the calls of its keys.

use std::collections::BTreeMap;

use sea_orm::ConnectionTrait;
use serde::Serialize;
use serde_json::Value;
use tenancy::{TenantScope, WorkspaceDefaults};
use utoipa::ToSchema;

use super::MAX_NAME;
use crate::fields::{Fields, Sent, shown};
use crate::{Error, configs, metadata};

/// Guardrails before a request, and after an answer.
const MAX_GUARDRAILS: usize = 20;

/// What calls of the workspace's keys have unless the key or the call says otherwise.
#[derive(ToSchema)]
#[schema(as = WorkspaceDefaults)]
#[expect(dead_code, reason = "it says what is read from the body")]
pub(crate) struct Sendable {
    /// At most 64 pairs of strings of at most 128 characters. What a key's and a call's own metadata have goes before it.
    metadata: Option<BTreeMap<String, String>>,
    /// The slug or id of a config of the workspace's: calls with people's own keys run under it, where the key has no config and the call
    /// names none.
    #[schema(min_length = 1, max_length = 100)]
    user_api_key_config: Option<String>,
    /// Slugs or ids of saved guardrails, which judge every request of the workspace's before those of its config.
    #[schema(max_items = 20)]
    input_guardrails: Option<Vec<String>>,
    /// The same of every answer.
    #[schema(max_items = 20)]
    output_guardrails: Option<Vec<String>>,
}

/// The same, as it is shown.
#[derive(Serialize, ToSchema)]
#[schema(as = WorkspaceDefaultsState)]
pub(crate) struct Shown {
    metadata: Option<BTreeMap<String, String>>,
    user_api_key_config: Option<String>,
    input_guardrails: Vec<String>,
    output_guardrails: Vec<String>,
    /// Whether it is the one that an organisation begins with.
    is_default: bool,
    /// Always `workspace`.
    object: &'static str,
}

impl Shown {
    pub fn of(defaults: WorkspaceDefaults, is_default: bool) -> Self {
        let WorkspaceDefaults { metadata, user_api_key_config, input_guardrails, output_guardrails } =
            defaults;
        Self {
            metadata: (!metadata.is_empty()).then_some(metadata),
            user_api_key_config,
            input_guardrails,
            output_guardrails,
            is_default,
            object: "workspace",
        }
    }
}

/// What `defaults` makes of those that there are; null takes them away, all or each.
pub(super) fn take(fields: &mut Fields, now: WorkspaceDefaults) -> Result<WorkspaceDefaults, Error> {
    let at = fields.path("defaults");
    let value = match fields.sent("defaults") {
        Sent::Not => return Ok(now),
        Sent::Null => return Ok(WorkspaceDefaults::default()),
        Sent::As(value) => value,
    };
    let mut fields = Fields::of(value, &at)?;
    let defaults = WorkspaceDefaults {
        metadata: metadata::take(&mut fields)?.over(now.metadata),
        user_api_key_config: fields
            .sent_line("user_api_key_config", MAX_NAME)?
            .map(Some)
            .over(now.user_api_key_config),
        input_guardrails: names(&mut fields, "input_guardrails")?.over(now.input_guardrails),
        output_guardrails: names(&mut fields, "output_guardrails")?.over(now.output_guardrails),
    };
    fields.finish()?;
    Ok(defaults)
}

fn names(fields: &mut Fields, name: &'static str) -> Result<Sent<Vec<String>>, Error> {
    let at = fields.path(name);
    let expected = format!("an array of at most {MAX_GUARDRAILS} slugs or ids of guardrails");
    fields.sent_items(name, 0..=MAX_GUARDRAILS, &expected)?.read(|items| {
        let name = |(n, item): (usize, Value)| match item {
            Value::String(name) if (1..=MAX_NAME).contains(&name.len()) => Ok(name),
            other => {
                let problem = format!("found {}", shown(&other));
                Err(Error::invalid(format!("{at}[{n}]"), problem, "the slug or id of a guardrail"))
            }
        };
        items.into_iter().enumerate().map(name).collect()
    })
}

/// Refuses what calls of the workspace could not run under; gives the config's slug in place of its id.
pub(super) async fn check(
    db: &impl ConnectionTrait,
    scope: &TenantScope,
    mut defaults: WorkspaceDefaults,
) -> Result<WorkspaceDefaults, Error> {
    if let Some(named) = &mut defaults.user_api_key_config {
        *named = configs::at_work(db, scope, "defaults.user_api_key_config", named).await?;
    }
    let guardrails = [
        ("input_guardrails", &defaults.input_guardrails),
        ("output_guardrails", &defaults.output_guardrails),
    ];
    for (name, named) in guardrails {
        let places = named.iter().enumerate();
        let places = places.map(|(n, named)| (named.as_str(), format!("defaults.{name}[{n}]")));
        configs::check_guardrails(db, scope, places.collect()).await?;
    }
    Ok(defaults)
}
