//! A virtual key on the wire. Of its secret there is the hint.

use entity::virtual_key;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::instant;
use crate::limits::{RateShown, Shown, UsageShown};

#[derive(Clone, Serialize, ToSchema)]
pub(crate) struct VirtualKey {
    slug: String,
    name: String,
    note: Option<String>,
    provider: String,
    /// Masked.
    key: String,
    custom_host: Option<String>,
    /// The workspace's slug.
    workspace_id: String,
    /// `active`, `exhausted` (its budget is spent) or `expired`.
    status: String,
    usage_limits: Option<UsageShown>,
    reset_usage: u8,
    rate_limits: Vec<RateShown>,
    /// What its provider needs besides the secret; secrets masked.
    #[schema(value_type = std::collections::HashMap<String, Value>)]
    model_config: Value,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    last_updated_at: String,
    /// Those that may be called, or beginnings of their names with a `*` after them; null: all.
    #[schema(value_type = Option<Vec<String>>)]
    models: Option<Value>,
    #[schema(format = DateTime)]
    expires_at: Option<String>,
    /// Always `virtual-key`.
    object: &'static str,
}

impl VirtualKey {
    pub fn of(row: virtual_key::Model, workspace_slug: String, limits: Shown, now_ms: i64) -> Self {
        let expired = row.expires_at.is_some_and(|at| at <= now_ms);
        Self {
            slug: row.slug,
            name: row.name,
            note: row.note,
            provider: row.provider,
            key: row.hint,
            custom_host: row.custom_host,
            workspace_id: workspace_slug,
            status: match (expired, limits.exhausted) {
                (true, _) => "expired".to_owned(),
                (false, true) => "exhausted".to_owned(),
                (false, false) => row.status,
            },
            usage_limits: limits.usage.into_iter().next(),
            reset_usage: 0,
            rate_limits: limits.rates,
            model_config: row.model_config.unwrap_or_else(|| json!({})),
            models: row.models,
            created_at: instant::iso(row.created_at),
            last_updated_at: instant::iso(row.last_updated_at),
            expires_at: row.expires_at.map(instant::iso),
            object: "virtual-key",
        }
    }
}
