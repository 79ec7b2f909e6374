//! Which processes serve on this database.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, string, uuid};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let process = Table::create()
            .table("process")
            .col(uuid("id").primary_key())
            .col(string("folder"))
            .col(string("host"))
            .col(string("ledger"))
            .col(big_integer("started_at"))
            .col(big_integer("expires_at"))
            .to_owned();
        manager.create_table(process).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("process").to_owned()).await
    }
}
