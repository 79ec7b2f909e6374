//! Filters of logs that an organisation keeps by name.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, json, string, uuid, uuid_null};

use crate::m20261124_tenancy::index;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let saved_filter = Table::create()
            .table("saved_filter")
            .col(uuid("id").primary_key())
            .col(uuid("organisation_id"))
            .col(string("name"))
            .col(json("filters"))
            .col(uuid_null("created_by"))
            .col(uuid_null("updated_by"))
            .col(big_integer("created_at"))
            .col(big_integer("last_updated_at"))
            .to_owned();
        manager.create_table(saved_filter).await?;
        manager.create_index(index("saved_filter", &["organisation_id", "id"])).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("saved_filter").to_owned()).await
    }
}
