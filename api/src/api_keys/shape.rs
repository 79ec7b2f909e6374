//! An API key on the wire. Its secret is not there, and no part of it but the hint.

use entity::api_key;
use sea_orm::prelude::*;
use serde::Serialize;
use serde_json::{Value, json};
use tenancy::Defaults;
use utoipa::ToSchema;

use super::{defaults, rotate, rotation};
use crate::instant;
use crate::limits::{RateShown, Shown, UsageShown};

#[derive(Serialize, ToSchema)]
pub(crate) struct ApiKey {
    id: Uuid,
    /// Masked.
    key: String,
    name: String,
    description: Option<String>,
    /// `organisation-service`, `workspace-service` or `workspace-user`.
    #[serde(rename = "type")]
    kind: String,
    organisation_id: Uuid,
    /// The workspace's slug.
    workspace_id: Option<String>,
    user_id: Option<Uuid>,
    /// `active`, `exhausted` (its budget is spent) or `expired`.
    status: &'static str,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    last_updated_at: String,
    creation_mode: &'static str,
    rate_limits: Vec<RateShown>,
    usage_limits: Option<UsageShown>,
    reset_usage: u8,
    #[schema(value_type = Vec<tenancy::Scope>)]
    scopes: Value,
    defaults: defaults::Shown,
    /// Who is told of its budget and its rotation beside those who always are.
    #[schema(value_type = Vec<String>)]
    alert_emails: Value,
    rotation_policy: Option<rotation::Shown>,
    /// Of a key that was rotated: until when its former secret works too.
    #[schema(format = DateTime)]
    key_transition_expires_at: Option<String>,
    #[schema(format = DateTime)]
    expires_at: Option<String>,
    /// Always `api-key`.
    object: &'static str,
}

impl ApiKey {
    /// # Errors
    /// When the row is not as we write it.
    pub fn of(
        row: api_key::Model,
        workspace_slug: Option<String>,
        limits: Shown,
        now_ms: i64,
    ) -> Result<Self, DbErr> {
        let expired = row.expires_at.is_some_and(|at| at <= now_ms);
        let (defaults, rotation_policy) = (Defaults::of(&row)?, rotation::Shown::of(&row)?);
        let former_until = row.former_until.filter(|_| rotate::works_beside(&row, now_ms));
        Ok(Self {
            id: row.id,
            key: row.hint,
            name: row.name,
            description: row.description,
            kind: row.kind,
            organisation_id: row.organisation_id,
            workspace_id: workspace_slug,
            user_id: row.user_id,
            status: match (expired, limits.exhausted) {
                (true, _) => "expired",
                (false, true) => "exhausted",
                (false, false) => "active",
            },
            created_at: instant::iso(row.created_at),
            last_updated_at: instant::iso(row.last_updated_at),
            creation_mode: "api",
            rate_limits: limits.rates,
            usage_limits: limits.usage.into_iter().next(),
            reset_usage: 0,
            scopes: row.scopes,
            defaults: defaults::Shown::of(defaults),
            alert_emails: row.alert_emails.unwrap_or_else(|| json!([])),
            rotation_policy,
            key_transition_expires_at: former_until.map(instant::iso),
            expires_at: row.expires_at.map(instant::iso),
            object: "api-key",
        })
    }
}
