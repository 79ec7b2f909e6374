//! Who changed what of an organisation, when and from where. Never changed.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "audit_entry")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub organisation_id: Uuid,
    pub created_at: i64,
    /// `operator`, `person:<id>`, `key:<id>`, `payment-provider` or `turnpike`.
    pub actor: String,
    /// As `plan.change`.
    pub action: String,
    pub subject: Option<String>,
    /// What it was and what it is now.
    pub change: Json,
    /// Which workspace's it is, where it is one's.
    pub workspace_id: Option<Uuid>,
    /// Of the request that asked for it, as what follows. None: it was not asked for over HTTP.
    pub method: Option<String>,
    /// The path.
    pub uri: Option<String>,
    pub query: Option<String>,
    pub request_id: Option<String>,
    pub client_ip: Option<String>,
    pub user_agent: Option<String>,
    pub response_status: Option<i16>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
