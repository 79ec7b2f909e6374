//! A correction: an amount on the organisation's next invoice. Never changed, but for the invoice it came to stand on.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "credit")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub organisation_id: Uuid,
    /// Below 0: less is owed.
    pub amount_cents: i64,
    pub reason: String,
    /// `operator`, `person:<id>`, `key:<id>` or `turnpike`.
    pub made_by: String,
    pub created_at: i64,
    /// None until it stands on a final invoice.
    pub invoice_id: Option<Uuid>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
