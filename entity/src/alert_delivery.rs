//! An alert on its way to one destination: there is one row for both, whatever becomes of it.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "alert_delivery")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub organisation_id: Uuid,
    /// Null: a test.
    pub alert_id: Option<Uuid>,
    /// `webhook:` and the endpoint's id, or `mailto:` and an address.
    pub destination: String,
    /// The webhook's; null: an e-mail.
    pub endpoint_id: Option<Uuid>,
    /// `pending`, `delivered` or `failed`.
    pub state: String,
    /// Since it was last asked for.
    pub attempts: i32,
    /// While it is pending.
    pub next_attempt_at: i64,
    pub last_attempt_at: Option<i64>,
    /// What the last attempt was answered, by HTTP or SMTP.
    pub last_status: Option<i32>,
    pub last_error: Option<String>,
    pub created_at: i64,
    pub delivered_at: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
