//! A provider credential kept for a workspace, sealed by the vault.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "virtual_key")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub organisation_id: Uuid,
    pub workspace_id: Uuid,
    /// Unique within the organisation; what a call names.
    pub slug: String,
    pub name: String,
    pub provider: String,
    /// The provider's secret, sealed with the organisation and row id as context.
    pub secret: Vec<u8>,
    /// What may be shown of the secret.
    pub hint: String,
    pub custom_host: Option<String>,
    /// What its provider needs besides: a JSON object of headers, sealed with the organisation and row id as context.
    pub extras: Option<Vec<u8>>,
    /// The same as it is shown, by the names of the contract; secrets as hints.
    pub model_config: Option<Json>,
    /// JSON array of the models that may be called: names, or beginnings with a `*` after them; none: all.
    pub models: Option<Json>,
    pub expires_at: Option<i64>,
    pub note: Option<String>,
    /// `active` or `archived`.
    pub status: String,
    pub created_at: i64,
    pub last_updated_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
