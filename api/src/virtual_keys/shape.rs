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
    /// `active`, or `exhausted`: its budget is spent.
    status: String,
    usage_limits: Option<UsageShown>,
    reset_usage: u8,
    rate_limits: Vec<RateShown>,
    #[schema(value_type = std::collections::HashMap<String, Value>)]
    model_config: Value,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    last_updated_at: String,
    #[schema(value_type = Option<Value>)]
    expires_at: Option<()>,
    /// Always `virtual-key`.
    object: &'static str,
}

impl VirtualKey {
    pub fn of(row: virtual_key::Model, workspace_slug: String, limits: Shown) -> Self {
        Self {
            slug: row.slug,
            name: row.name,
            note: row.note,
            provider: row.provider,
            key: row.hint,
            custom_host: row.custom_host,
            workspace_id: workspace_slug,
            status: if limits.exhausted { "exhausted".to_owned() } else { row.status },
            usage_limits: limits.usage.into_iter().next(),
            reset_usage: 0,
            rate_limits: limits.rates,
            model_config: json!({}),
            created_at: instant::iso(row.created_at),
            last_updated_at: instant::iso(row.last_updated_at),
            expires_at: None,
            object: "virtual-key",
        }
    }
}

/// An answer as the older era wraps it.
#[derive(Serialize, ToSchema)]
pub(crate) struct Wrapped<T> {
    /// Always true.
    success: bool,
    data: T,
}

impl<T> Wrapped<T> {
    pub fn of(data: T) -> Self {
        Self { success: true, data }
    }
}

/// The same, with the newer era's fields beside the wrapper.
#[derive(Serialize, ToSchema)]
pub(crate) struct Both<T> {
    /// Always true.
    success: bool,
    data: T,
    #[serde(flatten)]
    flat: T,
}

impl<T: Clone> Both<T> {
    pub fn eras(data: T) -> Self {
        Self { success: true, flat: data.clone(), data }
    }
}

/// Nothing to say but that it is done.
#[derive(Serialize, ToSchema)]
pub(crate) struct Nothing {}
