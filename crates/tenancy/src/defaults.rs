//! What an API key and its workspace give the calls that are made with it (1.4, 8.2).

use std::collections::BTreeMap;

use entity::{api_key, workspace};
use sea_orm::DbErr;
use sea_orm::prelude::Json;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::KeyKind;

/// What calls of a key have unless they say otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Defaults {
    /// The slug of the saved config that they run under.
    #[serde(rename = "config_id")]
    pub config: Option<String>,
    /// What a call's own metadata lacks is taken from here.
    pub metadata: BTreeMap<String, String>,
    /// Whether a call may name another config than this one.
    pub allow_config_override: bool,
    /// Slugs or ids of saved guardrails that judge each call beside those of its config: of the workspace alone.
    #[serde(skip)]
    pub input_guardrails: Vec<String>,
    #[serde(skip)]
    pub output_guardrails: Vec<String>,
}

/// What a workspace gives the calls of its keys.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct WorkspaceDefaults {
    /// What a call's own metadata and its key's lack is taken from here.
    pub metadata: BTreeMap<String, String>,
    /// The slug of the saved config that calls of people's own keys run under, where the key has none.
    pub user_api_key_config: Option<String>,
    /// Slugs or ids of saved guardrails that judge each call before those of its config.
    pub input_guardrails: Vec<String>,
    pub output_guardrails: Vec<String>,
}

impl WorkspaceDefaults {
    /// As it stands in the database: nothing where they say nothing.
    #[must_use]
    pub fn to_json(&self) -> Option<Json> {
        (*self != Self::default()).then(|| json!(self))
    }

    /// What [`WorkspaceDefaults::to_json`] wrote.
    ///
    /// # Errors
    /// [`DbErr::Type`] for what it did not write.
    pub fn of(workspace: &workspace::Model) -> Result<Self, DbErr> {
        let read = |json: &Json| {
            serde_json::from_value(json.clone())
                .map_err(|error| DbErr::Type(format!("defaults of workspace {}: {error}", workspace.id)))
        };
        workspace.defaults.as_ref().map_or_else(|| Ok(Self::default()), read)
    }
}

impl Default for Defaults {
    fn default() -> Self {
        Self {
            config: None,
            metadata: BTreeMap::new(),
            allow_config_override: true,
            input_guardrails: Vec::new(),
            output_guardrails: Vec::new(),
        }
    }
}

impl Defaults {
    /// As it stands in the database.
    #[must_use]
    pub fn to_json(&self) -> Json {
        json!(self)
    }

    /// Whether guardrails judge calls that name none.
    #[must_use]
    pub fn has_guardrails(&self) -> bool {
        !(self.input_guardrails.is_empty() && self.output_guardrails.is_empty())
    }

    /// What [`Defaults::to_json`] wrote for a key, with what its workspace has beside.
    ///
    /// # Errors
    /// [`DbErr::Type`] for what was not written by us.
    pub(crate) fn in_workspace(
        key: &api_key::Model,
        workspace: Option<&workspace::Model>,
    ) -> Result<Option<Self>, DbErr> {
        let own = Self::of(key)?;
        let Some(workspace) = workspace.filter(|workspace| workspace.defaults.is_some()) else {
            return Ok(own);
        };
        let (mut own, shared) = (own.unwrap_or_default(), WorkspaceDefaults::of(workspace)?);
        let mut metadata = shared.metadata;
        metadata.append(&mut own.metadata);
        let is_users = key.kind == KeyKind::WorkspaceUser.as_str();
        let of_users = shared.user_api_key_config.filter(|_| is_users);
        Ok(Some(Self {
            config: own.config.or(of_users),
            metadata,
            allow_config_override: own.allow_config_override,
            input_guardrails: shared.input_guardrails,
            output_guardrails: shared.output_guardrails,
        }))
    }

    /// What [`Defaults::to_json`] wrote for a key.
    ///
    /// # Errors
    /// [`DbErr::Type`] for what it did not write.
    pub fn of(key: &api_key::Model) -> Result<Option<Self>, DbErr> {
        let read = |json: &Json| {
            serde_json::from_value(json.clone())
                .map_err(|error| DbErr::Type(format!("defaults of API key {}: {error}", key.id)))
        };
        key.defaults.as_ref().map(read).transpose()
    }
}
