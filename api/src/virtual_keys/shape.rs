//! A virtual key on the wire. Of its secret there is the hint.

use entity::virtual_key;
use serde::Serialize;
use serde_json::{Value, json};

use crate::instant;

#[derive(Clone, Serialize)]
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
    status: String,
    usage_limits: Option<()>,
    reset_usage: u8,
    rate_limits: [(); 0],
    model_config: Value,
    created_at: String,
    last_updated_at: String,
    expires_at: Option<()>,
    object: &'static str,
}

impl VirtualKey {
    pub fn of(row: virtual_key::Model, workspace_slug: String) -> Self {
        Self {
            slug: row.slug,
            name: row.name,
            note: row.note,
            provider: row.provider,
            key: row.hint,
            custom_host: row.custom_host,
            workspace_id: workspace_slug,
            status: row.status,
            usage_limits: None,
            reset_usage: 0,
            rate_limits: [],
            model_config: json!({}),
            created_at: instant::iso(row.created_at),
            last_updated_at: instant::iso(row.last_updated_at),
            expires_at: None,
            object: "virtual-key",
        }
    }
}

/// An answer as the older era wraps it, with the newer one's fields beside the wrapper.
#[derive(Serialize)]
pub(crate) struct Both<T> {
    success: bool,
    data: T,
    #[serde(flatten)]
    flat: Option<T>,
}

impl<T: Clone> Both<T> {
    /// The fields in the wrapper and beside it.
    pub fn eras(data: T) -> Self {
        Self { success: true, flat: Some(data.clone()), data }
    }

    /// The fields in the wrapper only.
    pub fn wrapped(data: T) -> Self {
        Self { success: true, flat: None, data }
    }
}

/// Nothing to say but that it is done.
#[derive(Clone, Serialize)]
pub(crate) struct Nothing {}
