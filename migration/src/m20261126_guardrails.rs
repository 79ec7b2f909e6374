//! Saved guardrails and their versions.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, blob, string, uuid, uuid_null};

use crate::m20261124_tenancy::{index, unique};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let guardrail = Table::create()
            .table("guardrail")
            .col(uuid("id").primary_key())
            .col(uuid("organisation_id"))
            .col(uuid_null("workspace_id"))
            .col(string("slug"))
            .col(string("name"))
            .col(string("status"))
            .col(uuid("version_id"))
            .col(uuid_null("owner_id"))
            .col(uuid_null("updated_by"))
            .col(big_integer("created_at"))
            .col(big_integer("last_updated_at"))
            .to_owned();
        manager.create_table(guardrail).await?;
        manager.create_index(unique("guardrail", &["organisation_id", "slug"])).await?;
        manager.create_index(index("guardrail", &["organisation_id", "created_at"])).await?;
        let version = Table::create()
            .table("guardrail_version")
            .col(uuid("id").primary_key())
            .col(uuid("guardrail_id"))
            .col(uuid("organisation_id"))
            .col(blob("content"))
            .col(uuid_null("created_by"))
            .col(big_integer("created_at"))
            .to_owned();
        manager.create_table(version).await?;
        manager.create_index(index("guardrail_version", &["guardrail_id", "created_at"])).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in ["guardrail_version", "guardrail"] {
            manager.drop_table(Table::drop().table(table).to_owned()).await?;
        }
        Ok(())
    }
}
