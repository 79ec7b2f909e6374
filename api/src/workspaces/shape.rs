//! A workspace on the wire.

use entity::workspace;
use sea_orm::prelude::*;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::limits::{self, RateShown, UsageShown};
use crate::{Api, Error, instant};

#[derive(Serialize, ToSchema)]
pub(crate) struct Workspace {
    id: Uuid,
    slug: String,
    name: String,
    description: Option<String>,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    last_updated_at: String,
    #[schema(value_type = std::collections::HashMap<String, Value>)]
    defaults: Value,
    usage_limits: Vec<UsageShown>,
    rate_limits: Vec<RateShown>,
    /// `active` or `exhausted`.
    status: &'static str,
    /// Always `workspace`.
    object: &'static str,
}

impl Workspace {
    pub async fn of(api: &Api, row: workspace::Model) -> Result<Self, Error> {
        let limits = limits::of(&api.db, [row.id], api.clock.now_ms()).await?.remove(&row.id);
        let limits = limits.unwrap_or_default();
        let created_at = instant::iso(row.created_at);
        Ok(Self {
            id: row.id,
            slug: row.slug,
            name: row.name,
            description: None,
            last_updated_at: created_at.clone(),
            created_at,
            defaults: json!({"metadata": null, "is_default": row.is_default, "object": "workspace"}),
            usage_limits: limits.usage,
            rate_limits: limits.rates,
            status: if limits.exhausted { "exhausted" } else { "active" },
            object: "workspace",
        })
    }
}
