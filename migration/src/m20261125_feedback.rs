//! What is thought of the calls of a trace.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, double, json_null, small_integer, string, uuid};

use crate::m20261124_tenancy::index;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let feedback = Table::create()
            .table("feedback")
            .col(uuid("id").primary_key())
            .col(uuid("organisation_id"))
            .col(uuid("workspace_id"))
            .col(string("trace_id"))
            .col(small_integer("value"))
            .col(double("weight"))
            .col(json_null("metadata"))
            .col(big_integer("created_at"))
            .col(big_integer("last_updated_at"))
            .to_owned();
        manager.create_table(feedback).await?;
        manager.create_index(index("feedback", &["organisation_id", "trace_id"])).await?;
        manager.create_index(index("feedback", &["organisation_id", "created_at"])).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("feedback").to_owned()).await
    }
}
