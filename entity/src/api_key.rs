//! A key that applications and scripts sign with. The secret itself is never stored.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "api_key")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub organisation_id: Uuid,
    /// None: an organisation (admin) key.
    pub workspace_id: Option<Uuid>,
    pub user_id: Option<Uuid>,
    /// `organisation-service`, `workspace-service` or `workspace-user`.
    pub kind: String,
    pub name: String,
    pub description: Option<String>,
    /// SHA-256 of the secret.
    #[sea_orm(unique)]
    pub hash: Vec<u8>,
    /// What may be shown of the secret, e.g. `tpk_1a2b…9z`.
    pub hint: String,
    /// SHA-256 of the secret that a rotation replaced, which works beside it until `former_until`.
    #[sea_orm(unique)]
    pub former_hash: Option<Vec<u8>>,
    pub former_until: Option<i64>,
    /// As `tenancy::RotationPolicy`.
    pub rotation_policy: Option<Json>,
    /// When its owners are told that a rotation is due.
    pub next_rotation_at: Option<i64>,
    /// JSON array of e-mail addresses that are told of its budget and its rotation too.
    pub alert_emails: Option<Json>,
    /// The person or the key that made it.
    pub created_by: Option<Uuid>,
    /// JSON array of scope names.
    pub scopes: Json,
    /// As `tenancy::Defaults`.
    pub defaults: Option<Json>,
    /// `active` or `archived`.
    pub status: String,
    pub expires_at: Option<i64>,
    pub created_at: i64,
    pub last_updated_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
