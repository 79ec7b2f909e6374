//! What somebody thinks of the calls of a trace.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "feedback")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub organisation_id: Uuid,
    pub workspace_id: Uuid,
    /// The caller's own string, as in the logs of the trace.
    pub trace_id: String,
    /// -10 to 10.
    pub value: i16,
    /// 0 to 1; value times weight is what counts.
    pub weight: f64,
    /// A JSON object.
    pub metadata: Option<Json>,
    pub created_at: i64,
    pub last_updated_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
