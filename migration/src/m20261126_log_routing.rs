//! How a call was routed: its config, each attempt, and what guardrails found.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{json_null, string_null, uuid_null};

#[derive(DeriveMigrationName)]
pub struct Migration;

const COLUMNS: [&str; 4] = ["config_id", "config_version_id", "attempts", "hook_results"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // SQLite adds a column a statement.
        let [config_id, version_id, attempts, hook_results] = COLUMNS;
        for column in
            [string_null(config_id), uuid_null(version_id), json_null(attempts), json_null(hook_results)]
        {
            manager.alter_table(Table::alter().table("log").add_column(column).to_owned()).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in COLUMNS {
            manager.alter_table(Table::alter().table("log").drop_column(column).to_owned()).await?;
        }
        Ok(())
    }
}
