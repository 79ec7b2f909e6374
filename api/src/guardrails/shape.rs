//! A guardrail on the wire.

use entity::guardrail::Model;
use sea_orm::prelude::Uuid;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::instant;

/// One of a list.
#[derive(Serialize, ToSchema)]
#[schema(as = GuardrailSummary)]
pub(crate) struct Summary {
    id: Uuid,
    name: String,
    slug: String,
    organisation_id: Uuid,
    /// The workspace's slug; null: every workspace may name it.
    workspace_id: Option<String>,
    /// Always `active`.
    status: String,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    last_updated_at: String,
    /// The person or the key that made it.
    owner_id: Option<Uuid>,
    /// The person or the key that changed it last.
    updated_by: Option<Uuid>,
}

impl Summary {
    pub fn of(row: Model, workspace_slug: Option<String>) -> Self {
        Self {
            id: row.id,
            name: row.name,
            slug: row.slug,
            organisation_id: row.organisation_id,
            workspace_id: workspace_slug,
            status: row.status,
            created_at: instant::iso(row.created_at),
            last_updated_at: instant::iso(row.last_updated_at),
            owner_id: row.owner_id,
            updated_by: row.updated_by,
        }
    }
}

/// A guardrail and what it says.
#[derive(Serialize, ToSchema)]
#[schema(as = Guardrail)]
pub(crate) struct Detail {
    #[serde(flatten)]
    pub summary: Summary,
    pub version_id: Uuid,
    /// As they were sent; headers are masked.
    #[schema(value_type = Vec<Object>)]
    pub checks: Value,
    #[schema(value_type = Object)]
    pub actions: Value,
}

/// Which guardrail, and which version of it calls run from now on.
#[derive(Serialize, ToSchema)]
#[schema(as = SavedGuardrail)]
pub(crate) struct Saved {
    pub id: Uuid,
    pub slug: String,
    pub version_id: Uuid,
}

/// A page, as the contract wraps it (0).
#[derive(Serialize, ToSchema)]
#[schema(as = Guardrails)]
pub(crate) struct Page {
    pub data: Vec<Summary>,
    /// How many there are in all.
    pub total: u64,
}

/// Nothing to say but that it is done.
#[derive(Serialize, ToSchema)]
#[schema(as = GuardrailDeleted)]
pub(crate) struct Nothing {}
