//! A saved config on the wire (7.1). Of the secrets in it there are hints.

use entity::config::Model;
use entity::config_version;
use sea_orm::prelude::Uuid;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::instant;

#[derive(Clone, Serialize, ToSchema)]
#[schema(as = SavedConfig)]
pub(crate) struct Item {
    id: Uuid,
    name: String,
    slug: String,
    organisation_id: Uuid,
    /// The workspace's slug.
    workspace_id: String,
    /// 1 for the one that the workspace marks as its default: a mark for people, which no call looks at.
    is_default: u8,
    /// `active` or `archived`.
    status: String,
    /// The person or the key that made it.
    owner_id: Option<Uuid>,
    /// The person or the key that changed it last.
    updated_by: Option<Uuid>,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    last_updated_at: String,
    /// Always `config`.
    object: &'static str,
}

impl Item {
    pub fn of(row: Model, workspace_slug: String) -> Self {
        Self {
            id: row.id,
            name: row.name,
            slug: row.slug,
            organisation_id: row.organisation_id,
            workspace_id: workspace_slug,
            is_default: u8::from(row.is_default),
            status: row.status,
            owner_id: row.owner_id,
            updated_by: row.updated_by,
            created_at: instant::iso(row.created_at),
            last_updated_at: instant::iso(row.last_updated_at),
            object: "config",
        }
    }
}

/// A config and what it says.
#[derive(Clone, Serialize, ToSchema)]
#[schema(as = SavedConfigDetail)]
pub(crate) struct Detail {
    #[serde(flatten)]
    pub item: Item,
    /// The version that calls run under.
    pub version_id: Uuid,
    /// As it was saved; the secrets in it are masked.
    #[schema(value_type = Object)]
    pub config: Value,
}

/// What a config said from then on.
#[derive(Serialize, ToSchema)]
#[schema(as = SavedConfigVersion)]
pub(crate) struct Version {
    #[serde(flatten)]
    item: Item,
    #[serde(rename = "version_id")]
    id: Uuid,
    /// JSON text; the secrets in it are masked.
    config: String,
    /// Always `json`.
    format: &'static str,
    /// Always `ORG_CONFIG`.
    #[serde(rename = "type")]
    kind: &'static str,
}

impl Version {
    /// A version of the config `of`; its times are its own.
    pub fn of(of: Model, workspace_slug: String, version: &config_version::Model, config: &Value) -> Self {
        let made = Model {
            created_at: version.created_at,
            last_updated_at: version.created_at,
            updated_by: version.created_by,
            ..of
        };
        Self {
            item: Item::of(made, workspace_slug),
            id: version.id,
            config: config.to_string(),
            format: "json",
            kind: "ORG_CONFIG",
        }
    }
}
