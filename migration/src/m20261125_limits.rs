//! Budgets and rate limits, and what was spent of budgets.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, big_integer_null, json, string, uuid};

use crate::m20261124_tenancy::index;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let limits = Table::create()
            .table("subject_limits")
            .col(uuid("subject_id").primary_key())
            .col(string("subject_kind"))
            .col(uuid("organisation_id"))
            .col(string("name"))
            .col(json("rate_limits"))
            .col(json("usage_limits"))
            .col(big_integer("counted_from"))
            .col(big_integer("updated_at"))
            .to_owned();
        manager.create_table(limits).await?;
        manager.create_index(index("subject_limits", &["organisation_id", "name"])).await?;

        let spending = Table::create()
            .table("spending")
            .col(uuid("subject_id"))
            .col(string("period"))
            .col(string("subject_kind"))
            .col(uuid("organisation_id"))
            .col(big_integer_null("ends_at"))
            .col(big_integer("tokens"))
            .col(big_integer("cost_pusd"))
            .col(big_integer("updated_at"))
            .primary_key(Index::create().col("subject_id").col("period"))
            .to_owned();
        manager.create_table(spending).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["spending", "subject_limits"] {
            manager.drop_table(Table::drop().table(table).to_owned()).await?;
        }
        Ok(())
    }
}
