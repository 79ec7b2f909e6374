use std::collections::HashMap;

use entity::log_export::Model;
use sea_orm::prelude::Uuid;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::field::Field;
use crate::instant;

/// An export of logs as it stands (3).
#[derive(Serialize, ToSchema)]
pub(crate) struct LogExport {
    /// Always `export`.
    object: &'static str,
    id: Uuid,
    organisation_id: Uuid,
    /// The slug of the workspace whose logs they are.
    workspace_id: String,
    description: Option<String>,
    #[schema(value_type = HashMap<String, Value>)]
    filters: Value,
    requested_data: Vec<Field>,
    /// `draft`, `in_progress`, `success`, `failed` or `stopped`.
    status: String,
    /// Logs chosen so far.
    total_records: i64,
    /// The person or the key.
    created_by: Option<Uuid>,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    last_updated_at: String,
}

impl LogExport {
    /// `slugs`: of workspaces.
    pub fn of(row: Model, slugs: &HashMap<Uuid, String>) -> Self {
        let slug = slugs.get(&row.workspace_id).cloned();
        Self {
            object: "export",
            id: row.id,
            organisation_id: row.organisation_id,
            workspace_id: slug.unwrap_or_else(|| row.workspace_id.to_string()),
            description: row.description,
            filters: row.filters,
            requested_data: Field::stored(&row.requested_data).into_iter().collect(),
            status: row.status,
            total_records: row.total_records,
            created_by: row.created_by,
            created_at: instant::iso(row.created_at),
            last_updated_at: instant::iso(row.last_updated_at),
        }
    }
}

/// An export that was made or changed.
#[derive(Serialize, ToSchema)]
pub(crate) struct LogExportTotal {
    pub id: Uuid,
    /// Logs that its filters find now, whether or not they go into one file.
    pub total: u64,
    /// Always `export`.
    pub object: &'static str,
}

/// What becomes of an export.
#[derive(Serialize, ToSchema)]
pub(crate) struct LogExportMessage {
    pub message: &'static str,
    /// Always `export`.
    pub object: &'static str,
}
