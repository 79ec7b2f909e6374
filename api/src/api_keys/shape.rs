//! An API key on the wire. Its secret is not there, and no part of it but the hint.

use entity::api_key;
use sea_orm::prelude::*;
use serde::Serialize;
use serde_json::{Value, json};

use crate::instant;

#[derive(Serialize)]
pub(crate) struct ApiKey {
    id: Uuid,
    /// Masked.
    key: String,
    name: String,
    description: Option<String>,
    #[serde(rename = "type")]
    kind: String,
    organisation_id: Uuid,
    /// The workspace's slug.
    workspace_id: Option<String>,
    user_id: Option<Uuid>,
    status: &'static str,
    created_at: String,
    last_updated_at: String,
    creation_mode: &'static str,
    rate_limits: [(); 0],
    usage_limits: Option<()>,
    reset_usage: u8,
    scopes: Value,
    defaults: Value,
    alert_emails: [(); 0],
    expires_at: Option<String>,
    object: &'static str,
}

impl ApiKey {
    pub fn of(row: api_key::Model, workspace_slug: Option<String>, now_ms: i64) -> Self {
        let expired = row.expires_at.is_some_and(|at| at <= now_ms);
        Self {
            id: row.id,
            key: row.hint,
            name: row.name,
            description: row.description,
            kind: row.kind,
            organisation_id: row.organisation_id,
            workspace_id: workspace_slug,
            user_id: row.user_id,
            status: if expired { "expired" } else { "active" },
            created_at: instant::iso(row.created_at),
            last_updated_at: instant::iso(row.last_updated_at),
            creation_mode: "api",
            rate_limits: [],
            usage_limits: None,
            reset_usage: 0,
            scopes: row.scopes,
            defaults: json!({ "metadata": null, "config_id": null }),
            alert_emails: [],
            expires_at: row.expires_at.map(instant::iso),
            object: "api-key",
        }
    }
}
