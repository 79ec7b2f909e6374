//! What an API key and its workspace give the calls that are made with it (1.4, 8.2).

use std::collections::BTreeMap;

use entity::{api_key, workspace};
use sea_orm::DbErr;
use sea_orm::prelude::Json;
use serde::{Deserialize, Serialize};
use serde_json::json;

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
}

impl Default for Defaults {
    fn default() -> Self {
        Self { config: None, metadata: BTreeMap::new(), allow_config_override: true }
    }
}

impl Defaults {
    /// As it stands in the database.
    #[must_use]
    pub fn to_json(&self) -> Json {
        json!(self)
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
        let Some(metadata) = workspace.and_then(|workspace| workspace.metadata.as_ref()) else {
            return Ok(own);
        };
        let mut all: BTreeMap<String, String> = serde_json::from_value(metadata.clone())
            .map_err(|error| DbErr::Type(format!("metadata of workspace {:?}: {error}", key.workspace_id)))?;
        let own = own.unwrap_or_default();
        all.extend(own.metadata);
        Ok(Some(Self { metadata: all, ..own }))
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
