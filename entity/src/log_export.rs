//! Logs that somebody wants as a file: which, what of them, and how far the choosing of them has come.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "log_export")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub organisation_id: Uuid,
    pub workspace_id: Uuid,
    pub description: Option<String>,
    /// A JSON object: the filters as they were sent.
    pub filters: Json,
    /// The same as `logstore::Filter`, for who chooses the logs.
    pub filter: Json,
    /// The most logs in the file.
    pub page_size: i64,
    /// How many times `page_size` logs are passed over, the oldest.
    pub current_page: i64,
    /// A JSON array of names: what of each log is in the file.
    pub requested_data: Json,
    /// `draft`, `in_progress`, `success`, `failed` or `stopped`.
    pub status: String,
    /// How often it was started: what a start before chose is no more written down.
    pub starts: i32,
    /// Logs chosen since the last start.
    pub total_records: i64,
    /// The person or the key.
    pub created_by: Option<Uuid>,
    /// The person, or whose key it is.
    pub user_id: Option<Uuid>,
    pub created_at: i64,
    pub last_updated_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
