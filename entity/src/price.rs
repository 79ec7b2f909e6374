//! A model's price in a list that was added.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "price")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub list_id: Uuid,
    /// The provider's slug.
    #[sea_orm(primary_key, auto_increment = false)]
    pub provider: String,
    /// `*`: any other of the provider's.
    #[sea_orm(primary_key, auto_increment = false)]
    pub model: String,
    /// `providers::Price`: USD a million tokens, as decimal text.
    pub price: Json,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
