//! Exports of logs: what is wanted, which logs were chosen, and what is never in one.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, blob, integer, json, string, text_null, uuid, uuid_null};

use crate::m20261124_tenancy::index;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let log_export = Table::create()
            .table("log_export")
            .col(uuid("id").primary_key())
            .col(uuid("organisation_id"))
            .col(uuid("workspace_id"))
            .col(text_null("description"))
            .col(json("filters"))
            .col(json("filter"))
            .col(big_integer("page_size"))
            .col(big_integer("current_page"))
            .col(json("requested_data"))
            .col(string("status"))
            .col(integer("starts"))
            .col(big_integer("total_records"))
            .col(uuid_null("created_by"))
            .col(uuid_null("user_id"))
            .col(big_integer("created_at"))
            .col(big_integer("last_updated_at"))
            .to_owned();
        manager.create_table(log_export).await?;
        manager.create_index(index("log_export", &["organisation_id", "id"])).await?;
        manager.create_index(index("log_export", &["status", "last_updated_at"])).await?;

        let part = Table::create()
            .table("log_export_part")
            .col(uuid("export_id"))
            .col(integer("position"))
            .col(blob("log_ids"))
            .primary_key(Index::create().col("export_id").col("position"))
            .to_owned();
        manager.create_table(part).await?;

        let restriction = Table::create()
            .table("log_export_restriction")
            .col(uuid("subject_id").primary_key())
            .col(uuid("organisation_id"))
            .col(json("denied_fields"))
            .to_owned();
        manager.create_table(restriction).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["log_export_restriction", "log_export_part", "log_export"] {
            manager.drop_table(Table::drop().table(table).to_owned()).await?;
        }
        Ok(())
    }
}
