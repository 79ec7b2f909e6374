//! What an organisation's calls cost in place of, or in proportion to, the prices that hold for everybody.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "price_adjustment")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub organisation_id: Uuid,
    /// The provider's slug; `*`: any.
    pub provider: String,
    /// `*`: any.
    pub model: String,
    /// Decimal text; none where there is a price.
    pub multiplier: Option<String>,
    /// `providers::Price`; none where there is a multiplier.
    pub price: Option<Json>,
    /// Unix milliseconds.
    pub created_at: i64,
    /// Since when it does not hold any more, unix milliseconds.
    pub removed_at: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
