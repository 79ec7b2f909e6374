//! Prices that were added, what is adjusted for organisations, and what logs' costs were corrected by.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, big_integer_null, json, json_null, string, string_null, text, uuid,
};

use crate::m20261124_tenancy::{index, unique};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let list = Table::create()
            .table("price_list")
            .col(uuid("id").primary_key())
            .col(text("version"))
            .col(string("kind"))
            .col(text("source"))
            .col(big_integer("created_at"))
            .to_owned();
        manager.create_table(list).await?;
        manager.create_index(unique("price_list", &["version"])).await?;
        let price = Table::create()
            .table("price")
            .col(uuid("list_id"))
            .col(text("provider"))
            .col(text("model"))
            .col(json("price"))
            .primary_key(Index::create().col("list_id").col("provider").col("model"))
            .to_owned();
        manager.create_table(price).await?;
        let adjustment = Table::create()
            .table("price_adjustment")
            .col(uuid("id").primary_key())
            .col(uuid("organisation_id"))
            .col(text("provider"))
            .col(text("model"))
            .col(string_null("multiplier"))
            .col(json_null("price"))
            .col(big_integer("created_at"))
            .col(big_integer_null("removed_at"))
            .to_owned();
        manager.create_table(adjustment).await?;
        manager.create_index(index("price_adjustment", &["organisation_id"])).await?;
        let correction = Table::create()
            .table("cost_correction")
            .col(uuid("id").primary_key())
            .col(uuid("organisation_id"))
            .col(uuid("log_id"))
            .col(big_integer_null("old_pusd"))
            .col(big_integer("new_pusd"))
            .col(big_integer("delta_pusd"))
            .col(string_null("old_version"))
            .col(text("new_version"))
            .col(big_integer("created_at"))
            .to_owned();
        manager.create_table(correction).await?;
        manager.create_index(index("cost_correction", &["organisation_id", "log_id"])).await?;
        manager.create_index(index("cost_correction", &["created_at"])).await?;
        manager
            .alter_table(Table::alter().table("log").add_column(json_null("usage_detail")).to_owned())
            .await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.alter_table(Table::alter().table("log").drop_column("usage_detail").to_owned()).await?;
        for table in ["cost_correction", "price_adjustment", "price", "price_list"] {
            manager.drop_table(Table::drop().table(table).to_owned()).await?;
        }
        Ok(())
    }
}
