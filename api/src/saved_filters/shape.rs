use entity::saved_filter::Model;
use sea_orm::prelude::Uuid;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::instant;

#[derive(Serialize, ToSchema)]
pub(crate) struct SavedFilter {
    /// Always `saved-filter`.
    object: &'static str,
    id: Uuid,
    name: String,
    /// The parameters of a list of logs.
    #[schema(value_type = std::collections::HashMap<String, String>)]
    filters: Value,
    /// The person or the key.
    created_by: Option<Uuid>,
    updated_by: Option<Uuid>,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    last_updated_at: String,
}

impl From<Model> for SavedFilter {
    fn from(row: Model) -> Self {
        Self {
            object: "saved-filter",
            id: row.id,
            name: row.name,
            filters: row.filters,
            created_by: row.created_by,
            updated_by: row.updated_by,
            created_at: instant::iso(row.created_at),
            last_updated_at: instant::iso(row.last_updated_at),
        }
    }
}
